import AWS
import HTTP
import Testing

@Suite struct SNSTests {
  private static let topic = "arn:aws:sns:us-east-2:123456789012:t"

  private static func answer(_ operation: String, _ result: String = "") -> HTTPResponse {
    .xml(
      #"<\#(operation)Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/">"#
        + "<\(operation)Result>\(result)</\(operation)Result></\(operation)Response>")
  }

  @Test func topic() async throws {
    let aws = FakeAWS(
      Self.answer("CreateTopic", "<TopicArn>\(Self.topic)</TopicArn>"),
      Self.answer(
        "GetTopicAttributes",
        "<Attributes><entry><key>Policy</key><value>{&quot;a&quot;:1}</value></entry>"
          + "<entry><key>KmsMasterKeyId</key><value/></entry></Attributes>"),
      .queryError("NotFound", status: 404), Self.answer("SetTopicAttributes"), .queryError("NotFound", status: 404))
    let sns = SNSClient(aws.client)
    #expect(try await sns.createTopic("t", attributes: ["b": "2", "a": "1"], tags: ["k": "v"]) == Self.topic)
    #expect(try await sns.getTopicAttributes(Self.topic) == ["Policy": #"{"a":1}"#, "KmsMasterKeyId": ""])
    #expect(try await sns.getTopicAttributes(Self.topic) == nil)
    try await sns.setTopicAttribute(Self.topic, name: "DisplayName", value: "Mr. Health")
    try await sns.deleteTopic(Self.topic)
    #expect(aws.requests[0].line == "POST sns.us-east-2.amazonaws.com/")
    #expect(aws.requests[0].text.contains("Version=2010-03-31"))
    #expect(
      aws.requests.map(\.form) == [
        [
          "Action": "CreateTopic", "Name": "t", "Attributes.entry.1.key": "a", "Attributes.entry.1.value": "1",
          "Attributes.entry.2.key": "b", "Attributes.entry.2.value": "2", "Tags.member.1.Key": "k",
          "Tags.member.1.Value": "v",
        ],
        ["Action": "GetTopicAttributes", "TopicArn": Self.topic],
        ["Action": "GetTopicAttributes", "TopicArn": Self.topic],
        [
          "Action": "SetTopicAttributes", "TopicArn": Self.topic, "AttributeName": "DisplayName",
          "AttributeValue": "Mr. Health",
        ],
        ["Action": "DeleteTopic", "TopicArn": Self.topic],
      ])
  }

  @Test func tags() async throws {
    let aws = FakeAWS(
      Self.answer("ListTagsForResource", "<Tags><member><Key>k</Key><Value>v</Value></member></Tags>"),
      .queryError("ResourceNotFound", status: 404), Self.answer("TagResource"), Self.answer("UntagResource"))
    let sns = SNSClient(aws.client)
    #expect(try await sns.listTagsForResource(Self.topic) == ["k": "v"])
    #expect(try await sns.listTagsForResource(Self.topic) == nil)
    try await sns.tagResource(Self.topic, tags: ["k": "v"])
    try await sns.untagResource(Self.topic, keys: ["k"])
    #expect(
      aws.requests.map(\.form)[2...] == [
        ["Action": "TagResource", "ResourceArn": Self.topic, "Tags.member.1.Key": "k", "Tags.member.1.Value": "v"],
        ["Action": "UntagResource", "ResourceArn": Self.topic, "TagKeys.member.1": "k"],
      ])
  }

  @Test func subscriptions() async throws {
    let arn = Self.topic + ":1"
    func member(_ arn: String, _ endpoint: String) -> String {
      "<member><TopicArn>\(Self.topic)</TopicArn><Protocol>email</Protocol><SubscriptionArn>\(arn)</SubscriptionArn>"
        + "<Owner>1</Owner><Endpoint>\(endpoint)</Endpoint></member>"
    }
    let aws = FakeAWS(
      Self.answer("Subscribe", "<SubscriptionArn>pending confirmation</SubscriptionArn>"),
      Self.answer("Subscribe", "<SubscriptionArn>\(arn)</SubscriptionArn>"),
      Self.answer(
        "ListSubscriptionsByTopic",
        "<Subscriptions>\(member("PendingConfirmation", "a@b.c"))</Subscriptions><NextToken>n</NextToken>"),
      Self.answer("ListSubscriptionsByTopic", "<Subscriptions>\(member(arn, "d@e.f"))</Subscriptions>"),
      .queryError("NotFound", status: 404), .queryError("NotFound", status: 404))
    let sns = SNSClient(aws.client)
    let pending = try await sns.subscribe(topic: Self.topic, proto: "email", endpoint: "a@b.c", returnArn: false)
    #expect(pending == nil)
    let made = try await sns.subscribe(
      topic: Self.topic, proto: "email", endpoint: "d@e.f", attributes: ["RawMessageDelivery": "true"])
    #expect(made == arn)
    let found = try #require(try await sns.listSubscriptionsByTopic(Self.topic))
    #expect(found.map(\.isPending) == [true, false])
    #expect(found.map(\.endpoint) == ["a@b.c", "d@e.f"])
    #expect(try await sns.listSubscriptionsByTopic(Self.topic) == nil)
    try await sns.unsubscribe(arn)
    #expect(
      aws.requests[1].form == [
        "Action": "Subscribe", "TopicArn": Self.topic, "Protocol": "email", "Endpoint": "d@e.f",
        "ReturnSubscriptionArn": "true", "Attributes.entry.1.key": "RawMessageDelivery",
        "Attributes.entry.1.value": "true",
      ])
    #expect(aws.requests[3].form["NextToken"] == "n")
    #expect(aws.requests[5].form == ["Action": "Unsubscribe", "SubscriptionArn": arn])
  }

  @Test func publish() async throws {
    let aws = FakeAWS(Self.answer("Publish", "<MessageId>m-1</MessageId>"))
    let id = try await SNSClient(aws.client).publish(
      topic: Self.topic, subject: "Falhou", message: "linha 1\nção", attributes: ["stack": "mrhealth"])
    #expect(id == "m-1")
    #expect(
      try aws.request().form == [
        "Action": "Publish", "TopicArn": Self.topic, "Subject": "Falhou", "Message": "linha 1\nção",
        "MessageAttributes.entry.1.Name": "stack", "MessageAttributes.entry.1.Value.DataType": "String",
        "MessageAttributes.entry.1.Value.StringValue": "mrhealth",
      ])
  }
}
