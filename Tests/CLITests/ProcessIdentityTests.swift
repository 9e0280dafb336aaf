import Engine
import FoundationEssentials
import Glibc
import Testing

@testable import CLI

@Suite struct ProcessIdentityTests {
  private func record(_ identity: ProcessIdentity?) -> LockRecord {
    LockRecord(user: "ana", host: "pc", pid: identity?.pid ?? 1, process: identity?.text, command: "mrhealth up")
  }

  @Test func thisProcessLives() throws {
    let own = try #require(ProcessIdentity.current)
    #expect(ProcessIdentity(own.text) == own)
    #expect(!ProcessIdentity.isGone(record(own)))
  }

  @Test func anotherProcessOfThatNumberIsNotIt() throws {
    var old = try #require(ProcessIdentity.current)
    old.started = "1"
    #expect(ProcessIdentity.isGone(record(old)))
  }

  @Test func anEndedProcessIsGoneEvenBeforeItsParentLooks() async throws {
    var pid: pid_t = 0
    try #require(posix_spawn(&pid, "/bin/sleep", nil, nil, [strdup("sleep"), strdup("60"), nil], nil) == 0)
    let child = try #require(ProcessIdentity.of(Int(pid)))
    #expect(!ProcessIdentity.isGone(record(child)))
    kill(pid, SIGKILL)
    while !ProcessIdentity.isGone(record(child)) { await Task.yield() }
    #expect(FileManager.default.fileExists(atPath: "/proc/\(pid)"), "nobody has looked yet")
    var status: Int32 = 0
    #expect(waitpid(pid, &status, 0) == pid)
    #expect(ProcessIdentity.isGone(record(child)))
  }

  @Test func ofOtherMachinesAndContainersNothingIsSaid() throws {
    let own = try #require(ProcessIdentity.current)
    var elsewhere = own
    elsewhere.boot = "another"
    elsewhere.started = "1"
    #expect(!ProcessIdentity.isGone(record(elsewhere)))
    elsewhere = own
    elsewhere.namespace = "pid:[1]"
    elsewhere.started = "1"
    #expect(!ProcessIdentity.isGone(record(elsewhere)))
    #expect(!ProcessIdentity.isGone(record(nil)))
    var odd = record(nil)
    odd.process = "x/y"
    #expect(!ProcessIdentity.isGone(odd))
  }
}
