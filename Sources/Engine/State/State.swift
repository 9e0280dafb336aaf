package import FoundationEssentials
package import Model

/// What is known to have been made: the memory between one command and the next.
///
/// Stored as JSON with sorted keys and sorted resources, so that two states compare line by line.
package struct State: Sendable, Hashable {
  /// Of the file format. A newer one is refused: it may mean things that this program does not know.
  package static let formatVersion = 1

  package var stack: String
  /// Given to a state at its birth and never changed: states of different lineage are of different worlds.
  package var lineage: String
  /// Grows with every save.
  package var serial: Int
  package var updatedAt: Date
  /// The program and version that saved it.
  package var producer: String
  package var resources: [Address: StateResource]

  package init(
    stack: String, lineage: String = UUID().uuidString.lowercased(), serial: Int = 0, updatedAt: Date = Date(),
    producer: String = "mrhealth", resources: [StateResource] = []
  ) {
    self.stack = stack
    self.lineage = lineage
    self.serial = serial
    self.updatedAt = updatedAt.wholeSeconds
    self.producer = producer
    self.resources = Dictionary(resources.map { ($0.address, $0) }, uniquingKeysWith: { _, last in last })
  }

  package var sortedResources: [StateResource] {
    resources.values.sorted { $0.address < $1.address }
  }
}

package struct StateResource: Sendable, Hashable {
  package enum Status: String, Sendable, Hashable, Codable {
    /// A create was about to be sent, or was sent and not seen to finish: to be looked up (invariant 1).
    case creating
    case created
    /// Tainted: it exists, but its create failed half-way.
    case failed
    /// A delete was begun.
    case deleting
  }

  package var address: Address
  /// AWS's name for it; absent only while `creating`.
  package var id: String?
  package var status: Status
  /// Went into the create; finds what an unfinished one has made.
  package var token: String?
  /// Canonical, as last applied.
  package var inputs: Value
  /// As the user wrote them, references filled in: what is compared when the new ones hold unknowns and
  /// cannot be brought into canonical form. Absent for what was imported.
  package var written: Value?
  package var outputs: Value
  package var dependsOn: [Address]
  package var keep: Bool
  package var protect: Bool
  package var createdAt: Date?

  package init(
    address: Address, id: String? = nil, status: Status, token: String? = nil, inputs: Value, written: Value? = nil,
    outputs: Value = [:], dependsOn: [Address] = [], keep: Bool = false, protect: Bool = false, createdAt: Date? = nil
  ) {
    self.address = address
    self.id = id
    self.status = status
    self.token = token
    self.inputs = inputs
    self.written = written
    self.outputs = outputs
    self.dependsOn = dependsOn.sorted()
    self.keep = keep
    self.protect = protect
    self.createdAt = createdAt?.wholeSeconds
  }
}

extension Date {
  /// Without the fraction, which the stored form does not hold: what is saved must equal what is loaded.
  package var wholeSeconds: Date {
    Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down))
  }
}
