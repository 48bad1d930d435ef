"""A token service as the distribution project specifies it, small enough to read in one go.

https://distribution.github.io/distribution/spec/auth/token/ (GET) and .../oauth/ (POST). Like the ones in
the wild it does not refuse a scope that the user may not have: it silently leaves those actions out of
the token, and the registry then answers 401.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from tests.realparts.certificates import Certificate

SERVICE = "moorage-test-registry"
ISSUER = "moorage-test-tokens"


@dataclass(frozen=True)
class User:
    """Somebody who may log in, and the actions they may take on every repository."""

    name: str
    password: str
    actions: frozenset[str]


WRITER = User("writer", "sham-writer-password", frozenset({"pull", "push", "delete", "*"}))
READER = User("reader", "sham-reader-password", frozenset({"pull"}))
_ANONYMOUS = User("", "", frozenset())


@dataclass(frozen=True)
class TokenRequest:
    """One request the service answered, so that tests can count and compare them."""

    method: str
    user: str
    asked: tuple[str, ...]
    granted: tuple[str, ...]
    status: int


@dataclass
class TokenService:
    """The service's state; tests may change lifetime and users between requests."""

    signer: Certificate
    users: tuple[User, ...] = (WRITER, READER)
    lifetime: int = 300
    """Seconds. The registry allows 60 s more (its leeway), and clients treat less than 60 as 60."""
    gives_refresh_tokens: bool = True
    """False: `docker login` then stores the password itself, as with services that know no refresh."""
    requests: list[TokenRequest] = field(default_factory=list)
    refresh_tokens: dict[str, User] = field(default_factory=dict)

    def answer(self, method: str, fields: dict[str, list[str]], authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer one request: an HTTP status and a JSON body."""
        asked = tuple(scope for value in fields.get("scope", []) for scope in value.split())
        user = self._by_form(fields) if method == "POST" else self._by_basic(authorization)
        if user is None:
            self.requests.append(TokenRequest(method, "", asked, (), 401))
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
        access = [entry for entry in (_allowed(scope, user) for scope in asked) if entry]
        granted = tuple(f"{entry['type']}:{entry['name']}:{','.join(entry['actions'])}" for entry in access)
        self.requests.append(TokenRequest(method, user.name, asked, granted, 200))
        token = self.sign(user, access)
        body: dict[str, Any] = {"access_token": token, "expires_in": self.lifetime}
        if method == "GET":
            body["token"] = token
        offline = fields.get("offline_token") == ["true"] or fields.get("access_type") == ["offline"]
        if user is not _ANONYMOUS and self.gives_refresh_tokens and (offline or method == "POST"):
            body["refresh_token"] = self._refresh_token(user)
        return 200, body

    def sign(self, user: User, access: list[dict[str, Any]]) -> str:
        """Sign a token; the registry finds the key by the certificate in x5c, which its authority issued."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "sub": user.name, "aud": SERVICE, "iat": now, "nbf": now - 10,
            "exp": now + self.lifetime, "jti": secrets.token_hex(8), "access": access,
        }  # fmt: skip
        der = self.signer.certificate.public_bytes(Encoding.DER)
        return jwt.encode(claims, self.signer.key, "RS256", {"x5c": [base64.b64encode(der).decode()]})

    def _refresh_token(self, user: User) -> str:
        token = secrets.token_urlsafe(24)
        self.refresh_tokens[token] = user
        return token

    def _by_basic(self, authorization: str) -> User | None:
        if not authorization:
            return _ANONYMOUS
        try:
            name, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._by_password(name, password)

    def _by_form(self, fields: dict[str, list[str]]) -> User | None:
        if fields.get("grant_type") == ["refresh_token"]:
            return self.refresh_tokens.get(fields.get("refresh_token", [""])[0])
        return self._by_password(fields.get("username", [""])[0], fields.get("password", [""])[0])

    def _by_password(self, name: str, password: str) -> User | None:
        return next((user for user in self.users if (user.name, user.password) == (name, password)), None)


def _allowed(scope: str, user: User) -> dict[str, Any] | None:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")  # a repository's name may hold a port, and so a colon
    granted = [action for action in actions.split(",") if action in user.actions]
    return {"type": kind, "name": name, "actions": granted} if granted else None


class TokenServer(ThreadingHTTPServer):
    """The service over TLS on a free port; clients are sent to `host`."""

    daemon_threads = True

    def __init__(self, service: TokenService, tls: Certificate, bind: str = "127.0.0.1", host: str = "localhost") -> None:
        super().__init__((bind, 0), _Handler)
        self.service = service
        self.host = host
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.file, tls.key_file)
        # The handshake is left to the handler's thread: a client that stalls must not block the others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, name="token service", daemon=True).start()

    @property
    def realm(self) -> str:
        """The address that the registry sends clients to."""
        return f"https://{self.host}:{self.server_address[1]}/token"

    def stop(self) -> None:
        """Stop answering."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds

    def do_GET(self) -> None:
        self._reply("GET", parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._reply("POST", parse_qs(body.decode()))

    def _reply(self, method: str, fields: dict[str, list[str]]) -> None:
        service = cast(TokenServer, self.server).service
        status, answer = service.answer(method, fields, self.headers.get("Authorization", ""))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: requests are kept as values, and a log would hold refresh tokens."""
