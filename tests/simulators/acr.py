"""Azure Container Registry by its API description and what its clients report (seen 2026-11)."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode

from moorage.oci import media_type
from moorage.oci.reference import Digest
from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, PUSH, Account
from tests.simulators.acr_tokens import AcrDesk
from tests.simulators.conformance import Specification
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from datetime import datetime

    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Mark, Shelf

METADATA, CATALOG = "metadata_read", "*"
WRITER = Account("acme-cleaner", "sham-secret-of-the-cleaner", frozenset({PULL, PUSH, DELETE, METADATA, CATALOG}))
READER = Account("acme-reader", "sham-secret-of-the-reader", frozenset({PULL, METADATA, CATALOG}))
EXCHANGE, TOKEN = "/oauth2/exchange", "/oauth2/token"
REPOSITORY = "/acr/v1/(?P<name>[a-z0-9](?:(?!/_).)*)"  # names hold slashes; what follows them begins with _
MANIFESTS, TAGS = "/acr/v1/{name*}/_manifests", "/acr/v1/{name*}/_tags"
_MOST = 1000  # on a page (Azure/acr#749)
_SHOWN_TAGS = 10  # of one manifest, in the listing of manifests (Azure/azure-cli#7438)


@dataclass(frozen=True)
class AcrSpecification(Specification):
    """Names hold slashes here."""

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        name = "<name>[a-z0-9](?:(?!/_).)*"
        described = super()._paths
        return [(re.compile(pattern.pattern.replace("<name>[^/]+", name)), operations) for pattern, operations in described]

    def covers(self, request: Request) -> bool:
        manifest = request.method == "DELETE" and request.path.startswith("/v2/")
        return manifest or request.path.startswith(("/acr/", "/oauth2/"))


class AcrSimulator(Simulator):
    """`locked` are repositories that nobody may change; `unlisted` are manifests with listEnabled off."""

    specification = AcrSpecification.load("acr")

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = AcrDesk(self.accounts, "acme.azurecr.io", TOKEN)
        self.entra_tokens: dict[str, Account] = {}
        self.locked: set[str] = set()
        self.unlisted: set[Digest] = set()

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued, *self.entra_tokens]

    def expire_tokens(self) -> None:
        self.desk.expire()

    def changes(self) -> Counter[tuple[str, str]]:
        """A login changes nothing."""
        return Counter({key: count for key, count in super().changes().items() if key[1] not in {EXCHANGE, TOKEN}})

    def answer(self, request: Request) -> Reply:
        """Azure's own clients quote the slashes of names and the colon of digests, `az` does not."""
        path, mark, query = request.target.partition("?")
        return super().answer(replace(request, target=unquote(path) + mark + query))

    # Login

    @route("POST", EXCHANGE)
    def exchange(self, call: Call) -> Reply:
        form = parse_qs(call.request.body.decode())
        account = self.entra_tokens.get(form.get("access_token", [""])[0])
        if account is None or form.get("grant_type") != ["access_token"] or not form.get("service"):
            return _refused(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization")
        return Reply.of({"refresh_token": self.desk.give_refresh_token(account)})

    @route("GET", TOKEN)
    @route("POST", TOKEN)
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    # The API

    @route("GET", "/acr/v1/_catalog")
    def catalog(self, call: Call) -> Reply:
        if not self.desk.allows(call.request, "catalog", CATALOG):
            return self._challenge(call.request, "registry:catalog:*")
        return self._page(call, sorted(self.shelves), "repositories", lambda name: name, {})

    @route("GET", REPOSITORY)
    def repository(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, METADATA)
        if refused or shelf is None:
            return refused or _unknown()
        open_to_changes = shelf.name not in self.locked
        return Reply.of({
            "registry": "acme.azurecr.io", "imageName": shelf.name, "createdTime": self._date(shelf.made),
            "lastUpdateTime": self._date(shelf.made), "manifestCount": len(shelf.manifests), "tagCount": len(shelf.tags),
            "changeableAttributes": _changeable("" if open_to_changes else "locked"),
        })  # fmt: skip

    @route("DELETE", REPOSITORY)
    def delete_repository(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, DELETE)
        if refused or shelf is None:
            return refused or _unknown()
        gone = {"manifestsDeleted": [str(digest) for digest in shelf.manifests], "tagsDeleted": list(shelf.tags)}
        for digest in list(shelf.manifests):
            self.remove(shelf.name, digest)
        del self.shelves[shelf.name]
        return Reply.of(gone, 202)

    @route("GET", MANIFESTS)
    def manifests(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, METADATA)
        if refused or shelf is None:
            return refused or _unknown()
        rows = sorted(
            (held for held in shelf.manifests.values() if held.digest not in self.unlisted), key=lambda held: held.digest
        )
        return self._page(
            call, rows, "manifests", lambda held: str(held.digest), _about(shelf), lambda one: self._row(shelf, one)
        )

    @route("GET", MANIFESTS + "/{reference}")
    def manifest(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, METADATA)
        held = shelf.manifests.get(Digest(call["reference"])) if shelf else None
        if refused or shelf is None or held is None:
            return refused or _unknown("MANIFEST_UNKNOWN")
        entries = [(one["digest"], one.get("platform", {})) for one in held.document.get("manifests", ())]
        names = ("architecture", "os")
        below = [{"digest": digest, **{key: platform.get(key, "") for key in names}} for digest, platform in entries]
        return Reply.of({**_about(shelf), "manifest": {**self._row(shelf, held), **({"references": below} if below else {})}})

    @route("GET", TAGS)
    def tags(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, METADATA)
        if refused or shelf is None:
            return refused or _unknown()
        wanted = call.query.get("digest")
        rows = [(name, mark) for name, mark in sorted(shelf.tags.items()) if wanted in {None, str(mark.digest)}]
        return self._page(call, rows, "tags", lambda row: row[0], _about(shelf), lambda row: self._tag(*row))

    @route("GET", TAGS + "/{reference}")
    def tag(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, METADATA)
        if refused or shelf is None or call["reference"] not in shelf.tags:
            return refused or _unknown("TAG_UNKNOWN")
        return Reply.of({**_about(shelf), "tag": self._tag(call["reference"], shelf.tags[call["reference"]])})

    @route("DELETE", TAGS + "/{reference}")
    def delete_tag(self, call: Call) -> Reply:
        shelf = self.shelves.get(call["name"])
        refused = self._refusal(call, DELETE)
        if refused or shelf is None or call["reference"] not in shelf.tags:
            return refused or _unknown("TAG_UNKNOWN")
        mark = shelf.tags[call["reference"]]
        if mark.locked or (mark.digest in shelf.manifests and shelf.manifests[mark.digest].locked):
            return _disallowed()
        self.untag(shelf.name, call["reference"])
        return Reply(202)

    # /v2

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """Basic serves here as well as a token."""
        account = self.accounts.by_basic(call.request)
        if not call.name:
            return None if account or self.desk.account(call.request) else self._challenge(call.request, "")
        if not (account and call.action in account.rights) and not self.desk.allows(call.request, call.name, call.action):
            actions = "pull,push" if call.action == PUSH else call.action
            return self._challenge(call.request, f"repository:{call.name}:{actions}")
        if call.request.method in CHANGING and (self.faults.read_only or call.name in self.locked):
            return _disallowed()
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        """By a tag or digest, the manifest goes with all its tags, also with locked ones; its parts stay."""
        shelf = self.shelf(call.name)
        if call.digest is None or call.digest not in shelf.manifests:
            return _unknown("MANIFEST_UNKNOWN")
        if shelf.manifests[call.digest].locked:
            return _disallowed()
        self.remove(call.name, call.digest)
        return Reply(202)

    # How ACR works

    def _refusal(self, call: Call, right: str) -> Reply | None:
        account = self.accounts.by_basic(call.request)
        if not (account and right in account.rights) and not self.desk.allows(call.request, call["name"], right):
            return self._challenge(call.request, f"repository:{call['name']}:{right}")
        blocked = self.faults.read_only or call["name"] in self.locked
        return _disallowed() if right == DELETE and blocked else None

    def _challenge(self, request: Request, scope: str) -> Reply:
        known = self.desk.account(request) is not None
        return self.desk.challenge(request, scope, **({"error": "insufficient_scope"} if known else {}))

    def _page(
        self, call: Call, rows: list[Any], key: str, name: Any, about: dict[str, Any], shown: Any = lambda row: row
    ) -> Reply:
        size = min(int(call.query.get("n", "100")), _MOST)
        size = min(size, self.faults.page_size or size)
        after = [row for row in rows if name(row) > call.query.get("last", "")]
        headers = {}
        if len(after) > size:
            following = urlencode({**call.query, "last": name(after[size - 1])})
            headers["link"] = f'<{call.request.path}?{following}>; rel="next"'
        return Reply.of({**about, key: [shown(row) for row in after[:size]] or None}, 200, **headers)

    def _row(self, shelf: Shelf, held: Held) -> dict[str, Any]:
        document = held.document
        config = document.get("config", {})
        found: dict[str, Any] = {
            "digest": str(held.digest), "imageSize": held.size, "createdTime": self._date(held.pushed),
            "lastUpdateTime": self._date(held.pushed), "mediaType": held.media_type,
            "tags": shelf.tags_of(held.digest)[:_SHOWN_TAGS], "changeableAttributes": _changeable(held.locked),
        }  # fmt: skip
        if config:
            found["configMediaType"] = config.get("mediaType", "")
        if config.get("mediaType") in media_type.IMAGE_CONFIGS:
            image = json.loads(self.upstream.blob(shelf.name, config["digest"]) or b"{}")
            found |= {"architecture": image.get("architecture", ""), "os": image.get("os", "")}
        return found

    def _tag(self, name: str, mark: Mark) -> dict[str, Any]:
        date = self._date(mark.pushed)
        return {
            "name": name, "digest": str(mark.digest), "createdTime": date, "lastUpdateTime": date, "signed": False,
            "changeableAttributes": _changeable(mark.locked),
        }  # fmt: skip

    def _date(self, moment: datetime) -> str:
        return "0001-01-01T00:00:00Z" if self.faults.dateless else moment.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _about(shelf: Shelf) -> dict[str, Any]:
    return {"registry": "acme.azurecr.io", "imageName": shelf.name}


def _changeable(locked: str) -> dict[str, bool]:
    """`locked` is the attribute that is switched off; any other word stands for deleteEnabled."""
    off = {"writeEnabled": "writeEnabled"}.get(locked, "deleteEnabled") if locked else ""
    return {name: name != off for name in ("deleteEnabled", "writeEnabled", "readEnabled", "listEnabled")}


def _refused(status: int, code: str, message: str) -> Reply:
    return oci_error(status, code, message)


def _unknown(code: str = "NAME_UNKNOWN") -> Reply:
    return _refused(404, code, "not known to the registry")


def _disallowed() -> Reply:
    """The same for an item, a repository and the registry (Azure/acr-cli#70)."""
    message = (
        "The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq"
    )
    return _refused(405, "REGISTRY_DISALLOWED_OPERATION", message)
