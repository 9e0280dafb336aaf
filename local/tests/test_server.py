"""The server as a process: its endpoint file, its second start, its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
from conftest import Served, until


def test_endpoint_file_is_private_and_equals_the_first_line(aws: Served) -> None:
    path = aws.directory / "endpoint.json"
    assert json.loads(path.read_text()) == aws.endpoint
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert aws.endpoint["pid"] == aws.process.pid and aws.endpoint["version"] == 1


def test_second_start_reports_the_first_and_succeeds(aws: Served) -> None:
    second = aws.start()
    out, err = second.communicate(timeout=20)
    assert second.returncode == 0
    assert json.loads(out) == aws.endpoint
    assert "already serving" in err


def test_stale_endpoint_is_replaced_and_stop_removes_it(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "endpoint.json").write_text('{"endpoint": "http://127.0.0.1:1", "pid": 999999999}')
    served = Served(tmp_path / "d")
    assert served.endpoint["pid"] == served.process.pid
    assert served.admin("POST", "shutdown") == {"status": "stopping"}
    assert served.process.wait(10) == 0
    assert not (tmp_path / "d" / "endpoint.json").exists()


def test_listens_on_loopback_only(aws: Served) -> None:
    port = int(aws.endpoint["endpoint"].rpartition(":")[2])
    listening = [
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    ]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_connections_are_kept_and_bodies_consumed(aws: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint["endpoint"].rpartition(":")[2]))
    connection.connect()
    first = connection.sock
    for method, path, body in (
        ("GET", "/_local/health", None),
        ("POST", "/_local/nothing", b"x" * 100_000),
        ("GET", "/_local/health", None),
    ):
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 404)
    assert connection.sock is first


def test_expect_100_continue_is_answered_at_once(aws: Served) -> None:
    with socket.create_connection(("127.0.0.1", int(aws.endpoint["endpoint"].rpartition(":")[2]))) as client:
        client.settimeout(2)
        client.sendall(b"PUT /_local/config HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"{}")
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_chunked_request_bodies_are_decoded(aws: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint["endpoint"].rpartition(":")[2]))
    connection.request(
        "PUT",
        "/_local/config",
        iter([b'{"spark_', b'cores": 2}']),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert json.load(connection.getresponse())["spark_cores"] == 2


def test_unknown_settings_are_refused(aws: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint["endpoint"].rpartition(":")[2]))
    connection.request("PUT", "/_local/config", b'{"starting_second": 1}')
    answer = connection.getresponse()
    assert answer.status == 400 and b"unknown setting" in answer.read()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_server(tmp_path: Path, number: int) -> None:
    from conftest import Emr, step

    served = Served(tmp_path / "d", validate=False)
    emr = Emr(served)
    mark = f"{os.getpid()}{int(number)}"
    emr.run(step("bash", "-c", f"setsid sleep 7{mark} & (sleep 8{mark} &) ; sleep 9{mark}"))
    until(lambda: len(_running(mark)) >= 3)
    served.process.send_signal(number)
    served.process.wait(15)
    until(lambda: not _running(mark), 5)


def _running(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if command[0] == b"sleep" and mark in command[1].decode():
            found.append(command[1].decode())
    return found


def test_start_is_quick(tmp_path: Path) -> None:
    begun = time.monotonic()
    served = Served(tmp_path / "d")
    seconds = time.monotonic() - begun
    assert served.stop() == 0
    assert seconds < 5, f"{seconds:.1f} s"
