internal import FoundationEssentials
internal import Model

/// What the pipeline's own steps have to say of the day: numbers, alerts, recommendations. A JSON object that they leave
/// where the stack's `pipeline.report` says; what it lacks is left out of the mail.
struct DayReport: Sendable {
  struct Alert: Sendable, Hashable {
    var severity: String
    var unit: String
    var title: String
    var evidence: String
    var action: String
  }

  /// More than any day has to say.
  static let sizeLimit = 1 << 20
  /// A mail is read on a phone: what is more than this is counted.
  private static let shown = 20

  /// In the order in which they are told.
  var numbers: [(name: String, value: String)]
  /// Most severe first, as they were written.
  var alerts: [Alert]
  var recommendations: [String]

  /// Nil for what is no JSON object.
  init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.sizeLimit, let value = try? JSONDecoder().decode(Value.self, from: Data(bytes)),
      value.object != nil
    else { return nil }
    let known = [
      "pedidos", "receita", "ticket_medio", "cancelados", "variacao_semana", "unidades_que_enviaram", "unidades",
    ]
    let given = value["numeros"]?.object ?? [:]
    let names = known.filter { given[$0] != nil } + given.keys.filter { !known.contains($0) }.sorted()
    numbers = names.compactMap { name in given[name]?.scalarText.map { (name, Self.line($0)) } }
    alerts = (value["alertas"]?.list ?? []).filter { $0.object != nil }.map { alert in
      func text(_ key: String) -> String { Self.line(alert[key]?.scalarText ?? "") }
      return Alert(
        severity: text("severidade"), unit: text("unidade"), title: text("titulo"), evidence: text("evidencia"),
        action: text("acao"))
    }
    recommendations = (value["recomendacoes"]?.list ?? []).compactMap { item in
      guard let text = item.scalarText ?? item["explicacao"]?.scalarText else { return nil }
      return Self.line(Self.of(item["unidade"]?.scalarText ?? "", text))
    }
  }

  /// Says of which unit something is, unless it does so itself.
  private static func of(_ unit: String, _ text: String) -> String {
    unit.isEmpty || text.contains(unit) ? text : "\(unit): \(text)"
  }

  /// Foreign text as one line of a mail.
  private static func line(_ text: String) -> String {
    let spaced = text.map { $0.isNewline || $0 == "\t" ? " " : $0 }
    return String(spaced.filter { !($0.asciiValue.map { $0 < 0x20 } ?? false) }.prefix(500))
  }

  /// For the subject: `3 alertas`; empty without any.
  var headline: String {
    alerts.isEmpty ? "" : alerts.count == 1 ? "1 alerta" : "\(alerts.count) alertas"
  }

  var lines: [String] {
    var lines: [String] = []
    if !alerts.isEmpty {
      lines += ["", "Alertas:"]
      for alert in alerts.prefix(Self.shown) {
        lines.append("  - [\(alert.severity)] \(Self.of(alert.unit, alert.title))")
        if !alert.evidence.isEmpty { lines.append("      \(alert.evidence)") }
        if !alert.action.isEmpty { lines.append("      O que fazer: \(alert.action)") }
      }
      if alerts.count > Self.shown { lines.append("  e mais \(alerts.count - Self.shown) alertas") }
    }
    if !numbers.isEmpty {
      lines += ["", "Números do dia:"] + numbers.map { "  \(Self.words($0.name)): \($0.value)" }
    }
    if !recommendations.isEmpty {
      lines += ["", "Pedidos recomendados:"] + recommendations.prefix(Self.shown).map { "  - \($0)" }
      if recommendations.count > Self.shown { lines.append("  e mais \(recommendations.count - Self.shown)") }
    }
    return lines
  }

  /// `ticket_medio` as people write it.
  private static func words(_ name: String) -> String {
    let written = [
      "ticket_medio": "ticket médio", "variacao_semana": "variação sobre a semana anterior (%)",
      "unidades_que_enviaram": "unidades que enviaram",
    ]
    return written[name] ?? name.split(separator: "_").joined(separator: " ")
  }
}
