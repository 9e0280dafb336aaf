internal import AWS
internal import Engine
internal import Model

/// `sns.topic`: a topic and who is subscribed to it. The id is the topic's ARN.
///
/// A mail subscription stays pending until the link in its mail is followed; until then it can neither
/// be confirmed nor deleted through the API (AWS.md 0.9), so nothing waits for it or fails on it.
struct SNSTopic: Kind {
  struct Inputs: Codable, Sendable, Equatable {
    var name: String
    var displayName: String
    var subscriptions: [Subscription]
    var tags: [String: String]

    enum CodingKeys: String, CodingKey {
      case name, subscriptions, tags
      case displayName = "display_name"
    }
  }

  struct Subscription: Codable, Sendable, Equatable, Hashable {
    var `protocol`: String
    var endpoint: String
  }

  struct Outputs: Codable, Sendable {
    var arn: String
    var name: String
    /// Endpoints whose confirmation is still awaited.
    var pending: [String]
  }

  static let definition = KindDefinition(
    kind: "sns.topic", section: "topics", summary: "SNS topics: who is told how runs end.",
    inputs: [
      Field("name", .string, required: true, "The topic's name."),
      Field("display_name", .string, "Sender's name in mails."),
      Field(
        "subscriptions",
        .list(
          of: .object([
            Field(
              "protocol", .string(.oneOf(["email", "email-json", "sqs", "https", "lambda", "sms"])), required: true,
              "How."),
            Field("endpoint", .string, required: true, "Address, ARN or URL."),
          ])), "Subscribers; others that this stack did not make are left alone."),
      Field("tags", .map(of: .string), "Tags."),
    ])
  static let replacing: Set<String> = ["name"]

  let sns: SNSClient
  /// `arn:aws:sns:us-east-2:123456789012:`, to which a topic's name is added.
  let arnPrefix: String

  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs {
    try Tags.check(inputs.tags)
    for subscription in inputs.subscriptions where subscription.protocol.hasPrefix("email") {
      guard subscription.endpoint.contains("@") else {
        throw Diagnostic(
          "`\(subscription.endpoint)` is not a mail address", remedy: "Correct the subscription's endpoint.")
      }
    }
    return inputs
  }

  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>? {
    async let subscribed = sns.listSubscriptionsByTopic(id)
    async let tags = sns.listTagsForResource(id)
    guard let attributes = try await sns.getTopicAttributes(id) else {
      _ = try? await (subscribed, tags)
      return nil
    }
    let present = try await subscribed ?? []
    let wanted = Set(recorded.subscriptions)
    var now = recorded
    now.displayName = attributes["DisplayName"] ?? ""
    let all = try await tags ?? [:]
    now.tags = Tags.users(all)
    now.subscriptions = present.map { Subscription(protocol: $0.proto, endpoint: $0.endpoint) }
      .filter(wanted.contains).sorted()
    return Observed(
      inputs: now, outputs: self.outputs(id, recorded.name, present), missingTags: Tags.missing(in: all, context.tags))
  }

  private func outputs(_ arn: String, _ name: String, _ subscriptions: [SNS.Subscription]) -> Outputs {
    Outputs(arn: arn, name: name, pending: subscriptions.filter(\.isPending).map(\.endpoint).sorted())
  }

  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    let arn = arnPrefix + inputs.name
    guard try await sns.getTopicAttributes(arn) != nil else { return nil }
    guard Tags.areOurs(try await sns.listTagsForResource(arn) ?? [:], context.tags) else {
      throw ForeignResource("Topic", inputs.name, id: arn, context: context.address)
    }
    return arn
  }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    // CreateTopic with another token in its tags is refused: an own topic of a lost create is taken as it is.
    let existing = try await find(inputs, context: context)
    let arn: String
    if let existing {
      arn = existing
    } else {
      arn = try await sns.createTopic(
        inputs.name, attributes: inputs.displayName.isEmpty ? [:] : ["DisplayName": inputs.displayName],
        tags: inputs.tags.merging(context.tags) { $1 })
    }
    try await context.created(arn)
    for subscription in inputs.subscriptions {
      _ = try await sns.subscribe(topic: arn, proto: subscription.protocol, endpoint: subscription.endpoint)
    }
    return (arn, outputs(arn, inputs.name, try await sns.listSubscriptionsByTopic(arn) ?? []))
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    if old.displayName != new.displayName {
      try await sns.setTopicAttribute(id, name: "DisplayName", value: new.displayName)
    }
    let tags = Tags.changes(from: old.tags, to: new.tags)
    if !tags.set.isEmpty { try await sns.tagResource(id, tags: tags.set) }
    if !tags.remove.isEmpty { try await sns.untagResource(id, keys: tags.remove) }
    for subscription in new.subscriptions where !old.subscriptions.contains(subscription) {
      _ = try await sns.subscribe(topic: id, proto: subscription.protocol, endpoint: subscription.endpoint)
    }
    let dropped = old.subscriptions.filter { !new.subscriptions.contains($0) }
    for present in try await sns.listSubscriptionsByTopic(id) ?? [] where !present.isPending {
      if let arn = present.arn, dropped.contains(Subscription(protocol: present.proto, endpoint: present.endpoint)) {
        try await sns.unsubscribe(arn)
      }
    }
    return outputs(id, new.name, try await sns.listSubscriptionsByTopic(id) ?? [])
  }

  func claim(_ id: String, inputs: Inputs, context: ResourceContext) async throws {
    try await sns.tagResource(id, tags: context.tags)
  }

  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    // Subscriptions go with their topic, pending ones after three days.
    try await sns.deleteTopic(id)
  }
}

extension SNSTopic.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    displayName = try container.decodeIfPresent(String.self, forKey: .displayName) ?? ""
    subscriptions =
      Set(try container.decodeIfPresent([SNSTopic.Subscription].self, forKey: .subscriptions) ?? []).sorted()
    tags = try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
  }
}

extension SNSTopic.Subscription: Comparable {
  static func < (left: Self, right: Self) -> Bool {
    (left.protocol, left.endpoint) < (right.protocol, right.endpoint)
  }
}
