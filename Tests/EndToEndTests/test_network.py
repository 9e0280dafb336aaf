"""What stands between the program and AWS: certificates and proxies, as the environment names them."""
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conftest import ROOT


def openssl(folder: Path, *arguments: str):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    return folder / f"{name}.pem"


@pytest.fixture
def secure(cloud, tmp_path):
    """The embedded AWS behind TLS; its certificate is by an authority that no machine knows."""
    folder = tmp_path / "tls"
    folder.mkdir()
    bundle = authority(folder, "own")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
            "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "own.pem", "-CAkey", "own.key", "-CAcreateserial",
            "-days", "2", "-extfile", "names", "-out", "server.pem")
    proxy = subprocess.Popen(
        [sys.executable, str(ROOT / "Tests" / "Support" / "strict_proxy.py"), "--listen", "127.0.0.1:0", "--upstream",
         cloud.endpoint["endpoint"], "--key",
         f"{cloud.endpoint['access_key_id']}={cloud.endpoint['secret_access_key']}", "--aws-host", "",
         "--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.key")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    yield "https://" + json.loads(proxy.stdout.readline())["listening"], bundle
    proxy.terminate()
    proxy.wait(timeout=30)


class Relay:
    """A proxy as companies have them: CONNECT, and requests with a whole URL. Remembers what it was asked for."""

    def __init__(self):
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return client.close()
            head += piece
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self.asked.append(f"{method} {target.partition('?')[0]}")
        place = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = place.partition(":")
        server = socket.create_connection((host, int(port)))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            # To the server only the path, and one request a connection: this is no proxy to keep.
            path = "/" + target.split("/", 3)[3]
            server.sendall(head.replace(target.encode(), path.encode(), 1).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        while True:
            readable, _, _ = select.select([client, server], [], [], 60)
            if not readable:
                break
            source = readable[0]
            data = source.recv(65536)
            if not data:
                break
            (server if source is client else client).sendall(data)
        client.close()
        server.close()

    def close(self):
        self.listener.close()


@pytest.fixture
def relay():
    relay = Relay()
    yield relay
    relay.close()


def test_the_ca_bundle_decides_whom_to_trust(tool, secure, tmp_path):
    url, bundle = secure
    assert tool("whoami", "--json", AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(bundle)).json["account"]
    for other in ({}, {"AWS_CA_BUNDLE": str(authority(tmp_path, "other"))}):
        refused = tool("whoami", expect=1, AWS_ENDPOINT_URL=url, **other)
        assert "No secure connection to AWS" in refused.err and "AWS_CA_BUNDLE" in refused.err
    missing = tool("whoami", expect=1, AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(tmp_path / "nada.pem"))
    assert "nada.pem" in missing.err or "No secure connection" in missing.err


def test_an_https_proxy_tunnels(tool, secure, relay):
    url, bundle = secure
    settings = {"AWS_ENDPOINT_URL": url, "AWS_CA_BUNDLE": str(bundle), "NO_PROXY": "", "no_proxy": ""}
    assert tool("whoami", "--json", HTTPS_PROXY=relay.url, **settings).json["account"]
    assert relay.asked == [f"CONNECT {url.removeprefix('https://')}"]
    # One that is not there is not gone around.
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gone = "http://127.0.0.1:%d" % closed.getsockname()[1]
    refused = tool("whoami", expect=1, HTTPS_PROXY=gone, **settings)
    assert "No connection to AWS" in refused.err


def test_an_http_proxy_and_its_exceptions(cloud, tool, relay):
    clean = {name: "" for name in ("NO_PROXY", "no_proxy") if name in os.environ}
    assert tool("whoami", "--json", http_proxy=relay.url, **clean).json["account"]
    assert relay.asked == [f"POST {cloud.url}/"]
    assert tool("whoami", "--json", http_proxy=relay.url, **{**clean, "no_proxy": "127.0.0.1"}).json["account"]
    assert len(relay.asked) == 1
