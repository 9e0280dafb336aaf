"""A threaded HTTP/1.1 server for WSGI applications, on loopback.

werkzeug's development server answers every request with ``Connection: close`` and waits 10 ms for
leftovers; clients of AWS hold their connections open. This one keeps them: the body of a request is
always read to its end before the next request line (or the connection is closed when too much is
left), chunked bodies are decoded, and ``Expect: 100-continue`` is answered.
"""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: a body that the application did not want is read up to this size to save the connection
_DRAIN_LIMIT = 8 << 20
_PIECE = 256 << 10


class _Body(io.RawIOBase):
    """The request body, ending where the request ends. A short read means a lost client."""

    def readable(self) -> bool:
        return True

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.finished = False

    def readinto(self, buffer: Any) -> int:
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, limit: int) -> bytes:
        raise NotImplementedError


class _SizedBody(_Body):
    def __init__(self, source: BinaryIO, size: int) -> None:
        super().__init__(source)
        self._left = size
        self.finished = size == 0

    def _next(self, limit: int) -> bytes:
        if self._left == 0:
            return b""
        data = self._source.read(min(limit, self._left))
        if not data:
            raise ConnectionResetError("the client left before its request was complete")
        self._left -= len(data)
        self.finished = self._left == 0
        return data


class _ChunkedBody(_Body):
    """Transfer-Encoding: chunked (RFC 9112, 7.1); extensions and trailers are ignored."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__(source)
        self._left = 0

    def _next(self, limit: int) -> bytes:
        if self.finished:
            return b""
        if self._left == 0:
            line = self._source.readline(1024)
            try:
                self._left = int(line.split(b";")[0].strip(), 16)
            except ValueError:
                raise ConnectionResetError("malformed chunk") from None
            if self._left == 0:
                while self._source.readline(8192) not in (b"\r\n", b"\n", b""):
                    pass
                self.finished = True
                return b""
        data = self._source.read(min(limit, self._left))
        if not data:
            raise ConnectionResetError("the client left before its request was complete")
        self._left -= len(data)
        if self._left == 0:
            self._source.readline(4)
        return data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 << 10
    server: Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        # boto3 waits a second for it before each upload: it must not stay in the write buffer.
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self.send_error(400, "Bad Content-Length")
            return
        environ = self._environ(body)
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            head[:] = [status, headers]

        pieces = self.server.app(environ, start_response)
        try:
            self._send(head[0], head[1], pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        self._drain(body)

    def _body(self) -> _Body | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return _ChunkedBody(self.rfile)
        try:
            size = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return None
        return _SizedBody(self.rfile, size) if size >= 0 else None

    def _environ(self, body: _Body) -> dict[str, Any]:
        # http.server has a single slash where the target began with several; a key may begin with one.
        raw_target = self.requestline.split(" ")[1] if self.requestline.count(" ") >= 2 else self.path
        if raw_target.startswith("/"):
            path, _, query = raw_target.partition("?")
        else:
            parts = urlsplit(raw_target)
            path, query = parts.path or "/", parts.query
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BufferedReader(body, _PIECE),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": raw_target,
            "REQUEST_URI": raw_target,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], pieces: Iterable[bytes]) -> None:
        code = int(status.split(" ", 1)[0])
        names = {name.lower() for name, _ in headers}
        bodyless = self.command == "HEAD" or code in (204, 304) or 100 <= code < 200
        if "content-length" not in names and not bodyless:
            pieces = [b"".join(pieces)]
            headers = [*headers, ("Content-Length", str(len(pieces[0])))]
        self.send_response(code)
        for name, value in headers:
            lower = name.lower()
            if lower == "connection" or (code == 204 and lower == "content-length"):
                continue
            if lower in ("date", "server"):
                continue
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            if piece and not bodyless:
                self.wfile.write(piece)
        self.wfile.flush()

    def _drain(self, body: _Body) -> None:
        left = _DRAIN_LIMIT
        while not body.finished and left > 0:
            left -= len(body.read(min(_PIECE, left)) or b"")
        if not body.finished:
            self.close_connection = True

    def version_string(self) -> str:
        return "embedded-aws"

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are logged by the application, with what they meant."""


class Server(ThreadingMixIn, TCPServer):
    """Listens as soon as it is made; ``serve_forever`` answers."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, port: int, app: WsgiApp) -> None:
        self.app = app
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)
