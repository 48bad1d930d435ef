"""Nexus Repository 3 before a docker-registry, by its OpenAPI description (3.94) and nexus-public's issues (seen 2026-11)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import PULL, Account, TokenDesk, origin
from tests.simulators.conformance import Specification
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from moorage.oci.reference import Digest
    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Mark, Shelf

ADMIN = "nx-repository-admin-docker-images-read"
WRITER = Account("cleaner", "sham-secret-of-the-cleaner")
READER = Account("reader", "sham-secret-of-the-reader", frozenset({PULL}))
API = "/service/rest/v1"
SEARCH, COMPONENT = f"{API}/search", f"{API}/components/{{id}}"
PAGE = 50  # components of a search; Nexus lets nobody choose


class NexusSimulator(Simulator):
    """One repository, `images`, behind a connector.

    `connector` is the host:port of that connector, which answers /v2 alone; empty where Nexus routes by path. `old` deletes by
    /v2 as versions until about 3.81 did: with all tags. `bearer` has the Docker Bearer Token Realm answer logins. `names_all`
    also lists each tagged manifest under its digest. `kind` is what the repository is; the search misses `unindexed` tags.
    """

    specification = Specification.load("nexus")
    connector = ""
    old = False
    bearer = False
    names_all = False
    kind = "hosted"
    policy = "ALLOW"

    def __init__(self, upstream: str, clock: FakeClock | None = None, *, routed: bool = False) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = TokenDesk(self.accounts, "nexus", "/v2/token", lifetime=3600)
        self.routed = routed
        self.unindexed: set[str] = set()

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    # The API

    @route("GET", f"{API}/status")
    def status(self, call: Call) -> Reply:
        return self._elsewhere(call) or Reply(200, b"", {"server": "Nexus/3.94.0-12 (COMMUNITY)"})

    @route("GET", SEARCH)
    def search(self, call: Call) -> Reply:
        refused = self._refusal(call, PULL)
        if refused:
            return refused
        found = [one for one in self._components(call.request) if self._fits(one, call.query)]
        start = int(base64.urlsafe_b64decode(call.query["continuationToken"])) if "continuationToken" in call.query else 0
        end = start + min(PAGE, self.faults.page_size or PAGE)
        token = base64.urlsafe_b64encode(f"{end}".encode()).decode() if end < len(found) else None
        return Reply.of({"items": found[start:end], "continuationToken": token})

    @route("DELETE", COMPONENT)
    def delete_component(self, call: Call) -> Reply:
        refused = self._refusal(call, "delete")
        if refused:
            return refused
        repository, _, number = base64.urlsafe_b64decode(call["id"]).decode().partition(":")
        if repository != "images" or not number.isdigit():
            return Reply(422)
        for shelf in self.shelves.values():
            for name, mark in shelf.tags.items():
                if mark.id == int(number):
                    self.untag(shelf.name, name)
                    return Reply(204)
            for held in shelf.manifests.values():
                if held.id == int(number):
                    self.remove(shelf.name, held.digest)
                    return Reply(204)
        return Reply(404)

    @route("GET", f"{API}/repositories/{{name}}")
    def repository(self, call: Call) -> Reply:
        refused = self._refusal(call, PULL)
        if refused or call["name"] not in {"images", "packages"}:
            return refused or Reply(404)
        kind = "docker" if call["name"] == "images" else "maven2"
        url = f"{origin(call.request)}/repository/{call['name']}"
        return Reply.of({"name": call["name"], "format": kind, "type": self.kind, "url": url, "attributes": {}})

    @route("GET", f"{API}/repositories/docker/{{kind}}/{{name}}")
    def docker_repository(self, call: Call) -> Reply:
        refused = self._refusal(call, ADMIN)
        if refused or call["kind"] != self.kind:
            return refused or Reply(404)
        group = {"group": {"memberNames": ["ours", "theirs"]}} if self.kind == "group" else {}
        policy = {"writePolicy": self.policy} if self.kind == "hosted" else {}
        return Reply.of({
            "name": "images", "format": "docker", "type": self.kind, "online": True, **group,
            "docker": {"forceBasicAuth": not self.bearer, "v1Enabled": False, "httpPort": 8083},
            "storage": {"blobStoreName": "default", "strictContentTypeValidation": True, **policy},
        })  # fmt: skip

    # /v2

    @route("GET", "/v2/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    @route("GET", "/v2/_catalog")
    def catalog(self, call: Call) -> Reply:
        refused = self.refuse_v2(V2Call(call.request))
        return refused or Reply.of({"repositories": sorted(self.shelves)})

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """A token of Nexus says who somebody is and grants nothing by itself: what is missing is 403, not a challenge."""
        account = self.desk.account(call.request) if self.bearer else self.accounts.by_basic(call.request)
        if account is None and self.bearer:
            return self.desk.challenge(call.request, f"repository:{call.name}:{call.action}" if call.name else "")
        if account is None:
            header = 'BASIC realm="Sonatype Nexus Repository Manager"'
            return oci_error(401, "UNAUTHORIZED", "access to the requested resource is not authorized", www_authenticate=header)
        if call.name and call.action not in account.rights:
            return oci_error(403, "DENIED", "access to the requested resource is not authorized")
        if self.kind != "hosted" and call.request.method in CHANGING:
            return oci_error(403, "DENIED", "Deploying to groups is a PRO-licensed feature")
        if (self.faults.read_only or self.policy == "DENY") and call.request.method in CHANGING:
            return oci_error(403, "DENIED", "Repository is read only: images")
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        shelf = self.shelf(call.name)
        if call.digest is None or call.digest not in shelf.manifests:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if self.old:
            self.remove(call.name, call.digest)
        else:
            digest = call.digest
            self._soon(lambda: self._remove_manifest_alone(shelf, digest))
        return Reply(202)

    # How Nexus works

    def _remove_manifest_alone(self, shelf: Shelf, digest: Digest) -> None:
        """nexus-public#925: the tags stay, over nothing."""
        shelf.manifests.pop(digest, None)
        self.upstream.delete(shelf.name, digest)

    def _elsewhere(self, call: Call) -> Reply | None:
        """A connector knows no REST API."""
        return Reply(404) if call.request.headers.get("host") == self.connector else None

    def _refusal(self, call: Call, right: str) -> Reply | None:
        elsewhere = self._elsewhere(call)
        if elsewhere:
            return elsewhere
        account = self.accounts.by_basic(call.request)
        if account is None:
            return Reply(401)
        read_only = self.faults.read_only and call.request.method in CHANGING
        return Reply(403) if right not in account.rights or read_only else None

    def _components(self, request: Request) -> Iterator[dict[str, Any]]:
        for shelf in self.shelves.values():
            for name, mark in shelf.tags.items():
                if name not in self.unindexed and mark.digest in shelf.manifests:
                    yield self._component(request, shelf, shelf.manifests[mark.digest], name, mark)
            for held in list(shelf.manifests.values()) if self.names_all else shelf.untagged():
                yield self._component(request, shelf, held, str(held.digest), held)

    def _component(self, request: Request, shelf: Shelf, held: Held, version: str, named: Mark | Held) -> dict[str, Any]:
        image = shelf.name.removeprefix("images/") if self.routed else shelf.name
        path = f"/v2/{image}/manifests/{version}"
        return {
            "id": _id(named.id), "repository": "images", "format": "docker", "group": "", "name": image, "version": version,
            "tags": [],
            "assets": [{
                "id": _id(named.id + 1_000_000), "repository": "images", "format": "docker", "path": path,
                "downloadUrl": f"{origin(request)}/repository/images{path}",
                "checksum": {"sha1": "0" * 40, "sha256": held.digest.hex}, "contentType": held.media_type,
                "lastModified": self._date(named.pushed), "blobCreated": self._date(held.pushed), "lastDownloaded": None,
                "fileSize": len(held.content), "uploader": WRITER.name, "uploaderIp": "127.0.0.1", "docker": {},
            }],
        }  # fmt: skip

    def _fits(self, component: dict[str, Any], query: dict[str, str]) -> bool:
        if query.get("repository", "images") != "images":
            return False
        digest = component["assets"][0]["checksum"]["sha256"]
        wanted = query.get("docker.contentDigest")
        return (
            _matches(component["name"], query.get("name", ""))
            and _matches(component["version"], query.get("version", ""))
            and wanted in {None, f"sha256:{digest}"}
        )

    def _date(self, moment: datetime) -> str | None:
        return None if self.faults.dateless else moment.isoformat(timespec="milliseconds")


def _id(number: int) -> str:
    return base64.urlsafe_b64encode(f"images:{number}".encode()).decode()


def _matches(text: str, criterion: str) -> bool:
    """A phrase in quotation marks is meant exactly; anything else is split, and all its words have to be there."""
    if len(criterion) > 1 and criterion.startswith('"') and criterion.endswith('"'):
        return text == criterion[1:-1]
    return set(re.split(r"[,\s/-]+", criterion)) <= {*re.split(r"[,\s/-]+", text), ""}
