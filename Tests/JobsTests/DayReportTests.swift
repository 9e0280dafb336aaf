import FoundationEssentials
import Testing

@testable import Jobs

@Suite struct DayReportTests {
  private let whole = """
    {"versao": 1, "data": "2024-11-20",
     "numeros": {"pedidos": 120, "receita": "4521.90", "ticket_medio": "37.68", "pendentes": 3, "variacao_semana": -4.2,
                 "unidades": 10, "unidades_que_enviaram": 9, "nada": null},
     "alertas": [
       {"severidade": "critica", "unidade": "Porto Alegre", "titulo": "não enviou", "evidencia": "0 arquivos",
        "acao": "ligue\\npara a unidade"},
       {"severidade": "baixa", "unidade": "Rio", "titulo": "preço fora do comum em Rio"}],
     "recomendacoes": [{"unidade": "Rio", "explicacao": "Pedir 12 de Suco: previsão 10, segurança 2."}, "Pedir 3 de Chá."]}
    """

  private func mail(_ report: DayReport?) -> Notification {
    var record = RunRecord(
      id: RunID("r-1"), stack: "s", date: "2024-11-20", startedBy: "ana", started: Date(timeIntervalSince1970: 0),
      steps: [.init(name: "gold", state: "COMPLETED")])
    record.outcome = .succeeded
    return Notification(record, diagnosis: nil, logs: nil, report: report)
  }

  @Test func theMailTellsAlertsFirstThenNumbersThenOrders() throws {
    let report = try #require(DayReport(Array(whole.utf8)))
    let mail = mail(report)
    #expect(mail.subject == "[s] Execucao de 2024-11-20 concluida: 2 alertas")
    #expect(mail.attributes["alerts"] == "2")
    #expect(
      mail.body == """
        Execução r-1 da pipeline s para 2024-11-20: concluída.

        Alertas:
          - [critica] Porto Alegre: não enviou
              0 arquivos
              O que fazer: ligue para a unidade
          - [baixa] preço fora do comum em Rio

        Números do dia:
          pedidos: 120
          receita: 4521.90
          ticket médio: 37.68
          variação sobre a semana anterior (%): -4.2
          unidades que enviaram: 9
          unidades: 10
          pendentes: 3

        Pedidos recomendados:
          - Rio: Pedir 12 de Suco: previsão 10, segurança 2.
          - Pedir 3 de Chá.

        Etapas:
          - gold: concluída

        """)
  }

  @Test func ofManyAlertsTheFirstAreToldAndTheRestCounted() throws {
    let alerts = (1...30).map { #"{"severidade":"media","titulo":"t\#($0)"}"# }.joined(separator: ",")
    let report = try #require(DayReport(Array(#"{"alertas":[\#(alerts)]}"#.utf8)))
    let body = mail(report).body
    #expect(body.contains("t20\n  e mais 10 alertas\n") && !body.contains("t21"))
    #expect(mail(report).subject.hasSuffix(": 30 alertas"))
  }

  @Test(arguments: ["", "[]", "3", "{", "\u{0}", String(repeating: "[", count: 5000)])
  func whatIsNoReportIsNone(text: String) {
    #expect(DayReport(Array(text.utf8)) == nil)
  }

  @Test(arguments: [
    "{}", #"{"numeros":[],"alertas":{"a":1},"recomendacoes":7}"#, #"{"alertas":[1,"x",null],"recomendacoes":[{}]}"#,
  ])
  func whatItLacksIsLeftOut(text: String) throws {
    let report = try #require(DayReport(Array(text.utf8)))
    #expect(report.lines.isEmpty && report.headline.isEmpty)
    #expect(mail(report).body == mail(nil).body)
  }

  @Test func aReportThatIsTooLargeIsNone() {
    let text = #"{"numeros":{"a":""# + String(repeating: "x", count: DayReport.sizeLimit) + #""}}"#
    #expect(DayReport(Array(text.utf8)) == nil)
  }
}
