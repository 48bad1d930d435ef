"""Who may do what at a simulator, and the token service that most vendors have in front of /v2."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.scripted_server import Reply, oci_error

if TYPE_CHECKING:
    from tests.scripted_server import Request

PULL, PUSH, DELETE = "pull", "push", "delete"


@dataclass(frozen=True)
class Account:
    """`rights` are words of the simulator's choice; pull, push and delete are those of /v2."""

    name: str
    password: str
    rights: frozenset[str] = frozenset({PULL, PUSH, DELETE})


@dataclass
class Accounts:
    """The accounts of one simulator. The passwords are sham, and long enough to be found in any log that holds them."""

    everybody: list[Account] = field(default_factory=list)

    def by_basic(self, request: Request) -> Account | None:
        """The account of an Authorization header with Basic, None for a wrong one and for none at all."""
        kind, _, coded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.by_password(name, password)

    def by_password(self, name: str, password: str) -> Account | None:
        return next((one for one in self.everybody if (one.name, one.password) == (name, password)), None)


def origin(request: Request) -> str:
    """`scheme://host` as this client knows the simulator."""
    return f"{request.headers.get('x-forwarded-proto', 'http')}://{request.headers['host']}"


@dataclass
class TokenDesk:
    """A token service as distribution specifies it: actions that an account lacks are left out of the token without a word.

    `path` is where it answers; `expire()` makes every token that was issued so far worthless.
    """

    accounts: Accounts
    service: str
    path: str = "/token"
    lifetime: int = 300
    issued: dict[str, tuple[Account | None, dict[str, set[str]]]] = field(default_factory=dict)
    ever_issued: list[str] = field(default_factory=list)

    def challenge(self, request: Request, scope: str = "", **more: str) -> Reply:
        """The 401 that sends a client here."""
        parts = {"realm": origin(request) + self.path, "service": self.service, **({"scope": scope} if scope else {}), **more}
        header = "Bearer " + ",".join(f'{name}="{value}"' for name, value in parts.items())
        return oci_error(401, "UNAUTHORIZED", "authentication required", www_authenticate=header)

    def issue(self, request: Request) -> Reply:
        """Answer `GET path?service=…&scope=…`; without credentials a token for an anonymous visitor, who may do nothing."""
        account = self.accounts.by_basic(request)
        if account is None and request.headers.get("authorization"):
            return oci_error(401, "UNAUTHORIZED", "unauthorized: incorrect username or password")
        granted: dict[str, set[str]] = {}
        for name, value in request.query:
            for scope in value.split() if name == "scope" else ():
                _, _, rest = scope.partition(":")
                repository, _, actions = rest.rpartition(":")
                granted.setdefault(repository, set()).update(set(actions.split(",")) & (account.rights if account else set()))
        token = secrets.token_urlsafe(24)
        self.issued[token] = (account, granted)
        self.ever_issued.append(token)
        return Reply.of({"token": token, "access_token": token, "expires_in": self.lifetime})

    def expire(self) -> None:
        self.issued.clear()

    def account(self, request: Request) -> Account | None:
        """Whose token a request carries."""
        return self.issued.get(self._token(request), (None, {}))[0]

    def allows(self, request: Request, repository: str, action: str) -> bool:
        """Whether a request carries a token for this action."""
        return action in self.issued.get(self._token(request), (None, {}))[1].get(repository, set())

    def _token(self, request: Request) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else ""
