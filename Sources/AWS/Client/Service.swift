/// One AWS service as a client must know it: how it is named in four different places, and how it talks.
/// Ids, signing names and prefixes are those of botocore's service models.
package struct Service: Sendable, Hashable {
  /// How requests and errors are written.
  package enum Wire: Sendable, Hashable {
    case restXML
    case query(version: String)
    case ec2Query(version: String)
    /// AWS JSON 1.1; the target prefix stands before the operation in `X-Amz-Target`.
    case json(target: String)
    case restJSON
  }

  /// The service id in capitals with `_`, as `AWS_ENDPOINT_URL_<ID>` wants it.
  package let id: String
  package let signingName: String
  package let endpointPrefix: String
  /// One endpoint for the whole partition, signed for that partition's home region.
  package let isGlobal: Bool
  package let wire: Wire

  package init(id: String, signingName: String, endpointPrefix: String, isGlobal: Bool = false, wire: Wire) {
    self.id = id
    self.signingName = signingName
    self.endpointPrefix = endpointPrefix
    self.isGlobal = isGlobal
    self.wire = wire
  }

  /// S3 signs paths as they are sent, once encoded and never normalised; all others encode them again.
  package var isS3: Bool { signingName == "s3" }

  package static let s3 = Service(id: "S3", signingName: "s3", endpointPrefix: "s3", wire: .restXML)
  package static let sts = Service(
    id: "STS", signingName: "sts", endpointPrefix: "sts", wire: .query(version: "2011-06-15"))
  package static let iam = Service(
    id: "IAM", signingName: "iam", endpointPrefix: "iam", isGlobal: true, wire: .query(version: "2010-05-08"))
  package static let ec2 = Service(
    id: "EC2", signingName: "ec2", endpointPrefix: "ec2", wire: .ec2Query(version: "2016-11-15"))
  package static let emr = Service(
    id: "EMR", signingName: "elasticmapreduce", endpointPrefix: "elasticmapreduce",
    wire: .json(target: "ElasticMapReduce")
  )
  package static let sns = Service(
    id: "SNS", signingName: "sns", endpointPrefix: "sns", wire: .query(version: "2010-03-31"))
  package static let scheduler = Service(
    id: "SCHEDULER", signingName: "scheduler", endpointPrefix: "scheduler", wire: .restJSON)
  package static let eventBridge = Service(
    id: "EVENTBRIDGE", signingName: "events", endpointPrefix: "events", wire: .json(target: "AWSEvents"))
  package static let glue = Service(
    id: "GLUE", signingName: "glue", endpointPrefix: "glue", wire: .json(target: "AWSGlue"))
  package static let athena = Service(
    id: "ATHENA", signingName: "athena", endpointPrefix: "athena", wire: .json(target: "AmazonAthena"))
  package static let quickSight = Service(
    id: "QUICKSIGHT", signingName: "quicksight", endpointPrefix: "quicksight", wire: .restJSON)
  package static let resourceGroupsTagging = Service(
    id: "RESOURCE_GROUPS_TAGGING_API", signingName: "tagging", endpointPrefix: "tagging",
    wire: .json(target: "ResourceGroupsTaggingAPI_20170126"))
  package static let serviceQuotas = Service(
    id: "SERVICE_QUOTAS", signingName: "servicequotas", endpointPrefix: "servicequotas",
    wire: .json(target: "ServiceQuotasV20190624"))
  package static let pricing = Service(
    id: "PRICING", signingName: "pricing", endpointPrefix: "api.pricing", wire: .json(target: "AWSPriceListService"))
  package static let sso = Service(
    id: "SSO", signingName: "awsssoportal", endpointPrefix: "portal.sso", wire: .restJSON)
}
