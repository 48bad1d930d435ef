"""Artifactory 7 in front of a docker-registry: folders with manifests, AQL over them (jfrog.com/help, seen 2026-11)."""

from __future__ import annotations

import json
import re
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from moorage.oci import media_type
from moorage.oci.reference import Digest
from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import PULL, Account, TokenDesk, origin
from tests.simulators.conformance import Specification
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Mark, Shelf

QUERY = "query"
READS = frozenset({PULL, QUERY})
WRITER = Account("cleaner", "sham-secret-of-the-cleaner", READS | {"push", "delete"})
READER = Account("reader", "sham-secret-of-the-reader", READS)
AQL = "/artifactory/api/search/aql"
TAGS = "/artifactory/api/docker/{key}/v2/{image*}/tags/list"
ITEM = "/artifactory/{key}/{path*}"
LONGEST_QUERY = 6000  # characters


class JFrogSimulator(Simulator):
    """One repository, `docker-local`, of this `type`; with `routed` it stands in the path, else host or port mean it.

    A manifest has a folder per tag and one for pushes by its digest, and is there as long as any of them is. `hides_rights`
    answers 404 to deletions that somebody may not do. `bearer` has /v2 ask for tokens. A password works as Bearer, too: it may be
    a token. `plain` leaves out what older versions do not say: all properties. `unsaid` are tags that a query misses.
    """

    specification = Specification.load("jfrog")
    hides_rights = False
    bearer = False
    plain = False
    type = "LOCAL"
    lists_digests = False  # among the tags, as some versions do

    def __init__(self, upstream: str, clock: FakeClock | None = None, *, routed: bool = False) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = TokenDesk(self.accounts, "artifactory", "/v2/token", lifetime=3600)
        self.routed = routed
        self.by_digest: set[tuple[str, Digest]] = set()
        self.unsaid: set[str] = set()

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def changes(self) -> Counter[tuple[str, str]]:
        """A query is a POST that changes nothing."""
        return Counter({key: count for key, count in super().changes().items() if key != ("POST", AQL)})

    def expire_tokens(self) -> None:
        self.desk.expire()

    # The API

    @route("GET", "/artifactory/api/system/version")
    def version(self, call: Call) -> Reply:
        return self._refusal(call.request, PULL) or Reply.of({"version": "7.98.9", "revision": "79809900", "addons": []})

    @route("GET", "/artifactory/api/repositories")
    def repositories(self, call: Call) -> Reply:
        rows = [("docker-local", self.type, "Docker"), ("libs-release", "LOCAL", "Maven")]
        found = [
            {"key": key, "type": kind, "url": f"{origin(call.request)}/artifactory/{key}", "packageType": package}
            for key, kind, package in rows
        ]
        return self._refusal(call.request, QUERY) or Reply.of(found)

    @route("POST", AQL)
    def query(self, call: Call) -> Reply:
        refused = self._refusal(call.request, QUERY)
        if refused:
            return refused
        text = call.request.body.decode()
        found = re.fullmatch(r"items\.find\((?P<criteria>\{.*\})\)\.include\((?P<fields>[^()]*)\)", text)
        fields = json.loads(f"[{found['fields']}]") if found else []
        if found is None or len(text) > LONGEST_QUERY or not {"repo", "path", "name"} <= set(fields):
            return _error(400, "Failed to parse query")
        criteria = json.loads(found["criteria"])
        items = [item for item in self._items() if _fits(item, criteria)]
        shown = [{name: value for name, value in item.items() if name in {*fields, "properties"}} for item in items]
        return Reply.of({"results": shown, "range": {"start_pos": 0, "end_pos": len(shown), "total": len(shown)}})

    @route("GET", "/artifactory/api/docker/{key}/v2/_catalog")
    def catalog(self, call: Call) -> Reply:
        refused = self._refusal(call.request, PULL)
        if refused or call["key"] != "docker-local":
            return refused or oci_error(404, "NAME_UNKNOWN", "no such repository")
        return self._page(call, "repositories", sorted(self._image(shelf) for shelf in self.shelves.values()), {})

    @route("GET", TAGS)
    def tag_names(self, call: Call) -> Reply:
        refused = self._refusal(call.request, PULL)
        shelf = self._shelf_of(call["key"], call["image"])
        if refused or shelf is None or not (shelf.manifests or shelf.tags):
            return refused or oci_error(404, "NAME_UNKNOWN", "repository name not known to registry")
        digests = [str(digest) for name, digest in self.by_digest if name == shelf.name] if self.lists_digests else []
        return self._page(call, "tags", sorted([*shelf.tags, *digests]), {"name": call["image"]})

    @route("GET", "/artifactory/api/storage/{key}/{path*}")
    def folder(self, call: Call) -> Reply:
        image, _, leaf = call["path"].rpartition("/")
        shelf = self._shelf_of(call["key"], image)
        if shelf is None or not self._has_folder(shelf, leaf):
            return self._refusal(call.request, PULL) or _error(404, "Unable to find item")
        moment, about = self.clock.now().isoformat(timespec="milliseconds"), f"{origin(call.request)}{call.request.path}"
        dates = {"created": moment, "lastModified": moment, "lastUpdated": moment}
        people = {"createdBy": WRITER.name, "modifiedBy": WRITER.name}
        return self._refusal(call.request, PULL) or Reply.of(
            {"repo": call["key"], "path": f"/{call['path']}", "uri": about, **dates, **people, "children": []}
        )

    @route("DELETE", ITEM)
    def delete(self, call: Call) -> Reply:
        image, _, leaf = call["path"].rpartition("/")
        refused = self._refusal(call.request, "delete")
        if refused:
            return _error(404, f"Could not locate {call['path']}") if refused.status == 403 and self.hides_rights else refused
        if self.type != "LOCAL" or self.faults.read_only:
            return _error(405, f"Method not allowed on the {self.type.lower()} repository {call['key']}")
        shelf = self._shelf_of(call["key"], image)
        if shelf is None or not self._has_folder(shelf, leaf):
            return _error(404, f"Could not locate artifact '{call['key']}:{call['path']}'")
        self._soon(lambda: self._drop(shelf, leaf))
        return Reply(204)

    # /v2

    @route("GET", "/v2/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        account = self._account(call.request)
        if self.bearer and account is None:
            account = self.desk.account(call.request)
            if account is None:
                return self.desk.challenge(call.request, f"repository:{call.name}:{call.action}" if call.name else "")
        if account is None:
            return oci_error(401, "UNAUTHORIZED", "authentication required", www_authenticate='Basic realm="Artifactory Realm"')
        if call.name and call.action not in account.rights:
            return oci_error(403, "DENIED", "The requested resource requires another permission")
        if call.request.method in CHANGING and (self.type != "LOCAL" or self.faults.read_only):
            return oci_error(403, "DENIED", "deploy is refused")
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        """containers/image#1009."""
        return oci_error(406, "UNSUPPORTED", "not acceptable")

    def pushed(self, shelf: Shelf, held: Held, tag: str | None) -> None:
        if tag is None:
            self.by_digest.add((shelf.name, held.digest))

    # How Artifactory works

    def _has_folder(self, shelf: Shelf, leaf: str) -> bool:
        return (shelf.name, Digest(leaf)) in self.by_digest if ":" in leaf else leaf in shelf.tags

    def _drop(self, shelf: Shelf, leaf: str) -> None:
        if ":" in leaf:
            digest = Digest(leaf)
            self.by_digest.discard((shelf.name, digest))
        else:
            digest = shelf.tags.pop(leaf).digest
        if not shelf.tags_of(digest) and (shelf.name, digest) not in self.by_digest:
            self._remove_now(shelf.name, digest)

    def _items(self) -> Iterator[dict[str, Any]]:
        for shelf in self.shelves.values():
            for name, mark in shelf.tags.items():
                if mark.digest in shelf.manifests and name not in self.unsaid:
                    yield self._item(shelf, shelf.manifests[mark.digest], name, mark)
            for held in shelf.manifests.values():
                if (shelf.name, held.digest) in self.by_digest:
                    yield self._item(shelf, held, str(held.digest), held)

    def _item(self, shelf: Shelf, held: Held, name: str, named: Mark | Held) -> dict[str, Any]:
        moment = named.pushed.isoformat(timespec="milliseconds")
        dates = {} if self.faults.dateless else {"created": moment, "modified": moment}
        said = {
            "docker.manifest": name, "docker.manifest.digest": str(held.digest), "docker.manifest.type": held.media_type,
            "docker.repoName": self._image(shelf),
        }  # fmt: skip
        properties = [{"key": key, "value": value} for key, value in said.items()]
        return {
            "repo": "docker-local", "path": f"{self._image(shelf)}/{name}", "type": "file", "size": len(held.content), **dates,
            "name": "list.manifest.json" if held.media_type in media_type.INDEXES else "manifest.json",
            "sha256": held.digest.hex, "properties": [] if self.plain else properties,
        }  # fmt: skip

    def _image(self, shelf: Shelf) -> str:
        return shelf.name.removeprefix("docker-local/") if self.routed else shelf.name

    def _shelf_of(self, key: str, image: str) -> Shelf | None:
        return self.shelves.get(f"{key}/{image}" if self.routed else image) if key == "docker-local" else None

    def _account(self, request: Request) -> Account | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return next((account for account in self.accounts.everybody if account.password == token), None)
        return self.accounts.by_basic(request)

    def _refusal(self, request: Request, right: str) -> Reply | None:
        account = self._account(request)
        if account is None:
            return _error(401, "Bad credentials")
        return None if right in account.rights else _error(403, "not permitted")

    def _page(self, call: Call, key: str, rows: list[str], more: dict[str, Any]) -> Reply:
        """Artifactory takes the address in its settings for its own, which here is the one behind the proxy."""
        after = [row for row in rows if row > call.query.get("last", "")]
        size = min(int(call.query.get("n", len(after) or 1)), self.faults.page_size or len(after) or 1)
        following = urlencode({"n": size, "last": after[size - 1]}) if len(after) > size else ""
        link = {"link": f'<http://localhost:8081{call.request.path}?{following}>; rel="next"'} if following else {}
        return Reply.of({**more, key: after[:size]}, 200, **link)


def _error(status: int, message: str) -> Reply:
    return Reply.of({"errors": [{"status": status, "message": message}]}, status)


def _fits(item: dict[str, Any], criteria: dict[str, Any]) -> bool:
    """AQL's criteria, as far as they are used here: equal, $match, $or, $and, and properties by @."""
    return all(_holds(item, field, wanted) for field, wanted in criteria.items())


def _holds(item: dict[str, Any], field: str, wanted: Any) -> bool:
    if field in {"$or", "$and"}:
        return (any if field == "$or" else all)(_fits(item, one) for one in wanted)
    if field.startswith("@"):
        return {"key": field[1:], "value": wanted} in item["properties"]
    if isinstance(wanted, dict):
        ((operator, operand),) = wanted.items()
        assert operator == "$match", operator
        return fnmatchcase(item[field], operand)
    return bool(item[field] == wanted)
