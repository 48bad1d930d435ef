"""Quay's token service, /v2/auth (endpoints/v2/v2auth.py of quay/quay, seen 2026-11)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import TYPE_CHECKING

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, PUSH, Account, Accounts, TokenDesk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripted_server import Request

OAUTH = "$oauthtoken"
OWNER = "namespace"  # sees what is not there as such, and may make it
_ALL = frozenset({PULL, PUSH, DELETE, OWNER, "repo:read", "repo:write", "repo:admin"})
WRITER = Account(OAUTH, "sham-oauth-token-of-the-cleaner", _ALL)
READER = Account(OAUTH, "sham-oauth-token-of-the-reader", frozenset({PULL, OWNER, "repo:read"}))
ROBOT = Account("acme+cleaner", "SHAMROBOTTOKENOFTHECLEANER", frozenset({PULL, PUSH, DELETE}))
READING_ROBOT = Account("acme+reader", "SHAMROBOTTOKENOFTHEREADER", frozenset({PULL}))
_SCOPE = re.compile(r"repository:([a-zA-Z0-9._-]+(?:/[a-zA-Z0-9._-]+)+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)")


class QuayDesk(TokenDesk):
    """Refuses scopes with other words than pull, push and `*`, and says in a JWT what it grants.

    `grants` decides about one repository: (account, name, asked actions) to granted actions.
    """

    def __init__(self, accounts: Accounts, grants: Callable[[Account | None, str, set[str]], set[str]]) -> None:
        super().__init__(accounts, "quay.example", "/v2/auth", lifetime=3600)
        self._grants = grants

    def issue(self, request: Request) -> Reply:
        account = self.accounts.by_basic(request)
        if account is None and request.headers.get("authorization"):
            return oci_error(401, "UNAUTHORIZED", "Invalid Username or Password")
        asked = [scope for name, value in request.query if name == "scope" for scope in value.split()]
        if account is None and not asked:
            return oci_error(401, "UNAUTHORIZED", "access to the requested resource is not authorized")
        granted = {}
        for scope in asked:
            found = _SCOPE.fullmatch(scope)
            if found is None:
                return oci_error(400, "INVALID_REQUEST", f"Unable to decode repository and actions: {scope}")
            granted[found[1]] = self._grants(account, found[1], set(found[2].split(",")))
        access = [{"type": "repository", "name": name, "actions": sorted(actions)} for name, actions in granted.items()]
        payload = json.dumps({"access": access, "jti": secrets.token_hex(8)}).encode()
        token = ".".join([_coded(b'{"alg":"none"}'), _coded(payload), secrets.token_urlsafe(16)])
        self.issued[token] = (account, granted)
        self.ever_issued.append(token)
        return Reply.of({"token": token})


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
