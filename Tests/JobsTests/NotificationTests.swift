import FoundationEssentials
import Testing

@testable import Jobs

@Suite struct NotificationTests {
  private func record(_ outcome: RunRecord.Outcome) -> RunRecord {
    let start = Date(timeIntervalSince1970: 1_790_000_000)
    var record = RunRecord(
      id: RunID("r-1"), stack: "mrhealth", date: "2024-11-20", startedBy: "ana", started: start,
      steps: [
        .init(name: "silver", state: "COMPLETED", started: start, ended: start.addingTimeInterval(42)),
        .init(name: "gold", state: "FAILED", started: start, ended: start.addingTimeInterval(125)),
        .init(name: "mail", state: "CANCELLED"),
      ])
    record.outcome = outcome
    record.cluster = "j-1"
    return record
  }

  @Test func `a run that went well`() {
    var record = record(.succeeded)
    record.data = .init(uploaded: 3, unchanged: 2, removed: 1, bytes: 9)
    let mail = Notification(record, diagnosis: nil, logs: nil)
    #expect(mail.subject == "[mrhealth] Execucao de 2024-11-20 concluida")
    #expect(
      mail.body == """
        Execução r-1 da pipeline mrhealth para 2024-11-20: concluída.

        Etapas:
          - silver: concluída (42 s)
          - gold: falhou (2 min 5 s)
          - mail: cancelada

        Arquivos enviados: 3; sem mudança: 2; removidos: 1.

        Cluster: j-1

        """)
    #expect(mail.attributes == ["stack": "mrhealth", "outcome": "succeeded", "date": "2024-11-20", "run": "r-1"])
  }

  @Test func `a run that failed says why, where, and where to read on`() {
    var record = record(.failed)
    record.cause = "gold: ValueError"
    let diagnosis = Diagnosis(cause: "ValueError", place: "gold.py:9", excerpt: ["a", "b"])
    let mail = Notification(record, diagnosis: diagnosis, logs: "s3://code/logs/")
    #expect(mail.subject == "[mrhealth] Execucao de 2024-11-20 FALHOU")
    #expect(
      mail.body.contains("\nCausa: gold: ValueError\nOnde: gold.py:9\n\nTrecho do log:\n  a\n  b\n"), "\(mail.body)")
    #expect(mail.body.hasSuffix("Cluster: j-1\nLogs: s3://code/logs/\n"), "\(mail.body)")
    #expect(Notification(self.record(.failed), diagnosis: nil, logs: nil).body.contains("Causa: desconhecida"))
    #expect(Notification(self.record(.cancelled), diagnosis: nil, logs: nil).subject.hasSuffix("cancelada"))
  }

  @Test(arguments: [
    ("São João à noite", "Sao Joao a noite"), ("ÇÃÉÍÓÚ õôêâ", "CAEIOU ooea"),
    ("dois\r\nlinhas\ne\ttab", "doislinhasetab"),
    ("c\u{327}a\u{303}o decomposto", "cao decomposto"), ("日本 ok", " ok"), ("\u{1B}[31mx\u{7F}", "[31mx"),
  ])
  func `a subject is plain ASCII of one line`(_ text: String, _ subject: String) {
    #expect(Notification.subject(text) == subject)
  }

  @Test func `a subject has at most 100 characters`() {
    let subject = Notification.subject(String(repeating: "ção ", count: 100))
    #expect(subject.count == 100)
    #expect(subject.hasPrefix("cao cao "))
  }
}
