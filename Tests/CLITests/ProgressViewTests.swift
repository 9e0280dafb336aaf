import FoundationEssentials
import Testing

@testable import CLI
@testable import Engine
@testable import Jobs
@testable import Model

@Suite struct ProgressViewTests {
  let lake = Address(kind: "s3.bucket", name: "lake")

  @Test func `an apply in plain lines: one for everything that ends`() {
    let screen = Screen()
    let view = ApplyView(screen.terminal())
    view.show(.started(lake, .create))
    view.show(.progress(lake, .create, "waiting", elapsed: .zero))
    view.show(.finished(lake, .create, id: nil, elapsed: .milliseconds(1200)))
    view.show(.failed(lake, .update, Diagnostic("Not allowed"), elapsed: .zero))
    for action in [Action.delete, .replace, .adopt] { view.show(.skipped(lake, action, because: lake)) }
    view.end()
    #expect(
      screen.err == """
        ✓ s3.bucket.lake created (1.2 s)
        ✗ s3.bucket.lake could not be changed: Not allowed
        - s3.bucket.lake not deleted, because of s3.bucket.lake
        - s3.bucket.lake not replaced, because of s3.bucket.lake
        - s3.bucket.lake not taken over, because of s3.bucket.lake

        """)
    #expect(screen.out == "")
  }

  @Test func `an apply on a terminal shows what is under way and takes it away again`() {
    let screen = Screen()
    let view = ApplyView(screen.terminal(["NO_COLOR": "1"], isTerminal: true))
    view.show(.started(lake, .delete))
    view.show(.progress(lake, .delete, "12 object versions deleted", elapsed: .zero))
    let line = screen.err.split(separator: "\n").last ?? ""
    #expect(line.contains("  deleting s3.bucket.lake ("), "\(line)")
    #expect(line.hasSuffix(" s): 12 object versions deleted"), "\(line)")
    view.show(.finished(lake, .delete, id: nil, elapsed: .seconds(75)))
    #expect(screen.err.contains("\u{1B}[J✓ s3.bucket.lake deleted (1 min 15 s)\n"), "\(screen.err)")
    #expect(screen.err.hasSuffix("\u{1B}[1A\u{1B}[J"), "nothing is under way any more")
  }

  @Test func `a run in plain lines`() {
    let screen = Screen()
    let view = RunView(screen.terminal())
    let start = Date(timeIntervalSince1970: 1_790_000_000)
    func step(_ name: String, _ state: String, _ seconds: Double? = nil) -> RunRecord.Step {
      RunRecord.Step(name: name, state: state, started: seconds.map { _ in start }, ended: seconds.map { start + $0 })
    }
    view.show(.uploading(done: 1, total: 2))
    view.show(.uploaded(.init(uploaded: 3, unchanged: 2, removed: 1, bytes: 9)))
    view.show(.cluster("looking for a cluster"))
    view.show(.clusterReady(id: "j-1"))
    view.show(.submitted(steps: [step("silver", "PENDING"), step("gold", "PENDING")]))
    view.show(.step(step("silver", "COMPLETED", 42)))
    view.show(.step(step("gold", "FAILED", 200)))
    view.show(.step(step("mail", "CANCELLED")))
    view.show(.awaitingLogs(step: "gold"))
    view.show(.notified(topic: "arn:aws:sns:us-east-2:1:alerts"))
    view.show(.notificationFailed("no"))
    view.end()
    #expect(
      screen.err == """
        ✓ data: 3 files uploaded, 2 unchanged, 1 removed
        ✓ cluster j-1
        ✓ 2 steps submitted
        ✓ silver COMPLETED (42 s)
        ✗ gold FAILED (3 min 20 s)
        - mail CANCELLED
          gold: waiting for EMR to bring its logs (up to 5 minutes)
        ✓ notified alerts
        ! not notified: no

        """)
  }

  @Test func `a plan as JSON keeps unknown values apart from missing ones`() throws {
    var change = ResourceChange(address: lake, action: .update)
    change.attributes = [
      AttributeChange(path: ["a", "0"], old: "x", new: .unknown, forcesReplacement: true),
      AttributeChange(path: ["b"], old: 1, new: nil),
    ]
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let plan = Plan(stack: "s", mode: .up, lineage: "l", serial: 3, changes: [change])
    let json = String(decoding: try encoder.encode(PlanDocument(plan)), as: UTF8.self)
    #expect(
      json
        == #"{"changes":[{"action":"update","address":"s3.bucket.lake","attributes":["#
        + #"{"forcesReplacement":true,"old":"x","path":"a.0","unknown":true},"#
        + #"{"forcesReplacement":false,"old":1,"path":"b","unknown":false}],"drift":[],"reason":""}],"#
        + #""serial":3,"stack":"s","summary":"1 to update","version":1}"#)
  }
}
