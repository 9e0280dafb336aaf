import FoundationEssentials
import Testing

@testable import Model

/// Kinds of the tests' own: the parser must not know any particular one.
private let kinds = [
  KindDefinition(
    kind: "s3.bucket", section: "buckets", summary: "S3 buckets.",
    inputs: [
      Field("name", .string, required: true, "Name."),
      Field("versioning", .bool, "Versions."),
      Field("days", .int(1...365), "Days."),
    ]),
  KindDefinition(
    kind: "s3.upload", section: "uploads", summary: "Uploads.",
    inputs: [
      Field("bucket", .string, required: true, "Bucket."),
      Field("from", .string(.folder), required: true, "Folder."),
      Field("prefix", .string, "Prefix."),
    ]),
  KindDefinition(
    kind: "emr.cluster", section: "clusters", summary: "Clusters.",
    inputs: [
      Field("name", .string, required: true, "Name."),
      Field(
        "bootstrap", .list(of: .object([Field("script", .string(.uploadedFile), required: true, "Script.")])), "B."),
      Field("idle", .oneOf([.int(1...10), .string(.oneOf(["never"]))]), "Idle."),
    ]),
  KindDefinition(kind: "sns.topic", section: "topics", summary: "Topics.", inputs: [Field("name", .string, "Name.")]),
]

private let base = """
  stack: demo
  state: s3.bucket.lake
  buckets:
    lake: {name: "lake-${account}", versioning: true}

  """

/// A folder with job scripts, deleted with the test.
private final class Folder: Sendable {
  let path: String

  init(files: [String]) throws {
    path = FileManager.default.temporaryDirectory.path + "/mrhealth-model-\(UUID().uuidString)"
    for file in files {
      let url = URL(filePath: path + "/" + file)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("x".utf8).write(to: url)
    }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

private func parse(_ text: String, in folder: String = "/nowhere") throws -> Stack {
  try StackFile(kinds: kinds).parse(Array(text.utf8), file: folder + "/stack.yaml")
}

private func problems(_ text: String, in folder: String = "/nowhere") -> [Diagnostic] {
  do {
    _ = try parse(text, in: folder)
    return []
  } catch let error as Diagnostics {
    return error.all
  } catch {
    Issue.record("unexpected \(error)")
    return []
  }
}

@Suite struct StackFileTests {
  @Test func readsSectionsIntoAddresses() throws {
    let stack = try parse(base + "tags: {projeto: mrhealth}\nregion: us-east-2\n")
    #expect(stack.name == "demo")
    #expect(stack.region == "us-east-2")
    #expect(stack.tags == ["projeto": "mrhealth"])
    #expect(stack.state == Address("s3.bucket.lake"))
    #expect(stack.resources.map(\.address.description) == ["s3.bucket.lake"])
    #expect(stack.resources[0].inputs["name"] == "lake-${account}")
    #expect(stack.resources[0].inputs["versioning"] == true)
    #expect(stack.resources[0].positions[["name"]]?.line == 4)
  }

  @Test func metaKeysAreNotInputs() throws {
    let stack = try parse(
      base + "topics:\n  alerts: {name: a, keep: true, protect: true, depends_on: [s3.bucket.lake]}\n")
    let topic = try #require(stack.resources.first { $0.address.kind == "sns.topic" })
    #expect(topic.keep && topic.protect)
    #expect(topic.dependsOn.map(\.description) == ["s3.bucket.lake"])
    #expect(topic.inputs.object?.keys.sorted() == ["name"])
  }

  @Test func misspeltKeyGetsPositionAndSuggestion() {
    let found = problems("stack: demo\nstate: s3.bucket.lake\nbuckets:\n  lake:\n    nmae: x\n    versionning: true\n")
    let unknown = found.filter { $0.summary.hasPrefix("Unknown key") }
    #expect(unknown.map { $0.position?.description } == ["/nowhere/stack.yaml:5:5", "/nowhere/stack.yaml:6:5"])
    #expect(unknown.map(\.remedy) == ["Did you mean `name`?", "Did you mean `versioning`?"])
    #expect(found.contains { $0.summary == "`name` is missing" })
  }

  @Test func everyMistakeIsReportedAtOnce() {
    let found = problems(
      "stack: Demo\nstate: s3.bucket.lak\nbuckets:\n  lake: {name: [], versioning: yes, days: 900}\n")
    #expect(found.count == 4)
    #expect(found.allSatisfy { $0.position != nil })
  }

  @Test(arguments: [
    ("stack: [", "The file is not valid YAML"),
    ("stack: a\nstack: b\n", "Key `stack` stands twice"),
    ("a: *b\n", "Unknown alias `*b`"),
    ("stack: a\n---\nstack: b\n", "A second document in the file"),
    ("", "The stack file is empty"),
    ("- a\n", "The file must be a map"),
    ("? [a]\n: b\n", "A key must be text"),
    ("a: !!binary |\n  x\n\tb: c", "The file is not valid YAML"),
  ])
  func malformedYAML(text: String, summary: String) {
    #expect(problems(text).first?.summary == summary)
    #expect(problems(text).first?.position != nil)
  }

  @Test func bytesThatAreNotUTF8AreADiagnostic() {
    #expect(throws: Diagnostics.self) {
      try StackFile(kinds: kinds).parse([0x73, 0x3a, 0x20, 0xff, 0xfe, 0x0a], file: "stack.yaml")
    }
  }

  @Test func aliasesCannotFillTheMemory() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<12 {
      text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(problems(text).first?.summary == "The file is too large")
  }

  @Test func deepNestingIsRefused() {
    #expect(problems("a: " + String(repeating: "[", count: 5000)).first != nil)
  }

  @Test func accountIdsStayText() throws {
    let stack = try parse("stack: demo\nstate: s3.bucket.lake\nbuckets:\n  lake: {name: 012345678901}\n")
    #expect(stack.resources[0].inputs["name"] == "012345678901")
  }

  @Test func referencesAreAllowedWhereScalarsAre() throws {
    let stack = try parse("stack: demo\nstate: s3.bucket.lake\nbuckets:\n  lake: {name: a, days: '${var.days}'}\n")
    #expect(stack.resources[0].inputs["days"] == "${var.days}")
  }

  @Test func oneOfTakesEitherShape() throws {
    for (text, value) in [("5", Value.int(5)), ("never", "never")] {
      let stack = try parse(base + "clusters:\n  main: {name: c, idle: \(text)}\n")
      #expect(stack[Address(kind: "emr.cluster", name: "main")]?.inputs["idle"] == value)
    }
    #expect(!problems(base + "clusters:\n  main: {name: c, idle: sometimes}\n").isEmpty)
  }

  @Test func missingFileSaysWhatToDo() {
    #expect {
      try StackFile(kinds: kinds).load("/nowhere/stack.yaml")
    } throws: { error in
      (error as? Diagnostics)?.all.first?.remedy.contains("--stack PATH") == true
    }
  }
}

