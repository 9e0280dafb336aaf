package import AWS
package import Engine
package import Model

/// All kinds of resources.
package enum Catalog {
  /// What the stack file's parser must know of them.
  package static let definitions: [KindDefinition] = [
    S3Bucket.definition, S3Upload.definition, IAMRole.definition, IAMInstanceProfile.definition,
    EC2SecurityGroup.definition, SNSTopic.definition, EMRCluster.definition,
  ]

  /// Kinds that cost money as long as one of them is there, used or not.
  package static let billedByTheHour: Set<String> = [EMRCluster.definition.kind]

  /// The kinds at work in one account and region, by name.
  /// - Parameter folder: the stack's, from which uploads take their files.
  package static func providers(
    _ client: AWSClient, account: String, partition: String, folder: String
  ) -> [any ResourceProvider] {
    let s3 = S3Client(client)
    let iam = IAMClient(client)
    return [
      TypedProvider(base: S3Bucket(s3: s3, partition: partition)),
      TypedProvider(base: S3Upload(s3: s3, folder: folder)),
      TypedProvider(base: IAMRole(iam: iam)),
      TypedProvider(base: IAMInstanceProfile(iam: iam)),
      TypedProvider(
        base: EC2SecurityGroup(
          ec2: EC2Client(client), region: client.region, partition: partition, clock: client.clock)),
      TypedProvider(
        base: SNSTopic(sns: SNSClient(client), arnPrefix: "arn:\(partition):sns:\(client.region):\(account):")),
      TypedProvider(base: EMRCluster(emr: EMRClient(client), logs: EMRLogs(s3), clock: client.clock)),
    ]
  }
}
