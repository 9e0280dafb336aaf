import Engine
import FoundationEssentials
import Model
import Support
import Testing

@Suite struct StateTests {
  private var sample: State {
    State(
      stack: "shop", lineage: "0d6e", serial: 7, updatedAt: Date(timeIntervalSince1970: 1_700_000_000.75),
      producer: "mrhealth 1.0",
      resources: [
        StateResource(
          address: thing("b"), status: .creating, token: "t-1", inputs: ["name": "b", "size": 1],
          dependsOn: [thing("a")],
          createdAt: Date(timeIntervalSince1970: 1_700_000_001)),
        StateResource(
          address: thing("a"), id: "arn:aws:s3:::a/é", status: .created,
          inputs: ["z": nil, "a": [.double(1.5), true]],
          written: ["a": [.double(1.5)]], outputs: ["arn": "x"], keep: true, protect: true),
      ])
  }

  @Test func itIsWrittenLikeThis() throws {
    let text = String(decoding: try sample.encoded(), as: UTF8.self)
    #expect(
      text == """
        {
          "lineage" : "0d6e",
          "producer" : "mrhealth 1.0",
          "resources" : [
            {
              "address" : "test.thing.a",
              "dependsOn" : [

              ],
              "id" : "arn:aws:s3:::a/é",
              "inputs" : {
                "a" : [
                  1.5,
                  true
                ],
                "z" : null
              },
              "keep" : true,
              "kind" : "test.thing",
              "outputs" : {
                "arn" : "x"
              },
              "protect" : true,
              "status" : "created",
              "written" : {
                "a" : [
                  1.5
                ]
              }
            },
            {
              "address" : "test.thing.b",
              "createdAt" : "2023-11-14T22:13:21Z",
              "dependsOn" : [
                "test.thing.a"
              ],
              "inputs" : {
                "name" : "b",
                "size" : 1
              },
              "keep" : false,
              "kind" : "test.thing",
              "outputs" : {

              },
              "protect" : false,
              "status" : "creating",
              "token" : "t-1"
            }
          ],
          "serial" : 7,
          "stack" : "shop",
          "updatedAt" : "2023-11-14T22:13:20Z",
          "version" : 1
        }

        """)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    #expect(try State.decode(try sample.encoded(), location: "here") == sample)
  }

  @Test func oneOfANewerProgramIsRefused() throws {
    let bytes = Array(#"{"version": 2, "things": "unheard of"}"#.utf8)
    #expect { try State.decode(bytes, location: "s3://b/k") } throws: { error in
      (error as? Diagnostic)?.detail == "s3://b/k has format version 2; this program reads up to 1."
    }
  }

  @Test(arguments: [
    ("", "here: "), ("null", "here: "), ("[]", "here: "), ("{}", "here: \"version\" is missing"),
    (#"{"version": 1}"#, "here: \"resources\" is missing"), (#"{"version": "1"}"#, "here: version: "),
    (#"{"version": 1, "resources": [], "serial": -1}"#, "here: serial: serial -1"),
    (#"{"version": 1, "resources": [], "serial": 1.5}"#, "here: "),
    (
      #"{"version": 1, "serial": 1, "resources": [{"address": "x", "status": "created"}]}"#,
      "here: resources.0.address: \"x\" is not an address"
    ),
    (
      #"{"version": 1, "serial": 1, "resources": [{"address": "a.b.c", "status": "created", "inputs": {}}]}"#,
      "here: resources.0.id: a.b.c is created but has no id"
    ),
    (
      #"{"version": 1, "serial": 1, "resources": [{"address": "a.b.c", "status": "creating", "inputs": {}}, {"address": "a.b.c", "status": "creating", "inputs": {}}]}"#,
      "here: resources: a.b.c is in it twice"
    ),
    (
      #"{"version": 1, "serial": 1, "resources": [{"address": "a.b.c", "status": "odd"}]}"#,
      "here: resources.0.status: "
    ),
  ])
  func damageIsADiagnostic(_ text: String, _ detail: String) {
    #expect { try State.decode(Array(text.utf8), location: "here") } throws: { error in
      guard let diagnostic = error as? Diagnostic else { return false }
      return diagnostic.summary == "The state is damaged" && diagnostic.detail.hasPrefix(detail)
    }
  }

  @Test func anUnknownCannotBeStored() {
    var state = sample
    state.resources[thing("a")]?.outputs = ["x": .unknown]
    #expect(throws: Diagnostic.self) { try state.encoded() }
  }

  @Test(arguments: StoreConformance.cases)
  func theStoreInMemoryConforms(_ rule: StoreConformance.Case) async throws {
    try await rule.check(InMemoryStore())
  }
}
