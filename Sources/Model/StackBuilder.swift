/// Turns a checked stack file into a `Stack`: addresses, dependencies, scripts that uploads cover.
struct StackBuilder {
  let file: String
  let folder: String
  let check: SchemaCheck
  let kinds: [KindDefinition]
  private var diagnostics: [Diagnostic] = []

  init(file: String, folder: String, check: SchemaCheck, kinds: [KindDefinition]) {
    self.file = file
    self.folder = folder
    self.check = check
    self.kinds = kinds
  }

  mutating func build(_ checked: Value) throws(Diagnostics) -> Stack {
    var root = checked
    var addedDependencies: [[String]: [Address]] = [:]
    for path in check.uploadedFiles {
      guard let local = root.at(path)?.string, let upload = covering(local, in: checked, at: path) else { continue }
      root = root.replacing(path, with: .string(upload.url))
      addedDependencies[Array(path.prefix(2)), default: []].append(upload.address)
    }

    var resources: [ResourceDeclaration] = []
    for kind in kinds {
      for (name, inputs) in (root[kind.section]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        let path = [kind.section, name]
        guard name.allSatisfy(Address.isNameCharacter), !name.isEmpty else {
          fail("`\(name)` cannot be a resource's name", "letters, digits, `_` and `-` only", at: path)
          continue
        }
        resources.append(
          declaration(Address(kind: kind.kind, name: name), inputs, path: path, uploads: addedDependencies[path] ?? []))
      }
    }
    let addresses = Set(resources.map(\.address))
    let state = address(root["state"]?.string ?? "", at: ["state"], of: "s3.bucket", among: addresses)
    var pipeline: Pipeline?
    if let section = root["pipeline"] { pipeline = readPipeline(section, addresses: addresses) }
    let variables = (root["variables"]?.object ?? [:]).reduce(into: [String: Stack.Variable]()) { result, entry in
      result[entry.key] = Stack.Variable(
        value: entry.value["default"], summary: entry.value["description"]?.string ?? "",
        position: check.positions[["variables", entry.key]])
    }
    guard diagnostics.isEmpty, let state else { throw Diagnostics(diagnostics) }
    return Stack(
      name: root["stack"]?.string ?? "", region: root["region"]?.string, timezone: root["timezone"]?.string,
      file: file, folder: folder,
      variables: variables, tags: (root["tags"]?.object ?? [:]).compactMapValues(\.string), state: state,
      resources: resources, pipeline: pipeline)
  }

  private mutating func fail(_ summary: String, _ detail: String = "", remedy: String = "", at path: [String]) {
    diagnostics.append(
      Diagnostic(summary, detail: detail, remedy: remedy, position: check.positions[path] ?? check.positions[[]]))
  }

  private mutating func declaration(
    _ address: Address, _ value: Value, path: [String], uploads: [Address]
  ) -> ResourceDeclaration {
    var inputs = value.object ?? [:]
    for field in StackFile.metaFields { inputs[field.name] = nil }
    var dependsOn = uploads
    for (index, item) in (value["depends_on"]?.list ?? []).enumerated() {
      let text = item.string ?? ""
      if let other = Address(text) {
        dependsOn.append(other)
      } else {
        fail("`\(text)` is not an address", "expected e.g. `s3.bucket.lake`", at: path + ["depends_on", String(index)])
      }
    }
    let positions = check.positions.reduce(into: [[String]: SourcePosition]()) { result, entry in
      if entry.key.starts(with: path) { result[Array(entry.key.dropFirst(path.count))] = entry.value }
    }
    return ResourceDeclaration(
      address: address, inputs: .object(inputs), dependsOn: dependsOn, protect: value["protect"]?.bool ?? false,
      keep: value["keep"]?.bool ?? false, position: check.positions[path], positions: positions)
  }

  private mutating func address(
    _ text: String, at path: [String], of kind: String, among known: Set<Address>
  ) -> Address? {
    if let address = Address(text), address.kind == kind, known.contains(address) { return address }
    let candidates = known.filter { $0.kind == kind }.map(\.description)
    fail(
      "`\(text)` is not \(kind == "s3.bucket" ? "a bucket" : "an address of kind `\(kind)`") of this stack", "",
      remedy: candidates.isEmpty
        ? "Declare one under `\(kinds.first { $0.kind == kind }?.section ?? kind)`."
        : Suggestion.remedy(for: text, among: candidates), at: path)
    return nil
  }

