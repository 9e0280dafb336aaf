internal import ArgumentParser
internal import AWS
internal import Engine
internal import Model

/// `mrhealth status`: the clusters of the stack, and what still costs money.
struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "The state of the stack's clusters and subscriptions.")

  @OptionGroup var options: GlobalOptions

  private struct View: Encodable {
    struct Cluster: Encodable {
      var address: String
      var id: String
      var state: String
      var reason: String?
    }
    var clusters: [Cluster] = []
    /// Mail addresses that have not confirmed yet.
    var pendingSubscriptions: [String] = []
  }

  func run() async throws {
    let context = CommandContext(options)
    let session = try await StackSession.open(context)
    let resources = try await session.state()?.sortedResources ?? []
    let emr = EMRClient(session.client)
    let sns = SNSClient(session.client)
    var view = View()
    for resource in resources {
      let address = resource.address
      guard let id = resource.id else { continue }
      switch address.kind {
      case "emr.cluster":
        guard let cluster = try await emr.describeCluster(id) else { continue }
        view.clusters.append(
          .init(
            address: address.description, id: id, state: cluster.state.text,
            reason: cluster.status.stateChangeReason?.message))
      case "sns.topic":
        view.pendingSubscriptions += (try await sns.listSubscriptionsByTopic(id) ?? []).filter(\.isPending).map(
          \.endpoint)
      default: break
      }
    }
    if options.json { return context.printJSON(view) }
    if view.clusters.isEmpty { context.terminal.print("No clusters") }
    for cluster in view.clusters {
      let reason = cluster.reason.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
      context.terminal.print("\(cluster.address)  \(cluster.id)  \(cluster.state)\(reason)")
    }
    for endpoint in view.pendingSubscriptions.sorted() {
      context.terminal.print("subscription of \(endpoint) awaits its confirmation: follow the link in SNS's mail")
    }
  }
}
