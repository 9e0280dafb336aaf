import AWS
import Engine
import Model
import Support
import Testing

@testable import Cloud

@Suite struct UploadTests {
  let folder: ScratchFolder
  let account: Account
  var aws: ScriptedAWS { account.aws }
  static let inputs: Value = ["bucket": "code", "from": "jobs", "prefix": "pipeline", "include": ["*.py", "**/*.py"]]

  init() throws {
    folder = try ScratchFolder()
    try folder.write("jobs/silver.py", "silver")
    try folder.write("jobs/lib/lago.py", "lago")
    try folder.write("jobs/README.md", "no job")
    account = Account(folder: folder.path)
  }

  private func create() async throws -> Observation {
    let inputs = try account.normalize("s3.upload", Self.inputs)
    let made = try await account.kind("s3.upload").create(inputs, context: account.context)
    return Observation(inputs: inputs, outputs: made.outputs)
  }

  @Test func `the wanted objects are the files as they are now`() throws {
    let before = try account.normalize("s3.upload", Self.inputs)
    #expect(before["prefix"] == "pipeline/")
    #expect(
      before["objects"] == [
        "pipeline/lib/lago.py": .string(MD5.hex(Array("lago".utf8))),
        "pipeline/silver.py": .string(MD5.hex(Array("silver".utf8))),
      ])
    #expect(try account.normalize("s3.upload", before) == before)
    try folder.write("jobs/silver.py", "gold")
    let after = try account.normalize("s3.upload", before)
    #expect(after.at(["objects", "pipeline/silver.py"]) == .string(MD5.hex(Array("gold".utf8))))
    #expect(try account.kind("s3.upload").replacementInputs(from: before, to: after) == [])
    #expect(try account.kind("s3.upload").replacementInputs(from: before, to: after.with("prefix", "x/")) == ["prefix"])
  }

  @Test func `a folder without files and one that is not there`() async {
    let empty = await diagnostic { try account.normalize("s3.upload", Self.inputs.with("include", ["*.jar"])) }
    #expect(empty.summary == "The upload of `jobs` has no files")
    let missing = await diagnostic { try account.normalize("s3.upload", Self.inputs.with("from", "nowhere")) }
    #expect(missing.detail.contains("nowhere"), "\(missing)")
  }

  @Test func `files become objects, unchanged ones show no drift`() async throws {
    let made = try await create()
    #expect(aws.objects == ["code/pipeline/lib/lago.py", "code/pipeline/silver.py"])
    #expect(aws.object("code/pipeline/silver.py") == "silver")
    #expect(made.outputs["url"] == "s3://code/pipeline/")
    let upload = try account.kind("s3.upload")
    aws.put("code/pipeline/theirs.py", "not ours")
    #expect(try await upload.read("code/pipeline/", recorded: made, context: account.context) == made)
  }

  @Test func `an object that was changed, and one that is gone, show as drift and are mended`() async throws {
    let made = try await create()
    let upload = try account.kind("s3.upload")
    aws.put("code/pipeline/silver.py", "tampered")
    aws.remove("code/pipeline/lib/lago.py")
    let now = try #require(try await upload.read("code/pipeline/", recorded: made, context: account.context))
    #expect(now.inputs.at(["objects", "pipeline/silver.py"])?.string?.hasPrefix("changed outside") == true)
    #expect(now.inputs["objects"]?.object?.keys.sorted() == ["pipeline/silver.py"])
    _ = try await upload.update("code/pipeline/", from: now.inputs, to: made.inputs, context: account.context)
    #expect(aws.object("code/pipeline/silver.py") == "silver")
    #expect(aws.object("code/pipeline/lib/lago.py") == "lago")
  }

  @Test func `an update sends what differs and removes what was ours`() async throws {
    let made = try await create()
    aws.put("code/pipeline/theirs.py", "not ours")
    try folder.remove("jobs/lib/lago.py")
    try folder.write("jobs/gold.py", "gold")
    let wanted = try account.normalize("s3.upload", Self.inputs)
    let before = aws.operations.count
    _ = try await account.kind("s3.upload").update(
      "code/pipeline/", from: made.inputs, to: wanted, context: account.context)
    #expect(aws.objects == ["code/pipeline/gold.py", "code/pipeline/silver.py", "code/pipeline/theirs.py"])
    let sent = aws.operations.dropFirst(before).filter { $0.hasPrefix("PUT") }
    #expect(Array(sent) == ["PUT code/pipeline/gold.py"])
  }

  @Test func `a deletion takes ours and leaves the rest; a missing bucket is done`() async throws {
    let made = try await create()
    aws.put("code/pipeline/theirs.py", "not ours")
    let upload = try account.kind("s3.upload")
    try await upload.delete("code/pipeline/", recorded: made.inputs, context: account.context)
    #expect(aws.objects == ["code/pipeline/theirs.py"])
    aws.on("GET code?list", .fault("NoSuchBucket", status: 404))
    aws.on("POST code?delete", .fault("NoSuchBucket", status: 404))
    #expect(try await upload.read("code/pipeline/", recorded: made, context: account.context) == nil)
    try await upload.delete("code/pipeline/", recorded: made.inputs, context: account.context)
  }

  @Test func `an object that S3 would not delete is named`() async throws {
    let made = try await create()
    aws.on(
      "POST code?delete",
      .ok("<R><Error><Key>pipeline/silver.py</Key><Code>AccessDenied</Code><Message>no</Message></Error></R>"))
    let found = await diagnostic {
      try await account.kind("s3.upload").delete("code/pipeline/", recorded: made.inputs, context: account.context)
    }
    #expect(found.detail == "pipeline/silver.py: no")
  }
}
