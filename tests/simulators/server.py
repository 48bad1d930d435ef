"""Where simulators are reached: one on a loopback port in plain HTTP, or many behind a proxy, under vendors' own names over TLS.

The proxy is an ordinary HTTPS proxy, given to the program by HTTPS_PROXY as at any company. Asked to CONNECT to ghcr.io:443 it
speaks TLS itself, with a certificate of the tests' authority, and hands the requests to whoever simulates ghcr.io.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self, cast

from tests.scripted_server import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.realparts.certificates import Certificate
    from tests.simulators.simulator import Simulator


class Listener(ThreadingHTTPServer):
    """Serves until the `with` ends. `strangers` are the hosts that somebody wanted and nobody simulates."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, default: Simulator | None, hosts: Mapping[str, Simulator], tls: Certificate | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.default = default
        self.hosts = dict(hosts)
        self.strangers: list[str] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tls is not None:
            self.context.load_cert_chain(tls.file, tls.key_file)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per answer
    timeout = 30  # seconds
    simulator: Simulator | None = None

    def do_CONNECT(self) -> None:
        listener = cast(Listener, self.server)
        name = self.path.rpartition(":")[0]
        if name not in listener.hosts:
            listener.strangers.append(name)
            self.send_error(502, f"nobody simulates {name}")
            self.close_connection = True
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        self.simulator = listener.hosts[name]
        self.connection = listener.context.wrap_socket(self.connection, server_side=True)
        self.rfile.close()
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", self.wbufsize)
        self.close_connection = False

    def _handle(self) -> None:
        headers = {name.lower(): ", ".join(self.headers.get_all(name, ())) for name in self.headers}  # skopeo repeats Accept
        if self.simulator is not None:
            headers["x-forwarded-proto"] = "https"  # what a TLS terminator tells the registry behind it
        simulator = self.simulator or cast(Listener, self.server).default
        body = self._body(headers)
        reply = simulator.answer(Request(self.command, self.path, headers, body)) if simulator else Reply(404)
        if reply.cut:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815 -- the names that http.server calls

    def finish(self) -> None:
        super().finish()
        if self.simulator is not None:
            self.connection.close()  # the server only knows the socket beneath

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in reply.headers} and reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            blocks = []
            while size := int(self.rfile.readline(), 16):
                blocks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(blocks)
        return self.rfile.read(int(headers.get("content-length", "0")))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Say nothing."""
