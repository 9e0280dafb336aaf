internal import AWS
internal import FoundationEssentials

/// The mail that tells how a run ended, in Portuguese, as the business speaks.
struct Notification {
  let subject: String
  let body: String
  let attributes: [String: String]

  init(_ record: RunRecord, diagnosis: Diagnosis?, logs: String?, report: DayReport? = nil) {
    let ok = record.outcome == .succeeded
    let word =
      switch record.outcome {
      case .succeeded: "concluída"
      case .cancelled: "cancelada"
      case .failed, .running: "FALHOU"
      }
    let headline = report?.headline ?? ""
    subject = Self.subject(
      "[\(record.stack)] Execução de \(record.period) \(word)" + (headline.isEmpty ? "" : ": \(headline)"))
    var lines = [
      "Execução \(record.id) da pipeline \(record.stack) para \(record.period): \(word)."
    ]
    lines += report?.lines ?? []
    lines += ["", "Etapas:"]
    for step in record.steps {
      lines.append("  - \(step.name): \(Self.state(step.state))\(Self.elapsed(step))")
    }
    if let data = record.data {
      lines += ["", "Arquivos enviados: \(data.uploaded); sem mudança: \(data.unchanged); removidos: \(data.removed)."]
    }
    if !ok {
      lines += ["", "Causa: \(record.cause ?? "desconhecida")"]
      if let place = diagnosis?.place { lines.append("Onde: \(place)") }
      if let excerpt = diagnosis?.excerpt, !excerpt.isEmpty {
        lines += ["", "Trecho do log:"] + excerpt.map { "  " + $0 }
      }
    }
    if let cluster = record.cluster { lines += ["", "Cluster: \(cluster)"] }
    if let logs { lines.append("Logs: \(logs)") }
    body = lines.joined(separator: "\n") + "\n"
    attributes = [
      "stack": record.stack, "outcome": record.outcome.rawValue, "date": record.date, "run": record.id.text,
    ].merging(report.map { ["alerts": "\($0.alerts.count)"] } ?? [:]) { $1 }
  }

  /// SNS takes at most 100 ASCII characters without control characters as a subject
  /// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html): accents become their letters.
  static func subject(_ text: String) -> String {
    let plain: [Character: Character] = [
      "ç": "c", "ã": "a", "á": "a", "â": "a", "à": "a", "é": "e", "ê": "e", "í": "i", "ó": "o", "õ": "o", "ô": "o",
      "ú": "u", "Ç": "C", "Ã": "A", "Á": "A", "É": "E", "Ê": "E", "Í": "I", "Ó": "O", "Õ": "O", "Ú": "U",
    ]
    let ascii = text.map { plain[$0] ?? $0 }.filter { character in
      character.asciiValue.map { (0x20..<0x7F).contains($0) } ?? false
    }
    return String(ascii.prefix(100))
  }

  private static func state(_ state: String) -> String {
    switch EMR.StepState(state) {
    case .completed: "concluída"
    case .failed: "falhou"
    case .cancelled: "cancelada"
    case .interrupted: "interrompida"
    case .running: "em andamento"
    case .pending, .cancelPending: "pendente"
    case .other(let text): text
    }
  }

  private static func elapsed(_ step: RunRecord.Step) -> String {
    guard let started = step.started, let ended = step.ended else { return "" }
    let seconds = Int(ended.timeIntervalSince(started).rounded())
    return seconds < 60 ? " (\(seconds) s)" : " (\(seconds / 60) min \(seconds % 60) s)"
  }
}
