"""GitHub Packages: ghcr.io and the REST API, by GitHub's description of it and by what threads tell (seen 2026-11).

The same below /api/v3, as on a GHES. `github_graphql.py` adds the old Docker registry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from tests.scripted_server import Reply, Request, forward, oci_error
from tests.simulators.accounts import PULL, PUSH, Account, Accounts, TokenDesk, origin
from tests.simulators.conformance import Specification
from tests.simulators.simulator import CHANGING, Call, Handler, Simulator, V2Call, route

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Shelf

H = TypeVar("H", bound=Handler)

CLASSIC, JOB, FINE_GRAINED, ADMIN = "classic", "job", "fine-grained", "admin"
READ, WRITE, DELETE = "read:packages", "write:packages", "delete:packages"
_ALL = frozenset({READ, WRITE, DELETE, ADMIN, PULL, PUSH})
WRITER = Account("acme-bot", "sham-classic-token-of-the-writer", _ALL | {CLASSIC})
READER = Account("acme-reader", "sham-classic-token-of-the-reader", frozenset({CLASSIC, READ, PULL}))
JOB_TOKEN = Account("github-actions", "sham-token-of-a-job", _ALL | {JOB})
OCTOCAT = Account("octocat", "sham-classic-token-of-octocat", _ALL | {CLASSIC})
FINE = Account("acme-modern", "sham-fine-grained-token", frozenset({FINE_GRAINED}))
WAYS = ("/orgs/{owner}/packages", "/users/{owner}/packages", "/user/packages")
PACKAGE = "/{kind}/{name}"
VERSIONS = PACKAGE + "/versions"
VERSION = VERSIONS + "/{id}"
DOCS = "https://docs.github.com/rest/packages/packages"
PREFIX = re.compile(r"/api/v3(?=/)")
LAST_TAGGED = "You cannot delete the last tagged version of a package. You must delete the package instead."
DOWNLOADS = (
    "Publicly visible package versions with more than 5000 downloads cannot be deleted. "
    "Contact GitHub support for further assistance."
)


def ways(method: str, rest: str = "") -> Callable[[H], H]:
    """Marks what answers a route in each of the three ways to an account's packages."""

    def mark(handler: H) -> H:
        for way in WAYS:
            handler = route(method, way + rest)(handler)
        return handler

    return mark


class TokenAccounts(Accounts):
    """GitHub looks at the token, and takes any user name with it."""

    def by_password(self, name: str, password: str) -> Account | None:
        return next((one for one in self.everybody if one.password == password), None)

    def by_request(self, request: Request) -> Account | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self.by_password("", token) if kind.lower() in {"bearer", "token"} else self.by_basic(request)


class Rules(Specification):
    """The description of the REST API; tokens for /v2 are not part of it."""

    def covers(self, request: Request) -> bool:
        return not request.path.startswith("/v2/") and request.path not in {"/token", "/graphql", "/api/graphql"}


@dataclass(frozen=True)
class Bin:
    """What was deleted, for 30 days."""

    held: Held
    tags: tuple[str, ...]


