internal import AWS
internal import Engine
internal import FoundationEssentials
internal import Model

/// A plan in a file: what `plan --out` writes and `up PLANFILE` carries out, and nothing else.
///
/// It holds what the stack file says and AWS has, no credentials; it is readable by its owner only all the same.
struct PlanFile: Codable {
  static let formatVersion = 1

  var version = Self.formatVersion
  /// The program that made it.
  var producer = "mrhealth \(Version.current)"
  var account: String
  var region: String
  var plan: Plan

  init(_ plan: Plan, session: StackSession) {
    account = session.identity.account
    region = session.client.region
    self.plan = plan
  }

  func write(_ path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try LocalDocument.write(try encoder.encode(self), to: path)
    } catch {
      throw Diagnostic(
        "The plan cannot be written", detail: "\(path): \((error as? POSIXError)?.text ?? "\(error)")",
        remedy: "Name a file in a folder that you can write to.")
    }
  }

  /// - Throws: `Diagnostic` when it is no plan, or one of another program version, account or stack.
  static func read(_ path: String, session: StackSession) throws(Diagnostic) -> PlanFile {
    let remedy = "Make one with `mrhealth plan --out \(path)`."
    let data: Data
    do throws(Diagnostic) {
      data = Data(try InputFile.read(path, limit: LocalDocument.sizeLimit))
    } catch {
      throw Diagnostic("The plan cannot be read", detail: "\(path): \(error.detail)", remedy: remedy)
    }
    struct Header: Decodable {
      var version: Int
      var plan: Stack

      struct Stack: Decodable { var stack: String }
    }
    guard let header = try? JSONDecoder().decode(Header.self, from: data) else {
      throw Diagnostic("\(path) is not a plan", remedy: remedy)
    }
    guard header.version == formatVersion, let file = try? JSONDecoder().decode(PlanFile.self, from: data) else {
      throw Diagnostic(
        "The plan is of another version of mrhealth",
        detail: "\(path) has format version \(header.version), this program \(formatVersion)", remedy: remedy)
    }
    let here = (session.identity.account, session.client.region)
    guard (file.account, file.region) == here else {
      throw Diagnostic(
        "The plan is for another place",
        detail: "made in \(file.account), \(file.region); this is \(here.0), \(here.1)",
        remedy: "Use the profile and region that it was made with.")
    }
    return file
  }

  /// What the plan takes from this machine and is no longer what it was: the files of uploads.
  func changed(in environment: EngineEnvironment) -> [Diagnostic] {
    plan.changes.compactMap { change -> Diagnostic? in
      guard change.action.isChange, let planned = change.canonical, let desired = change.desired else { return nil }
      do {
        let now = try environment.provider(for: change.address).normalize(desired)
        guard let first = Difference.between(planned, now).first else { return nil }
        return Diagnostic(
          "\(change.address) is not what it was when the plan was made", detail: "\(first.name) differs",
          remedy: "Make a new plan.", address: change.address)
      } catch {
        return Diagnostic(wrapping: error).at(change.address)
      }
    }
  }
}
