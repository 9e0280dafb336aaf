/// Why a file or a folder could not be moved to or from S3.
package struct TransferError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    /// There is no such file or folder.
    case missing
    /// It exists and cannot be read: rights, a name that is not UTF-8, a broken disk.
    case unreadable
    /// A folder, a socket, ...
    case notAFile
    /// It changed while it was read: what was sent would be neither the old nor the new content.
    case changed
    /// The local target cannot be written.
    case unwritable
    /// An object's key would lead out of the folder that it is to be written to.
    case unsafeKey
    case cancelled
    /// What AWS, or the way there, answered.
    case service(AWSError)
  }

  package var kind: Kind
  /// The local file, or `s3://bucket/key`.
  package var path: String
  /// The cause, in words.
  package var message: String

  package init(_ kind: Kind, path: String, message: String) {
    self.kind = kind
    self.path = path
    self.message = message
  }

  package init(_ error: AWSError, path: String) {
    self.init(
      error.code == ClientCode.cancelled ? .cancelled : .service(error), path: path, message: error.description)
  }

  /// The AWS call that failed, if it was one.
  package var awsError: AWSError? {
    if case .service(let error) = kind { error } else { nil }
  }

  package var description: String { "\(path): \(message)" }
}
