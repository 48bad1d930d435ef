"""Docker Hub: its API, its token service and its registry, by its API descriptions and what clients report (seen 2026-11)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from moorage.oci import media_type
from moorage.oci.reference import Digest
from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, Account, TokenDesk, origin
from tests.simulators.conformance import Specification
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from datetime import datetime

    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Shelf

WRITER = Account("acme", "dckr_pat_sham-token-read-write-delete")
READER = Account("acme", "dckr_pat_sham-token-that-only-reads", frozenset({PULL}))
LOGIN = "/v2/auth/token"
NAMESPACE = "/v2/namespaces/{namespace}/repositories"
REPOSITORY = NAMESPACE + "/{repository}"
TAGS = REPOSITORY + "/tags"
TAG = "/v2/repositories/{namespace}/{repository}/tags/{tag}/"
_ELSEWHERE = {"registry-1.docker.io": "https://auth.docker.io"}  # where the token service of a registry is


@dataclass(frozen=True)
class HubSpecification(Specification):
    """The Hub's API has the same /v2/ in front as the registry, of which manifests are described too."""

    def covers(self, request: Request) -> bool:
        return self._operation(request) is not None


class HubDesk(TokenDesk):
    """Tokens are JWTs that say what they grant; nobody here looks at the signature."""

    def challenge(self, request: Request, scope: str = "", **more: str) -> Reply:
        elsewhere = _ELSEWHERE.get(request.headers["host"])
        return super().challenge(request, scope, **({"realm": elsewhere + self.path} if elsewhere else {}), **more)

    def issue(self, request: Request) -> Reply:
        reply = super().issue(request)
        if reply.status != 200:
            return reply
        plain = json.loads(reply.body)["token"]
        account, granted = self.issued.pop(plain)
        self.ever_issued.remove(plain)
        access = [{"type": "repository", "name": name, "actions": sorted(actions)} for name, actions in granted.items()]
        token = f"e30.{_coded({'access': access})}.{plain}"
        self.issued[token] = (account, granted)
        self.ever_issued.append(token)
        return Reply.of({"token": token, "access_token": token, "expires_in": self.lifetime})


