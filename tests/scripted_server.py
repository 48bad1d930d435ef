"""A threaded HTTP server that answers what a test says, mistakes included, and remembers what it was asked.

    with ScriptedServer(lambda request: Reply(200, b"{}")) as server:
        Session().request("GET", server.url + "/x")
        assert server.requests[0].path == "/x"

A `Reply` can also break the connection off (`cut`), promise more than it sends (`short`) or close it in silence (`drop`).
`forward` passes a request on to a real registry, so that a test changes one answer and leaves the others real.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.realparts.certificates import Certificate


@dataclass(frozen=True)
class Request:
    """One request as it came; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query)


@dataclass(frozen=True)
class Reply:
    """What to answer, and how to fail at it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False  # reset the connection before answering
    drop: bool = False  # close it in silence
    short: int = 0  # so many bytes of what Content-Length promises are never sent

    @classmethod
    def of(cls, document: object, status: int = 200, **headers: str) -> Reply:
        """JSON; `content_type="…"` becomes the header Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(document).encode(), {"content-type": "application/json", **named})


def oci_error(status: int, code: str, message: str = "said the test", **headers: str) -> Reply:
    return Reply.of({"errors": [{"code": code, "message": message}]}, status, **headers)


class ScriptedServer:
    """Answers on a loopback port until the `with` ends; `requests` are in the order in which they came."""

    def __init__(
        self,
        answer: Callable[[Request], Reply],
        *,
        tls: Certificate | None = None,
        address: str = "127.0.0.1",
        clients: Certificate | None = None,  # the authority without whose certificate no client gets in
    ) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._server = _Server((address, 0), _Handler)
        self._server.script = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.file, tls.key_file)
            if clients:
                context.load_verify_locations(clients.file)
                context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self.host = f"{address}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, method: str, ending: str = "") -> list[Request]:
        """The requests of this method whose path ends so."""
        return [request for request in self.requests if request.method == method and request.path.endswith(ending)]


def forward(request: Request, host: str) -> Reply:
    """What the real server at HOST:PORT answers to this request."""
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        skipped = {"host", "connection", "content-length", "transfer-encoding"}
        headers = {name: value for name, value in request.headers.items() if name not in skipped}
        # The registry builds its Location headers from Host: it has to be the one that the client knows.
        headers["Host"] = request.headers["host"]
        connection.request(request.method, request.target, body=request.body or None, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in {"connection", "transfer-encoding"}}
        return Reply(answer.status, content, kept)
    finally:
        connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    script: ScriptedServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per answer
    timeout = 30

    def _handle(self) -> None:
        script = cast(_Server, self.server).script
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self._body(headers))
        script.requests.append(request)
        reply = script.answer(request)
        if reply.cut:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if reply.cut or reply.drop:
            self.close_connection = True
            return
        self._send(reply)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):  # every method is answered by the script
            return self._handle
        raise AttributeError(name)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        named = {name.lower() for name in reply.headers}
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "content-length" not in named and reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) - reply.short])
        self.wfile.flush()
        self.close_connection = self.close_connection or bool(reply.short)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            blocks = []
            while size := int(self.rfile.readline(), 16):
                blocks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(blocks)
        return self.rfile.read(int(headers.get("content-length", "0")))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    log_error = log_request  # type: ignore[assignment]
