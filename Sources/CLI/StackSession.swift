internal import AWS
internal import Cloud
internal import Engine
internal import FoundationEssentials
internal import Model

/// A stack and the account it is at home in: everything that `plan`, `up`, `run` and `destroy` share.
struct StackSession: Sendable {
  let context: CommandContext
  let stack: Stack
  let graph: Graph
  let client: AWSClient
  let identity: STSClient.Identity
  private let providers: [any ResourceProvider]
  let store: S3StateStore
  /// Name of the bucket that holds the state.
  let stateBucket: String
  private let variables: [String: Value]

  /// Reads the stack and asks AWS who we are.
  static func open(_ context: CommandContext) async throws -> StackSession {
    let stack = try load(context)
    let variables = try values(of: stack, context.options.variables)
    let graph = try Graph(stack.resources)
    let client = try await context.aws(region: stack.region)
    let identity: STSClient.Identity
    do {
      identity = try await STSClient(client).getCallerIdentity()
    } catch {
      throw Diagnostic(explaining: error)
    }
    return try StackSession(context, stack, graph, client, identity, variables)
  }

  private init(
    _ context: CommandContext, _ stack: Stack, _ graph: Graph, _ client: AWSClient, _ identity: STSClient.Identity,
    _ variables: [String: Value]
  ) throws {
    self.context = context
    self.stack = stack
    self.graph = graph
    self.client = client
    self.identity = identity
    self.variables = variables
    providers = Catalog.providers(
      client, account: identity.account, partition: identity.partition, folder: stack.folder)
    let name = stack[stack.state]?.inputs["name"]?.substituting { reference in
      Self.lookup(reference, stack, client.region, identity, variables)
    }
    guard let bucket = name?.string, !bucket.contains("${") else {
      throw Diagnostic(
        "The state bucket's name must be known before anything is made",
        remedy: "Use only ${account}, ${region}, ${stack} and ${var...} in it.", address: stack.state,
        position: stack[stack.state]?.position)
    }
    stateBucket = bucket
    store = S3StateStore(client, bucket: bucket, stack: stack.name)
  }

  /// The stack as its file has it, with the stack's tags on every resource that takes tags.
  static func load(_ context: CommandContext) throws -> Stack {
    var stack = try StackFile(kinds: Catalog.definitions).load(context.options.stack ?? defaultPath(context))
    let taggable = Set(Catalog.definitions.filter { $0.inputs.contains { $0.name == "tags" } }.map(\.kind))
    for index in stack.resources.indices where taggable.contains(stack.resources[index].address.kind) {
      guard case .object(var inputs) = stack.resources[index].inputs else { continue }
      let own = inputs["tags"]?.object ?? [:]
      inputs["tags"] = .object(stack.tags.mapValues(Value.string).merging(own) { $1 })
      stack.resources[index].inputs = .object(inputs)
    }
    return stack
  }

  /// `MRHEALTH_STACK`, the current folder, or the one stack of a checkout.
  private static func defaultPath(_ context: CommandContext) -> String {
    if let path = context.variables["MRHEALTH_STACK"], !path.isEmpty { return path }
    let here = FileManager.default.fileExists(atPath: "stack.yaml")
    return !here && FileManager.default.fileExists(atPath: "stacks/mrhealth/stack.yaml") ? "stacks/mrhealth" : "."
  }

  /// What `--var` and the stack's defaults say.
  static func values(of stack: Stack, _ given: [String]) throws -> [String: Value] {
    var values = stack.variables.compactMapValues(\.value)
    for text in given {
      guard let equals = text.firstIndex(of: "=") else {
        throw Diagnostic("`--var \(text)` has no value", remedy: "Write --var \(text)=VALUE.")
      }
      let name = String(text[..<equals])
      guard stack.variables[name] != nil else {
        throw Diagnostic(
          "The stack has no variable `\(name)`", remedy: Suggestion.remedy(for: name, among: stack.variables.keys))
      }
      values[name] = scalar(String(text[text.index(after: equals)...]))
    }
    for (name, variable) in stack.variables.sorted(by: { $0.key < $1.key }) where values[name] == nil {
      throw Diagnostic(
        "The variable `\(name)` has no value", detail: variable.summary, remedy: "Give it with --var \(name)=VALUE.",
        position: variable.position)
    }
    return values
  }

  /// Numbers and truth values as such, so that `--var nodes=3` is a count.
  private static func scalar(_ text: String) -> Value {
    if let number = Int64(text), String(number) == text { return .int(number) }
    return text == "true" ? true : text == "false" ? false : .string(text)
  }

