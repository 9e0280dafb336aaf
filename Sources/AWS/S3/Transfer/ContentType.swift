/// What S3 is told about a file, from its name.
package enum ContentType {
  package static func of(_ path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
    return switch name[name.index(after: dot)...].lowercased() {
    case "csv": "text/csv"
    case "css": "text/css"
    case "gz": "application/gzip"
    case "html", "htm": "text/html; charset=utf-8"
    case "jar": "application/java-archive"
    case "js": "text/javascript"
    case "json": "application/json"
    case "md", "txt", "log": "text/plain; charset=utf-8"
    case "parquet": "application/vnd.apache.parquet"
    case "png": "image/png"
    case "py": "text/x-python; charset=utf-8"
    case "sh": "text/x-shellscript; charset=utf-8"
    case "sql": "application/sql"
    case "svg": "image/svg+xml"
    case "xml": "application/xml"
    case "yaml", "yml": "application/yaml"
    case "zip", "whl": "application/zip"
    default: "application/octet-stream"
    }
  }
}