@Suite struct PipelineTests {
  private let folder: Folder
  private let sections: String

  init() throws {
    folder = try Folder(files: ["pipeline/silver.py", "pipeline/lago.py", "scripts/bootstrap.sh", "other/x.py"])
    sections =
      base + """
        uploads:
          jobs: {bucket: "${s3.bucket.lake.name}", from: pipeline, prefix: pipeline}
          boot: {bucket: "${s3.bucket.lake.name}", from: scripts/, prefix: scripts/}
        clusters:
          main: {name: c, bootstrap: [{script: scripts/bootstrap.sh}]}

        """
  }

  @Test func localScriptsBecomeURLsOfTheirUpload() throws {
    let stack = try parse(
      sections + """
        pipeline:
          cluster: emr.cluster.main
          steps:
            - {name: silver, script: pipeline/silver.py, py_files: [pipeline/lago.py], args: ["${run.date}"]}
        """, in: folder.path)
    let step = try #require(stack.pipeline?.steps.first)
    guard case .spark(let script, let options) = step.work else {
      Issue.record("not a Spark step")
      return
    }
    #expect(script == "s3://${s3.bucket.lake.name}/pipeline/silver.py")
    #expect(options == ["--py-files", "s3://${s3.bucket.lake.name}/pipeline/lago.py"])
    #expect(step.onFailure == "CANCEL_AND_WAIT")
    let cluster = try #require(stack[Address(kind: "emr.cluster", name: "main")])
    #expect(
      cluster.inputs.at(["bootstrap", "0", "script"]) == "s3://${s3.bucket.lake.name}/scripts/bootstrap.sh")
    #expect(cluster.dependsOn == [Address(kind: "s3.upload", name: "boot")])
  }

  @Test(arguments: [
    ("{name: a, script: pipeline/missing.py}", "No file `pipeline/missing.py`"),
    ("{name: a, script: other/x.py}", "No upload covers `other/x.py`"),
    ("{name: a}", "A step needs one of `script`, `command` and `jar`"),
    ("{name: a, script: pipeline/silver.py, jar: x}", "A step needs one of `script`, `command` and `jar`"),
    ("{name: a, command: [ls], submit: [x]}", "`submit` goes with `script`"),
    ("{name: a, command: [ls], on_failure: STOP}", "`STOP` is not a value of `on_failure`"),
  ])
  func wrongSteps(step: String, summary: String) {
    let found = problems(
      sections + "pipeline:\n  cluster: emr.cluster.main\n  steps:\n    - \(step)\n", in: folder.path)
    #expect(found.map(\.summary) == [summary])
    #expect(found.first?.position?.line == 13)
  }

  @Test func pipelineNamesResourcesOfTheStack() {
    let found = problems(
      sections + "pipeline:\n  cluster: emr.cluster.mian\n  notify: sns.topic.x\n  steps: [{name: a, command: [ls]}]\n",
      in: folder.path)
    #expect(found.map(\.remedy) == ["Did you mean `emr.cluster.main`?", "Declare one under `topics`."])
  }
}

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("bukets", "buckets"), ("clustres", "clusters"), ("zzz", nil), ("Buckets", "buckets"), ("", nil),
  ])
  func nearest(word: String, expected: String?) {
    #expect(Suggestion.nearest(to: word, among: ["buckets", "clusters", "roles"]) == expected)
  }

  @Test func swapsCountOnce() {
    #expect(Suggestion.distance("nmae", "name") == 1)
    #expect(Suggestion.distance("", "abc") == 3)
  }
}

@Suite struct ValueTests {
  @Test func roundTripsThroughJSON() throws {
    let value: Value = ["a": [1, true, nil, "x"], "b": ["c": .double(1.5)]]
    let data = try JSONEncoder().encode(value)
    #expect(try JSONDecoder().decode(Value.self, from: data) == value)
  }

  @Test func unknownIsNeverStored() {
    #expect(throws: EncodingError.self) { try JSONEncoder().encode(Value.unknown) }
  }

  @Test func addresses() {
    #expect(Address("s3.bucket.lake")?.kind == "s3.bucket")
    for text in ["", "s3", "s3.bucket", "s3.bucket.a.b", "s3..a", "s3.bucket.ç"] { #expect(Address(text) == nil) }
  }
}