  // MARK: uploads

  /// The upload whose folder holds a local file, and the URL that it gives the file.
  private mutating func covering(_ local: String, in root: Value, at path: [String]) -> (address: Address, url: String)?
  {
    for (name, upload) in (root["uploads"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      guard let from = upload["from"]?.string, let bucket = upload["bucket"]?.string else { continue }
      let folder = from.hasSuffix("/") || from == "." ? from : from + "/"
      guard from == "." || local.hasPrefix(folder) else { continue }
      let relative = from == "." ? local : String(local.dropFirst(folder.count))
      let prefix = upload["prefix"]?.string ?? ""
      let joined = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
      return (Address(kind: "s3.upload", name: name), "s3://\(bucket)/\(joined)\(relative)")
    }
    fail(
      "No upload covers `\(local)`", "a cluster can only read what is in S3",
      remedy: "Add its folder under `uploads`, or name an s3:// URL.", at: path)
    return nil
  }

  // MARK: pipeline

  private mutating func readPipeline(_ value: Value, addresses: Set<Address>) -> Pipeline {
    let cluster = address(
      value["cluster"]?.string ?? "", at: ["pipeline", "cluster"], of: "emr.cluster", among: addresses)
    var notify: Address?
    if let text = value["notify"]?.string {
      notify = address(text, at: ["pipeline", "notify"], of: "sns.topic", among: addresses)
    }
    var steps: [StepDeclaration] = []
    for (index, item) in (value["steps"]?.list ?? []).enumerated() {
      let path = ["pipeline", "steps", String(index)]
      guard let step = step(item, path: path) else { continue }
      if steps.contains(where: { $0.name == step.name }) {
        fail("Two steps are called `\(step.name)`", "names tell steps apart in logs and in --step", at: path + ["name"])
      }
      steps.append(step)
    }
    if steps.isEmpty, diagnostics.isEmpty { fail("The pipeline has no steps", at: ["pipeline", "steps"]) }
    let data = value["data"].map { DataFolder(from: $0["from"]?.string ?? "", to: $0["to"]?.string ?? "") }
    return Pipeline(
      cluster: cluster ?? Address(kind: "emr.cluster", name: "unknown"), data: data, steps: steps, notify: notify,
      report: value["report"]?.string)
  }

  private mutating func step(_ value: Value, path: [String]) -> StepDeclaration? {
    let strings = { (key: String) in (value[key]?.list ?? []).compactMap(\.string) }
    let named = ["script", "command", "jar"].filter { value[$0] != nil }
    guard named.count == 1 else {
      fail(
        "A step needs one of `script`, `command` and `jar`",
        named.isEmpty ? "this one has none" : "this one has \(named.joined(separator: " and "))", at: path)
      return nil
    }
    for (key, only) in [("submit", "script"), ("py_files", "script"), ("main_class", "jar")]
    where value[key] != nil && named != [only] {
      fail("`\(key)` goes with `\(only)`", "this step has `\(named[0])`", at: path + [key])
    }
    let work: StepDeclaration.Work
    if let script = value["script"]?.string {
      let modules = strings("py_files")
      let options = modules.isEmpty ? [] : ["--py-files", modules.joined(separator: ",")]
      work = .spark(script: script, submitOptions: strings("submit") + options)
    } else if let jar = value["jar"]?.string {
      work = .jar(jar, mainClass: value["main_class"]?.string)
    } else {
      let command = strings("command")
      if command.isEmpty { fail("`command` is empty", at: path + ["command"]) }
      work = .command(command)
    }
    return StepDeclaration(
      name: value["name"]?.string ?? "", work: work, arguments: strings("args"),
      onFailure: value["on_failure"]?.string ?? "CANCEL_AND_WAIT", position: check.positions[path])
  }
}

extension Value {
  /// The same value with what stands at an existing path replaced.
  func replacing(_ path: [String], with replacement: Value) -> Value {
    guard let first = path.first else { return replacement }
    let rest = Array(path.dropFirst())
    switch self {
    case .object(var members):
      members[first] = members[first]?.replacing(rest, with: replacement)
      return .object(members)
    case .list(var items):
      guard let index = Int(first), items.indices.contains(index) else { return self }
      items[index] = items[index].replacing(rest, with: replacement)
      return .list(items)
    default: return self
    }
  }
}
