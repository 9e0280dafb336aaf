internal import AWS
internal import Engine
internal import FoundationEssentials
internal import Model

/// `s3.upload`: the files of a local folder as objects under a prefix. The id is `bucket/prefix`.
///
/// One resource however many files; only files that changed are uploaded, and objects go when their
/// file goes. Objects under the prefix that no upload made are left alone.
struct S3Upload: Kind {
  struct Inputs: Codable, Sendable, Equatable {
    var bucket: String
    var from: String
    var prefix: String
    var include: [String]
    var exclude: [String]
    /// Key to content hash (MD5, hex), from the files themselves; never written by the user.
    var objects: [String: String]
  }

  struct Outputs: Codable, Sendable {
    /// `s3://bucket/prefix`
    var url: String
    /// Key to what S3 said of the object when it was put.
    var recorded: [String: RecordedObject]
  }

  static let definition = KindDefinition(
    kind: "s3.upload", section: "uploads", summary: "Folders whose files are kept in a bucket.",
    inputs: [
      Field("bucket", .string, required: true, "Name of the bucket."),
      Field("from", .string(.folder), required: true, "Folder, relative to the stack file."),
      Field("prefix", .string, "Where the files go in the bucket, e.g. pipeline/."),
      Field("include", .list(of: .string), "Only files that match, e.g. \"*.py\"."),
      Field("exclude", .list(of: .string), "Not files that match."),
    ])
  static let replacing: Set<String> = ["bucket", "prefix"]

  let s3: S3Client
  /// The stack's folder.
  let folder: String

  /// Hashes the files: what is to be in the bucket is what is in the folder now.
  func validate(_ inputs: Inputs) throws(Diagnostic) -> Inputs {
    var inputs = inputs
    do {
      inputs.objects = [:]
      for file in try files(inputs) {
        inputs.objects[FolderSync.key(inputs.prefix, file.relativePath)] = try MD5.hex(file: file.absolutePath)
      }
    } catch {
      throw Diagnostic(explaining: error)
    }
    guard !inputs.objects.isEmpty else {
      throw Diagnostic(
        "The upload of `\(inputs.from)` has no files", detail: "nothing in the folder matches",
        remedy: "Correct `from`, `include` or `exclude`.")
    }
    return inputs
  }

  private func files(_ inputs: Inputs) throws(TransferError) -> [LocalFile] {
    try LocalFiles.scan(
      inputs.from.hasPrefix("/") ? inputs.from : "\(folder)/\(inputs.from)", include: inputs.include.map(Glob.init),
      exclude: inputs.exclude.map(Glob.init))
  }

  /// One listing; an object that is gone or has another content than we put shows as drift. Where nothing is recorded of
  /// what we put (after an import, or with the state lost), what the bucket has under a file's key is taken for it, and
  /// compared by its content where its ETag tells that.
  func read(
    _ id: String, recorded: Inputs, outputs: Outputs?, context: ResourceContext
  ) async throws -> Observed<Self>? {
    var now = Observed<Self>(inputs: recorded, outputs: Outputs(url: Self.url(recorded), recorded: [:]))
    now.inputs.objects = [:]
    do {
      var pages = s3.objectPages(recorded.bucket, prefix: recorded.prefix)
      while let page = try await pages.next() {
        for object in page.objects {
          guard let outputs else {
            adopt(object, wanted: recorded.objects, &now)
            continue
          }
          guard let before = outputs.recorded[object.key] else { continue }
          let same = object.etag == before.etag && object.size == before.size
          now.inputs.objects[object.key] = same ? before.md5 : "changed outside (\(object.etag))"
          now.outputs.recorded[object.key] = before
        }
      }
    } catch {
      guard error.code == "NoSuchBucket" else { throw error }
      return nil
    }
    return now
  }

  /// Of an upload that is taken over only the objects that it would make are its own. S3 tells their content by
  /// the ETag, where that is an MD5; an object of another content, or of an unknown one, is uploaded again.
  private func adopt(_ object: S3.ObjectSummary, wanted: [String: String], _ now: inout Observed<Self>) {
    guard wanted[object.key] != nil else { return }
    now.inputs.objects[object.key] = object.etag
    now.outputs.recorded[object.key] = RecordedObject(etag: object.etag, md5: object.etag, size: object.size)
  }

  /// There as soon as one of its objects is.
  func find(_ inputs: Inputs, context: ResourceContext) async throws -> String? {
    do {
      var pages = s3.objectPages(inputs.bucket, prefix: inputs.prefix)
      while let page = try await pages.next() {
        if page.objects.contains(where: { inputs.objects[$0.key] != nil }) { return Self.id(inputs) }
      }
    } catch {
      guard error.code == "NoSuchBucket" else { throw error }
    }
    return nil
  }

  private static func id(_ inputs: Inputs) -> String { "\(inputs.bucket)/\(inputs.prefix)" }

  func create(_ inputs: Inputs, context: ResourceContext) async throws -> (id: String, outputs: Outputs) {
    let outputs = try await sync(inputs, recorded: [:], context)
    return (Self.id(inputs), outputs)
  }

  func update(_ id: String, from old: Inputs, to new: Inputs, context: ResourceContext) async throws -> Outputs {
    // The old inputs say which keys are ours; what S3 made of them the listing tells.
    let recorded = old.objects.mapValues { RecordedObject(etag: $0, md5: $0, size: -1) }
    return try await sync(new, recorded: recorded, context)
  }

  private func sync(
    _ inputs: Inputs, recorded: [String: RecordedObject], _ context: ResourceContext
  ) async throws -> Outputs {
    let result = try await FolderSync(s3).sync(
      files: try files(inputs), bucket: inputs.bucket, prefix: inputs.prefix, recorded: recorded
    ) { event in
      if case .progress(let sent, let total) = event { context.progress("\(sent) of \(total) bytes") }
    }
    return Outputs(url: Self.url(inputs), recorded: result.objects)
  }

  private static func url(_ inputs: Inputs) -> String { "s3://\(inputs.bucket)/\(inputs.prefix)" }

  func delete(_ id: String, recorded: Inputs, context: ResourceContext) async throws {
    do {
      let failures = try await s3.deleteObjects(
        bucket: recorded.bucket, recorded.objects.keys.sorted().map { S3.ObjectID($0) })
      if let first = failures.first {
        throw Diagnostic("\(failures.count) objects could not be deleted", detail: "\(first.key): \(first.message)")
      }
    } catch {
      guard (error as? AWSError)?.code == "NoSuchBucket" else { throw error }
      return
    }
  }
}

extension S3Upload.Inputs {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    bucket = try container.decode(String.self, forKey: .bucket)
    from = try container.decode(String.self, forKey: .from)
    prefix = FolderSync.key(try container.decodeIfPresent(String.self, forKey: .prefix) ?? "", "")
    include = try container.decodeIfPresent([String].self, forKey: .include) ?? []
    exclude = try container.decodeIfPresent([String].self, forKey: .exclude) ?? []
    objects = try container.decodeIfPresent([String: String].self, forKey: .objects) ?? [:]
  }
}