class GithubSimulator(Simulator):
    """`owners` are the accounts and what they are. `private` packages of users are not shown by /users to their owner's token.

    `restores_tags`: what comes back has its tags again. `kind` is the word for the registry in which the packages are.
    """

    specification = Rules.load("github")
    kind = "container"
    restores_tags = True
    private = True

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.tokens = self.accounts = TokenAccounts([WRITER, READER])
        self.desk = TokenDesk(self.accounts, "ghcr.io", "/token")
        self.owners = {"acme": "Organization", "octocat": "User", "acme-bot": "User"}
        self.bin: dict[tuple[str, int], Bin] = {}
        self.packages_bin: dict[str, list[Bin]] = {}

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    def answer(self, request: Request) -> Reply:
        prefix = PREFIX.match(request.target)
        if prefix:
            headers = {**request.headers, "x-below": prefix[0]}
            request = replace(request, target=request.target.removeprefix(prefix[0]), headers=headers)
        reply = super().answer(request)
        account = self.tokens.by_request(request)
        if reply.cut or request.path.startswith("/v2/") or account is None or CLASSIC not in account.rights:
            return reply
        scopes = ", ".join(sorted(account.rights & {READ, WRITE, DELETE}))
        return replace(reply, headers={**reply.headers, "x-oauth-scopes": scopes})

    # The API

    @route("GET", "/rate_limit")
    def rate_limit(self, call: Call) -> Reply:
        rate = {"limit": 5000, "remaining": 4999, "reset": 2_000_000_000, "used": 1}
        return self._unknown_token(call) or Reply.of({"resources": {"core": rate}, "rate": rate})

    @route("GET", "/user")
    def user(self, call: Call) -> Reply:
        account = self.tokens.by_request(call.request)
        if account and JOB in account.rights:
            return _error(403, "Resource not accessible by integration")
        return self._refusal(call) or Reply.of({"login": account.name if account else "", "id": 7, "type": "User"})

    @route("GET", "/users/{owner}")
    def account(self, call: Call) -> Reply:
        refused, kind = self._unknown_token(call), self.owners.get(call["owner"])
        return refused or (Reply.of({"login": call["owner"], "id": 8, "type": kind}) if kind else _error(404, "Not Found"))

    @ways("GET")
    def packages(self, call: Call) -> Reply:
        account = self.tokens.by_request(call.request)
        if account and JOB in account.rights:
            return _error(400, "Invalid argument.")
        refused = self._refusal(call, READ)
        if refused:
            return refused
        owner = self._owner(call)
        mine = [shelf for name, shelf in sorted(self.shelves.items()) if name.startswith(f"{owner}/") and shelf.manifests]
        wanted = [shelf for shelf in mine if call.query["package_type"] == self.kind]
        return self._page(call, [self._package(shelf) for shelf in wanted])

    @ways("GET", PACKAGE)
    def package(self, call: Call) -> Reply:
        shelf = self._shelf(call)
        return self._refusal(call, READ) or (Reply.of(self._package(shelf)) if shelf else _not_found())

    @ways("GET", VERSIONS)
    def versions(self, call: Call) -> Reply:
        refused, shelf = self._refusal(call, READ), self._shelf(call)
        if refused or shelf is None:
            return refused or _not_found()
        newest_first = sorted(shelf.manifests.values(), key=lambda held: (held.pushed, held.id), reverse=True)
        return self._page(call, [self._version(call, shelf, held) for held in newest_first])

    @ways("GET", VERSION)
    def version(self, call: Call) -> Reply:
        refused, shelf = self._refusal(call, READ), self._shelf(call)
        held = self._held(shelf, call["id"])
        return refused or (Reply.of(self._version(call, shelf, held)) if shelf and held else _not_found())

    @ways("DELETE", VERSION)
    def delete_version(self, call: Call) -> Reply:
        shelf = self._shelf(call)
        held = self._held(shelf, call["id"])
        refused = self._refusal(call, DELETE, hides=shelf is None or held is None)
        if refused or shelf is None or held is None:
            return refused or _not_found()
        tags = shelf.tags_of(held.digest)
        if any(shelf.tags[tag].locked for tag in tags):
            return _error(400, DOWNLOADS)
        if tags and not [tag for tag, mark in shelf.tags.items() if mark.digest != held.digest]:
            return _error(400, LAST_TAGGED)
        if len(shelf.manifests) == 1:
            return _error(400, LAST_TAGGED.replace("tagged ", ""))
        self.bin[shelf.name, held.id] = Bin(held, tuple(tags))
        self.remove(shelf.name, held.digest)
        return Reply(204)

    @ways("DELETE", PACKAGE)
    def delete_package(self, call: Call) -> Reply:
        """All that it holds goes, and comes back with it for 30 days."""
        shelf = self._shelf(call)
        refused = self._refusal(call, DELETE, hides=shelf is None)
        if refused or shelf is None:
            return refused or _not_found()
        if any(mark.locked for mark in shelf.tags.values()):
            return _error(400, DOWNLOADS)
        self.packages_bin[shelf.name] = [Bin(held, tuple(shelf.tags_of(held.digest))) for held in shelf.manifests.values()]
        for digest in list(shelf.manifests):
            self.remove(shelf.name, digest)
        return Reply(204)

    @ways("POST", PACKAGE + "/restore")
    def restore_package(self, call: Call) -> Reply:
        refused, name = self._refusal(call, DELETE), f"{self._owner(call)}/{call['name']}"
        kept = self.packages_bin.pop(name, None)
        if refused or kept is None or self._shelf(call) is not None:
            return refused or _not_found()
        for one in kept:
            self._put_back(self.shelf(name), one)
        return Reply(204)

    @ways("POST", VERSION + "/restore")
    def restore_version(self, call: Call) -> Reply:
        refused, shelf = self._refusal(call, DELETE), self._shelf(call)
        if refused or shelf is None:
            return refused or _not_found()
        kept = self.bin.pop((shelf.name, int(call["id"])), None)
        if kept is None:
            return _not_found()
        self._put_back(shelf, kept)
        return Reply(204)

    def _put_back(self, shelf: Shelf, kept: Bin) -> None:
        headers = {"host": self.upstream.host, "content-type": kept.held.media_type}
        forward(Request("PUT", f"/v2/{shelf.name}/manifests/{kept.held.digest}", headers, kept.held.content), self.upstream.host)
        for tag in kept.tags if self.restores_tags else ():
            if tag not in shelf.tags:
                shelf.put(kept.held, tag)
        shelf.put(kept.held, None)

    # /v2

    @route("GET", "/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        if self.desk.account(call.request) is None:
            return self.desk.challenge(call.request, f"repository:{call.name}:{call.action}" if call.name else "")
        if call.name and call.action != "delete" and not self.desk.allows(call.request, call.name, call.action):
            return oci_error(403, "DENIED", "permission_denied: The token provided does not match expected scopes.")
        if self.faults.read_only and call.request.method in CHANGING:
            return oci_error(403, "DENIED", "Repository was archived so is read-only.")
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        """ghcr.io deletes nothing by this way (okxlin/docker-mirror-monitor#13, seen 2026-11)."""
        return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")

    # How GitHub works

    def _unknown_token(self, call: Call) -> Reply | None:
        """What is open to everybody refuses only tokens that are none."""
        return self._refusal(call) if call.request.headers.get("authorization") else None

    def _refusal(self, call: Call, right: str = "", *, hides: bool = False) -> Reply | None:
        """401, 403 for a scope, and 404 for a role that the account lacks (`hides` where it would be 404 anyway)."""
        account = self.tokens.by_request(call.request)
        if account is None:
            return _error(401, "Bad credentials" if call.request.headers.get("authorization") else "Requires authentication")
        if FINE_GRAINED in account.rights and right:
            return _error(403, "Resource not accessible by personal access token")
        if right and right not in account.rights and not (right == READ and WRITE in account.rights):
            is_job = JOB in account.rights
            return _error(403, "Resource not accessible by integration" if is_job else f"You need at least {right} scope.")
        if right == DELETE and (hides or ADMIN not in account.rights):
            return _not_found()
        if self.faults.read_only and call.request.method in CHANGING:
            return _error(403, "Repository was archived so is read-only.")
        return None

    def _owner(self, call: Call) -> str:
        account = self.tokens.by_request(call.request)
        return call.parts.get("owner") or (account.name if account else "")

    def _shelf(self, call: Call) -> Shelf | None:
        owner, account = self._owner(call), self.tokens.by_request(call.request)
        expected = "/orgs/" if self.owners.get(owner) == "Organization" else ("/user/", "/users/")
        if call["kind"] != self.kind or not call.request.path.startswith(expected):
            return None
        if call.request.path.startswith("/users/") and self.private and not (account and JOB in account.rights):
            return None
        shelf = self.shelves.get(f"{owner}/{call['name']}")
        return shelf if shelf and shelf.manifests else None

    def _held(self, shelf: Shelf | None, number: str) -> Held | None:
        return next((held for held in shelf.manifests.values() if str(held.id) == number), None) if shelf else None

    def _page(self, call: Call, rows: list[Any]) -> Reply:
        number, size = int(call.query.get("page", "1")), int(call.query.get("per_page", "30"))
        size = min(size, self.faults.page_size or size)
        last = max(1, -(-len(rows) // size))
        base = origin(call.request) + call.request.headers.get("x-below", "") + call.request.path
        targets = {"next": number + 1, "last": last} if number < last else {}
        links = [f'<{base}?{urlencode({**call.query, "page": page})}>; rel="{name}"' for name, page in targets.items()]
        headers = {"link": ", ".join(links)} if links else {}
        return Reply.of(rows[(number - 1) * size : number * size], 200, **headers)

    def _package(self, shelf: Shelf) -> dict[str, Any]:
        owner, _, name = shelf.name.partition("/")
        dates = [self._date(held.pushed) for held in shelf.manifests.values()]
        return {
            "id": shelf.id, "name": name, "package_type": self.kind, "visibility": "private" if self.private else "public",
            "url": f"https://api.github.com/orgs/{owner}/packages", "html_url": "https://github.com",
            "version_count": len(shelf.manifests), "owner": {"login": owner, "id": 8, "type": self.owners.get(owner, "User")},
            "repository": None, "created_at": min(dates), "updated_at": max(dates),
        }  # fmt: skip

    def _version(self, call: Call, shelf: Shelf, held: Held) -> dict[str, Any]:
        tags = shelf.tags_of(held.digest)
        changed = max([held.pushed, *(shelf.tags[tag].pushed for tag in tags)])
        url = f"https://api.github.com{call.request.path}"
        return {
            "id": held.id, "name": str(held.digest), "url": url, "package_html_url": "https://github.com",
            "created_at": self._date(held.pushed), "updated_at": self._date(changed), "html_url": "https://github.com",
            "metadata": {"package_type": "container", "container": {"tags": tags}},
        }  # fmt: skip

    def _date(self, moment: datetime) -> str:
        """Without dates: what GitHub never says, and what a server with an empty column would."""
        return "0001-01-01T00:00:00Z" if self.faults.dateless else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, message: str) -> Reply:
    return Reply.of({"message": message, "documentation_url": DOCS, "status": str(status)}, status)


def _not_found() -> Reply:
    return _error(404, "Package not found.")
