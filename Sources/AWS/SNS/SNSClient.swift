/// What Amazon SNS's API speaks of.
package enum SNS {
  package struct Subscription: Sendable, Hashable {
    /// nil until the subscriber has followed the link in the mail: such a subscription can be neither confirmed
    /// nor deleted through the API, and SNS drops it after some days.
    package var arn: String?
    package var proto: String
    package var endpoint: String
    package var owner: String
    package var topicArn: String

    package var isPending: Bool { arn == nil }
  }

  /// AWS writes "PendingConfirmation" in lists, "pending confirmation" in the answer of Subscribe.
  static func subscriptionArn(_ text: String?) -> String? {
    guard let text, text.hasPrefix("arn:") else { return nil }
    return text
  }
}

/// Amazon SNS: topics, subscriptions, messages.
package struct SNSClient: Sendable {
  let client: AWSClient

  package init(_ client: AWSClient) {
    self.client = client
  }

  @discardableResult
  func call(
    _ operation: String, _ fill: (inout QueryForm) -> Void
  ) async throws(AWSError) -> XMLNode {
    let answer = try await client.query(.sns, operation, fill)
    return answer["\(operation)Result"] ?? answer
  }

  /// nil in place of an error that says that the topic or subscription does not exist.
  func find(
    _ operation: String, _ fill: (inout QueryForm) -> Void
  ) async throws(AWSError) -> XMLNode? {
    do throws(AWSError) {
      return try await call(operation, fill)
    } catch {
      switch error.code {
      case "NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException": return nil
      default: throw error
      }
    }
  }

  /// Creates the topic, or finds it when one of that name, with these attributes and tags, exists.
  /// - Throws: InvalidParameter when it exists with other attributes or tags.
  /// - Returns: its ARN.
  package func createTopic(
    _ name: String, attributes: [String: String] = [:], tags: [String: String] = [:]
  ) async throws(AWSError) -> String {
    let answer = try await call("CreateTopic") { form in
      form.add("Name", name)
      form.add(map: "Attributes", attributes)
      form.add(tags: "Tags", tags)
    }
    return try client.required(answer.text(of: "TopicArn"), "TopicArn", .sns, "CreateTopic")
  }

  /// - Returns: nil when there is no such topic.
  package func getTopicAttributes(_ arn: String) async throws(AWSError) -> [String: String]? {
    let answer = try await find("GetTopicAttributes") { $0.add("TopicArn", arn) }
    return answer.map { answer in
      let entries = answer["Attributes"]?.all("entry") ?? []
      let pairs = entries.compactMap { entry in
        entry.text(of: "key").map { ($0, entry.text(of: "value") ?? "") }
      }
      return Dictionary(pairs) { _, last in last }
    }
  }

  package func setTopicAttribute(
    _ arn: String, name: String, value: String
  ) async throws(AWSError) {
    try await call("SetTopicAttributes") { form in
      form.add("TopicArn", arn)
      form.add("AttributeName", name)
      form.add("AttributeValue", value)
    }
  }

  /// Deletes a topic and its subscriptions. One that does not exist is no error.
  package func deleteTopic(_ arn: String) async throws(AWSError) {
    _ = try await find("DeleteTopic") { $0.add("TopicArn", arn) }
  }

  /// - Returns: nil when there is no such topic.
  package func listTagsForResource(_ arn: String) async throws(AWSError) -> [String: String]? {
    let answer = try await find("ListTagsForResource") { $0.add("ResourceArn", arn) }
    return answer.map { $0["Tags"]?.tags("member") ?? [:] }
  }

  package func tagResource(_ arn: String, tags: [String: String]) async throws(AWSError) {
    guard !tags.isEmpty else { return }
    try await call("TagResource") { form in
      form.add("ResourceArn", arn)
      form.add(tags: "Tags", tags)
    }
  }

  package func untagResource(_ arn: String, keys: [String]) async throws(AWSError) {
    guard !keys.isEmpty else { return }
    try await call("UntagResource") { form in
      form.add("ResourceArn", arn)
      form.add(list: "TagKeys", keys.sorted())
    }
  }

  /// Subscribes, or finds the subscription of that endpoint. An email address gets a mail with a link to follow.
  /// - Returns: the ARN, which AWS gives even for an unconfirmed subscription when asked to.
  package func subscribe(
    topic: String, proto: String, endpoint: String, attributes: [String: String] = [:], returnArn: Bool = true
  ) async throws(AWSError) -> String? {
    let answer = try await call("Subscribe") { form in
      form.add("TopicArn", topic)
      form.add("Protocol", proto)
      form.add("Endpoint", endpoint)
      form.add(map: "Attributes", attributes)
      form.add("ReturnSubscriptionArn", returnArn ? "true" : nil)
    }
    return SNS.subscriptionArn(answer.text(of: "SubscriptionArn"))
  }

  /// All pages (100 each).
  /// - Returns: nil when there is no such topic.
  package func listSubscriptionsByTopic(_ arn: String) async throws(AWSError) -> [SNS.Subscription]? {
    do throws(AWSError) {
      return try await allPages(.sns, "ListSubscriptionsByTopic") { token throws(AWSError) in
        let answer = try await call("ListSubscriptionsByTopic") { form in
          form.add("TopicArn", arn)
          form.add("NextToken", token)
        }
        let members = answer["Subscriptions"]?.all("member") ?? []
        return (members.map { Self.subscription($0, topic: arn) }, answer.text(of: "NextToken"))
      }
    } catch {
      if error.code == "NotFound" || error.code == "NotFoundException" { return nil }
      throw error
    }
  }

  private static func subscription(_ node: XMLNode, topic: String) -> SNS.Subscription {
    SNS.Subscription(
      arn: SNS.subscriptionArn(node.text(of: "SubscriptionArn")), proto: node.text(of: "Protocol") ?? "",
      endpoint: node.text(of: "Endpoint") ?? "", owner: node.text(of: "Owner") ?? "",
      topicArn: node.text(of: "TopicArn") ?? topic)
  }

  /// One that does not exist is no error.
  package func unsubscribe(_ arn: String) async throws(AWSError) {
    _ = try await find("Unsubscribe") { $0.add("SubscriptionArn", arn) }
  }

  /// Sends a message; after a lost answer it is sent again: a doubled notification is better than none.
  /// - Parameters:
  ///   - subject: ASCII without line breaks, below 100 characters; used for email.
  ///   - message: at most 256 KiB of UTF-8.
  /// - Returns: the message's id.
  package func publish(
    topic: String, subject: String? = nil, message: String, attributes: [String: String] = [:]
  ) async throws(AWSError) -> String {
    let answer = try await call("Publish") { form in
      form.add("TopicArn", topic)
      form.add("Subject", subject)
      form.add("Message", message)
      for (number, attribute) in zip(1..., attributes.sorted { $0.key < $1.key }) {
        form.add("MessageAttributes.entry.\(number).Name", attribute.key)
        form.add("MessageAttributes.entry.\(number).Value.DataType", "String")
        form.add("MessageAttributes.entry.\(number).Value.StringValue", attribute.value)
      }
    }
    return try client.required(answer.text(of: "MessageId"), "MessageId", .sns, "Publish")
  }
}