  /// nil for what names no variable.
  private static func lookup(
    _ reference: Reference, _ stack: Stack, _ region: String, _ identity: STSClient.Identity,
    _ variables: [String: Value]
  ) -> Value? {
    switch reference.path {
    case ["account"]: .string(identity.account)
    case ["region"]: .string(region)
    case ["partition"]: .string(identity.partition)
    case ["stack"]: .string(stack.name)
    case let path where path.first == "var" && path.count == 2: variables[path[1]]
    default: .none
    }
  }

  /// Checks references that need no account, for `validate`.
  static func check(_ stack: Stack, variables: [String: Value]) throws(Diagnostics) {
    var diagnostics: [Diagnostic] = []
    let anyone = STSClient.Identity(account: "123456789012", arn: "", userID: "")
    for resource in stack.resources {
      for (path, reference) in resource.inputs.referencesByPath() where reference.address == nil {
        guard lookup(reference, stack, stack.region ?? "us-east-1", anyone, variables) == nil else { continue }
        let isVariable = reference.path.first == "var" && reference.path.count == 2
        diagnostics.append(
          Diagnostic(
            isVariable ? "The stack has no variable `\(reference.path[1])`" : "`\(reference)` refers to nothing",
            detail: isVariable
              ? "in `\(reference)`"
              : "known are account, region, partition, stack, var.NAME, and attributes of resources, e.g. s3.bucket.lake.arn",
            remedy: isVariable ? Suggestion.remedy(for: reference.path[1], among: stack.variables.keys) : "",
            address: resource.address, position: resource.position(of: path)))
      }
    }
    guard diagnostics.isEmpty else { throw Diagnostics(diagnostics) }
  }

  // MARK: engine

  func variable(_ reference: Reference) -> Value? {
    Self.lookup(reference, stack, client.region, identity, variables)
  }

  func environment(
    width: Int = 16, interruption: Interruption = Interruption(), events: @escaping EventHandler = { _ in }
  ) -> EngineEnvironment {
    EngineEnvironment(
      stack: stack.name, providers: providers, variables: variable, width: width, events: events,
      interruption: interruption)
  }

  /// Makes the bucket that holds the state if it is not there, as the first `up` of all must: bare, as S3 makes it,
  /// which is private and encrypted, and tagged as ours. What the stack says of it the plan then sets.
  func ensureStateBucket() async throws {
    let s3 = S3Client(client)
    do {
      if try await s3.headBucket(stateBucket) == nil {
        do throws(AWSError) {
          try await s3.createBucket(stateBucket)
        } catch {
          // Another first `up` was quicker.
          guard error.code == "BucketAlreadyOwnedByYou" else { throw error }
        }
      } else {
        // A first `up` that was killed may have made it and no more. With a state in it and no word of whose it is,
        // it would pass for a stranger's.
        guard try await s3.getBucketTagging(stateBucket).isEmpty else { return }
        var pages = s3.objectPages(stateBucket, pageSize: 1)
        guard try await pages.next()?.objects.isEmpty ?? true else { return }
      }
      try await s3.putBucketTagging(
        stateBucket, [Tags.stack: stack.name, Tags.address: stack.state.description])
    } catch {
      throw Diagnostic(explaining: error)
    }
  }

  /// The deletion of a state bucket in which there is no state any more: what a `destroy --purge` that was killed has
  /// left. nil when there is none, or one that is not this stack's.
  func emptiedStateBucket() async throws -> ResourceChange? {
    guard let declaration = stack[stack.state] else { return nil }
    let environment = environment()
    let provider = try environment.provider(for: declaration.address)
    let inputs = try provider.normalize(declaration.inputs.substituting { variable($0) })
    let tags = [Tags.stack: stack.name, Tags.address: declaration.address.description]
    let context = ResourceContext(address: declaration.address, tags: tags)
    guard let id = try await provider.find(inputs, context: context) else { return nil }
    return ResourceChange(
      address: declaration.address, action: .delete, id: id, observed: Observation(inputs: inputs, outputs: [:]))
  }

  func plan(_ options: PlanOptions, state: State?, width: Int = 16) async throws -> Plan {
    try await Planner(environment(width: width), options: options).plan(graph, state: state)
  }

  /// nil: nothing was ever made.
  /// - Throws: `Diagnostic` when the state was deleted: to begin anew would make a second of everything.
  func state() async throws -> State? {
    guard let state = try await store.loadState()?.state else {
      // Who may not list versions cannot be warned.
      guard let last = try? await store.history(limit: 1).first else { return nil }
      throw Diagnostic(
        "The state was deleted", detail: "\(store.location) is gone; its earlier versions are there.",
        remedy: "Take it back with `mrhealth state rollback \(last.id)`, or find what AWS has with `mrhealth state "
          + "rebuild`.")
    }
    guard state.stack == stack.name else {
      throw Diagnostic(
        "The state belongs to another stack", detail: "\(store.location) is of `\(state.stack)`",
        remedy: "Give each stack a name of its own.")
    }
    return state
  }
}