class DockerHubSimulator(Simulator):
    """`wraps_refusals` answers missing rights as in 2024: a 500 around a 401. `hides_digests` lists tags as before 2021."""

    specification = HubSpecification.load("dockerhub")
    wraps_refusals = False
    hides_digests = False
    next_page_at = ""  # another host than the one that was asked

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = HubDesk(self.accounts, "registry.docker.io")
        self.sessions: dict[str, Account] = {}
        self.ever_issued: list[str] = []
        self.rules: dict[str, list[str]] = {}  # of immutable tags, by repository

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued, *self.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()
        self.sessions.clear()

    def changes(self) -> Counter[tuple[str, str]]:
        """A login changes nothing."""
        return Counter({key: count for key, count in super().changes().items() if key[1] != LOGIN})

    def lock(self, repository: str, tag: str) -> None:
        self.rules.setdefault(repository, []).append(f"^{re.escape(tag)}$")

    # The API

    @route("POST", LOGIN)
    def log_in(self, call: Call) -> Reply:
        account = self.accounts.by_password(call.json["identifier"], call.json["secret"])
        if account is None:
            return _error(401, "Incorrect authentication credentials")
        token = f"e30.{_coded({'sub': account.name})}.{secrets.token_urlsafe(24)}"
        self.sessions[token] = account
        self.ever_issued.append(token)
        return Reply.of({"access_token": token})

    @route("GET", NAMESPACE)
    def repositories(self, call: Call) -> Reply:
        below = [shelf for name, shelf in sorted(self.shelves.items()) if name.startswith(f"{call['namespace']}/")]
        return self._refusal(call) or self._page(call, [self._repository(shelf) for shelf in below])

    @route("GET", REPOSITORY)
    def repository(self, call: Call) -> Reply:
        shelf = self._shelf_of(call)
        refused = self._refusal(call)
        if refused or shelf is None:
            return refused or _error(404, "object not found")
        rules = self.rules.get(shelf.name, [])
        about = self._repository(shelf)
        del about["repository_type"]
        return Reply.of({**about, "immutable_tags_settings": {"enabled": bool(rules), "rules": rules}})

    @route("GET", TAGS)
    def tags(self, call: Call) -> Reply:
        shelf = self._shelf_of(call)
        refused = self._refusal(call)
        if refused or shelf is None:
            return refused or _error(404, "object not found")
        newest = sorted(shelf.tags, key=lambda name: shelf.tags[name].pushed, reverse=True)
        return self._page(call, [self._tag(shelf, name) for name in newest])

    @route("DELETE", TAG)
    def delete_tag(self, call: Call) -> Reply:
        """The manifest stays, without a tag if that was its last."""
        shelf = self._shelf_of(call)
        refused = self._refusal(call, DELETE)
        if refused or shelf is None or call["tag"] not in shelf.tags:
            return refused or _error(404, "object not found")
        if self._is_immutable(shelf.name, call["tag"]):
            return _error(403, "tag is immutable")  # which status this has is not documented
        if not self.faults.forgetful:
            del shelf.tags[call["tag"]]
        return Reply(204)

    @route("DELETE", "/v2/repositories/{namespace}/{repository}/")
    def delete_repository(self, call: Call) -> Reply:
        shelf = self._shelf_of(call)
        refused = self._refusal(call, DELETE)
        if refused or shelf is None:
            return refused or _error(404, "object not found")
        for digest in list(shelf.manifests):
            self.remove(shelf.name, digest)
        del self.shelves[shelf.name]
        return Reply(202)

    # The registry and its token service

    @route("GET", "/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """What is not there is refused like what is forbidden, to whoever only wants to pull."""
        if not call.name:
            return None if self.desk.account(call.request) else self.desk.challenge(call.request)
        scope = f"repository:{call.name}:{call.action}"
        unknown = call.name not in self.shelves and call.action == PULL
        if unknown or not self.desk.allows(call.request, call.name, call.action):
            known = self.desk.account(call.request) is not None
            return self.desk.challenge(call.request, scope, **({"error": "insufficient_scope"} if known else {}))
        if self.faults.read_only and call.request.method in CHANGING:
            return oci_error(403, "DENIED", "the repository is archived")
        mark = self.shelf(call.name).tags.get(call.rest) if call.request.method == "PUT" and call.kind == "manifests" else None
        if mark and self._is_immutable(call.name, call.rest) and mark.digest != Digest.of(call.request.body):
            return oci_error(403, "DENIED", "tag is immutable")
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        """By digest alone, and only what neither a tag nor another image refers to."""
        shelf = self.shelf(call.name)
        if call.digest is None:
            return oci_error(405, "UNSUPPORTED", "only digest-based deletion is allowed")
        if call.digest not in shelf.manifests:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if shelf.tags_of(call.digest) or shelf.parents_of(call.digest):
            return oci_error(403, "DENIED", "manifest is still referenced")
        self.remove(call.name, call.digest)
        return Reply(202)

    # How Docker Hub works

    def _refusal(self, call: Call, right: str = PULL) -> Reply | None:
        account = self.sessions.get(call.request.headers.get("authorization", "").removeprefix("Bearer "))
        if account is None:
            return _error(401, "authentication required")
        if right in account.rights and not (self.faults.read_only and call.request.method in CHANGING):
            return None
        if self.wraps_refusals:
            inner = '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
            return _error(500, f"Delete: http: non-successful response (status=401 body={json.dumps(inner)})")
        return Reply.of({"detail": "access to the resource is forbidden with personal access token"}, 403)

    def _shelf_of(self, call: Call) -> Shelf | None:
        return self.shelves.get(f"{call['namespace']}/{call['repository']}")

    def _is_immutable(self, repository: str, tag: str) -> bool:
        return any(re.search(rule, tag) for rule in self.rules.get(repository, []))

    def _page(self, call: Call, rows: list[Any]) -> Reply:
        number, size = int(call.query.get("page", "1")), int(call.query.get("page_size", "10"))
        size = min(size, self.faults.page_size or size)
        if number > 1 and (number - 1) * size >= len(rows):
            return _error(404, "page not found")

        def at(other: int) -> str:
            base = self.next_page_at or origin(call.request)
            return f"{base}{call.request.path}?{urlencode({**call.query, 'page': other})}"

        return Reply.of(
            {
                "count": len(rows),
                "next": at(number + 1) if number * size < len(rows) else None,
                "previous": at(number - 1) if number > 1 else None,
                "results": rows[(number - 1) * size : number * size],
            }
        )

    def _repository(self, shelf: Shelf) -> dict[str, Any]:
        namespace, _, name = shelf.name.partition("/")
        return {
            "name": name, "namespace": namespace, "repository_type": "image", "status": 1, "is_private": True, "pull_count": 0,
            "last_updated": self._date(shelf.made), "storage_size": sum(held.size for held in shelf.manifests.values()),
        }  # fmt: skip

    def _tag(self, shelf: Shelf, name: str) -> dict[str, Any]:
        mark = shelf.tags[name]
        held = shelf.manifests[mark.digest]
        entries = held.document.get("manifests")
        config = held.document.get("config", {}).get("mediaType", "")
        images = [self._child(shelf, entry) for entry in entries] if entries is not None else [self._image(shelf, held)]
        date = self._date(mark.pushed)
        found = {
            "creator": 7, "id": mark.id, "images": images, "last_updated": date, "last_updater": 7, "name": name,
            "last_updater_username": "acme", "repository": shelf.id, "full_size": held.size, "v2": True, "tag_status": "active",
            "tag_last_pulled": None, "tag_last_pushed": date, "content_type": "image",
            # for an image, the type of its config stands here
            "media_type": held.media_type if entries is not None else config, "digest": str(held.digest),
        }  # fmt: skip
        if self.hides_digests:
            del found["digest"], found["media_type"], found["content_type"]
        return found

    def _child(self, shelf: Shelf, entry: dict[str, Any]) -> dict[str, Any]:
        held = shelf.manifests.get(Digest(entry["digest"]))
        platform = {"os": "unknown", "architecture": "unknown", **entry.get("platform", {})}
        size = held.size if held else int(entry["size"])
        return self._entry(entry["digest"], platform, size, held.pushed if held else self.clock.now())

    def _image(self, shelf: Shelf, held: Held) -> dict[str, Any]:
        config = held.document.get("config", {})
        read = config.get("mediaType") in media_type.IMAGE_CONFIGS
        about = json.loads(self.upstream.blob(shelf.name, config["digest"]) or b"{}") if read else {}
        return self._entry(str(held.digest), about, held.size, held.pushed)

    def _entry(self, digest: str, about: dict[str, Any], size: int, pushed: datetime) -> dict[str, Any]:
        return {
            "architecture": about.get("architecture", ""), "features": "", "variant": about.get("variant"), "digest": digest,
            "os": about.get("os", ""), "os_features": "", "os_version": None, "size": size, "status": "active",
            "last_pulled": None, "last_pushed": self._date(pushed),
        }  # fmt: skip

    def _date(self, moment: datetime) -> str | None:
        return None if self.faults.dateless else _spelled(moment)


def _spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _coded(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _error(status: int, message: str) -> Reply:
    return Reply.of({"message": message, "errinfo": {}}, status)
