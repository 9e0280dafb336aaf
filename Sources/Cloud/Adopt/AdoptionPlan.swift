package import Engine
package import Model

/// What becomes of every resource of a Terraform state, and of every resource of the stack.
package struct AdoptionPlan: Sendable {
  /// A resource of the stack that Terraform has too.
  package struct Match: Sendable, Hashable {
    package var address: Address
    /// AWS's.
    package var id: String
    /// Its addresses in Terraform; several for an upload, none for what only the state has.
    package var terraform: [String]
  }

  /// Settings, rules, attachments: what is a resource in Terraform and a part of one here.
  package struct Part: Sendable, Hashable {
    package var terraform: String
    package var block: String
    package var of: [Address]
  }

  package struct Staying: Sendable, Hashable {
    package var terraform: String
    package var block: String
    /// What can be done about it.
    package var hint: String
  }

  package struct Missing: Sendable, Hashable {
    package var address: Address
    /// Why, where Terraform has it; may be empty.
    package var note = ""
  }

  package var adopted: [Match] = []
  package var parts: [Part] = []
  /// In mrhealth's state before.
  package var known: [Match] = []
  /// Terraform has it and AWS does not.
  package var gone: [Match] = []
  package var staying: [Staying] = []
  /// Only the stack has it.
  package var missing: [Missing] = []
  /// What is to be recorded.
  package var records: [Address: StateResource] = [:]

  package init() {}

  /// What Terraform must forget, now that mrhealth manages it: where all instances of a block go, the block.
  package func forgotten(by terraform: TerraformState) -> [String] {
    let ours = Set((adopted + known).flatMap(\.terraform) + parts.map(\.terraform))
    let staying = Set(terraform.resources.filter { !ours.contains($0.address) }.map(\.block))
    var named: Set<String> = []
    return terraform.resources.filter { ours.contains($0.address) }.map { resource in
      staying.contains(resource.block) ? resource.address : resource.block
    }.filter { named.insert($0).inserted }
  }
}
