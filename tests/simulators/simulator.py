"""The frame of a simulator: routes of the vendor's API, /v2 in front of a real registry, faults, counts, conformance.

    class QuaySimulator(Simulator):
        specification = Specification.load("quay")

        @route("GET", "/api/v1/repository/{namespace}/{name}/tag/")
        def tags(self, call: Call) -> Reply: ...

Whatever passes is counted by (method, route) and, where the vendor's API is meant, held against its specification. `finish`,
which the fixtures call, fails the test for every exchange that the specification does not know.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import unquote

from moorage.oci.reference import BadReference, Digest
from tests.scripted_server import Reply, Request, forward, oci_error
from tests.simulators.accounts import Accounts
from tests.simulators.clock import FakeClock
from tests.simulators.faults import Faults
from tests.simulators.memory import Held, Shelf
from tests.simulators.upstream import Upstream

if TYPE_CHECKING:
    from tests.simulators.conformance import Rules

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_V2 = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>.+)")


@dataclass(frozen=True)
class Call:
    """One request to a route: what stands in the place of `{…}`, decoded once, and the query, the last of each name."""

    request: Request
    parts: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.parts[name]

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query)

    @property
    def json(self) -> Any:
        return json.loads(self.request.body)


@dataclass(frozen=True)
class V2Call(Call):
    """One request to /v2: of manifests, blobs, tags or referrers. `rest` is a tag, a digest, `list` or an upload."""

    name: str = ""
    kind: str = ""
    rest: str = ""

    @property
    def digest(self) -> Digest | None:
        try:
            return Digest(self.rest)
        except BadReference:
            return None

    @property
    def action(self) -> str:
        """The right that this request needs: pull, push or delete."""
        if self.request.method == "DELETE":
            return "delete"
        return "push" if self.request.method in CHANGING else "pull"


Handler = Callable[[Any, Call], Reply]
H = TypeVar("H", bound=Handler)


def route(method: str, template: str) -> Callable[[H], H]:
    """Marks what answers a route. `{name}` stands for one segment, `{name*}` for one or more."""

    def mark(handler: H) -> H:
        handler.__dict__.setdefault("routes", []).append((method, template))
        return handler

    return mark


class Simulator:
    """Thread-safe: requests are answered one after the other. `started` is when it was made, by its clock.

    A vendor overrides `refuse_v2`, `delete_v2` and `pushed`, and says in `specification` what its API is.
    """

    specification: ClassVar[Rules | None] = None
    _table: ClassVar[list[tuple[str, str, re.Pattern[str], Handler]]] = []

    def __init_subclass__(cls) -> None:
        found = []
        for name in dir(cls):
            for method, template in getattr(getattr(cls, name), "routes", ()):
                pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", template)
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
                found.append((method, template, re.compile(pattern), getattr(cls, name)))
        cls._table = sorted(found, key=lambda row: row[1].count("{"))  # literal routes before those with places

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        self.upstream = Upstream(upstream)
        self.clock = clock or FakeClock()
        self.faults = Faults()
        self.accounts = Accounts()
        self.shelves: dict[str, Shelf] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.objections: list[str] = []
        self.back = timedelta()  # what is pushed now was pushed so long ago
        self._later: list[list[Any]] = []
        self._lock = threading.RLock()

    # What tests ask

    def changes(self) -> Counter[tuple[str, str]]:
        """The requests so far that could have changed something."""
        return Counter({(method, where): count for (method, where), count in self.counts.items() if method in CHANGING})

    def lock(self, repository: str, tag: str) -> None:
        """Protect a tag by the vendor's own means."""
        self.shelves[repository].tags[tag].locked = "immutable"

    def settle(self) -> None:
        """Let accepted deletions happen that have not happened yet."""
        with self._lock:
            due, self._later = [act for _, act in self._later], []
            for act in due:
                act()

    def truth(self, repository: str) -> dict[str, Digest]:
        """What a pull of each tag would get right now."""
        shelf = self.shelves.get(repository, Shelf(repository))
        return {tag: mark.digest for tag, mark in shelf.tags.items() if mark.digest in shelf.manifests}

    def secrets(self) -> list[str]:
        """Every text that must not be seen anywhere: passwords, and whatever tokens were issued."""
        return [account.password for account in self.accounts.everybody]

    def expire_tokens(self) -> None:
        """Make every token that was issued so far worthless."""

    def forgive(self, ending: str) -> None:
        """Pass over objections that end so: for other clients, which also send what the vendor no longer knows."""
        self.objections = [objection for objection in self.objections if not objection.endswith(ending)]

    def finish(self) -> None:
        """Fail for everything that passed and that the vendor's specification does not know."""
        assert not self.objections, "\n".join(["these exchanges do not conform:", *dict.fromkeys(self.objections)])

    # What servers call

    def answer(self, request: Request) -> Reply:
        """The answer to one request, faults included."""
        template, handler, call = self._find(request)
        with self._lock:
            self.counts[request.method, template] += 1
            self._pass_time()
        if self.faults.latency:
            time.sleep(self.faults.latency)
        trouble = self.faults.take(request.method, template)
        if trouble is not None:
            return trouble
        with self._lock:
            reply = handler(self, call)
            if self.specification is not None and self.specification.covers(request):
                self.objections += self.specification.objections(request, reply)
        return reply

    # What vendors override

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """The vendor's refusal of a request to /v2 (login, rights, protection), or None to let it pass; a ping has no `name`."""
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        """DELETE of a manifest on /v2; by default what distribution 2.8 does: by digest alone, with all tags."""
        if self.faults.deletion_disabled:
            return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")
        if call.digest is None:
            return oci_error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        if call.digest not in self.shelf(call.name).manifests:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        self.remove(call.name, call.digest)
        return Reply(202)

    def pushed(self, shelf: Shelf, held: Held, tag: str | None) -> None:
        """Told of each manifest that was pushed."""

    # What vendors use

    def shelf(self, repository: str) -> Shelf:
        return self.shelves.setdefault(repository, Shelf(repository, self.clock.now() - self.back))

    def remove(self, repository: str, digest: Digest) -> None:
        """Delete a manifest with all its tags, here and in the registry behind; as late as the faults say, or not at all."""
        self._soon(lambda: self._remove_now(repository, digest))

    def untag(self, repository: str, tag: str) -> None:
        """Remove a tag; as late as the faults say, or not at all."""
        self._soon(lambda: self.shelf(repository).tags.pop(tag, None))

    def _remove_now(self, repository: str, digest: Digest) -> None:
        self.shelf(repository).drop(digest)
        self.upstream.delete(repository, digest)

    def _soon(self, act: Callable[[], object]) -> None:
        if self.faults.forgetful:
            return
        if self.faults.deletes_late:
            self._later.append([self.faults.deletes_late, act])
        else:
            act()

    def _pass_time(self) -> None:
        for waiting in self._later:
            waiting[0] -= 1
        due = [act for left, act in self._later if left <= 0]
        self._later = [waiting for waiting in self._later if waiting[0] > 0]
        for act in due:
            act()

    # /v2

    def _find(self, request: Request) -> tuple[str, Handler, Call]:
        for method, template, pattern, handler in self._table:
            if method == request.method and (found := pattern.fullmatch(request.path)):
                return template, handler, Call(request, {name: unquote(text) for name, text in found.groupdict().items()})
        if request.path == "/v2/":
            return "/v2/", Simulator._v2, V2Call(request)
        if found := _V2.fullmatch(request.path):
            return f"/v2/{found['kind']}", Simulator._v2, V2Call(request, {}, found["name"], found["kind"], found["rest"])
        return "unknown", Simulator._unknown, Call(request)

    def _unknown(self, call: Call) -> Reply:
        self.objections.append(f"{call.request.method} {call.request.path} is no route of this simulator")
        return Reply.of({"errors": [{"code": "NOT_FOUND", "message": "no such route"}]}, 404)

    def _v2(self, call: Call) -> Reply:
        assert isinstance(call, V2Call)
        return self.refuse_v2(call) or self.serve_v2(call)

    def serve_v2(self, call: V2Call) -> Reply:
        """The answer to a request to /v2 that nothing speaks against."""
        if not call.name:
            return Reply.of({})
        if call.kind == "manifests":
            return self._manifests(call)
        if call.kind == "tags":
            return self.tag_list(call)
        if call.kind == "referrers":
            return Reply(404, b"404 page not found\n", {"content-type": "text/plain; charset=utf-8"})
        return forward(call.request, self.upstream.host)

    def tag_list(self, call: V2Call) -> Reply:
        """GET /v2/NAME/tags/list: sorted, all at once."""
        shelf = self.shelves.get(call.name)
        if shelf is None:
            return oci_error(404, "NAME_UNKNOWN", "repository name not known to registry")
        return Reply.of({"name": call.name, "tags": sorted(shelf.tags) or None})

    def _manifests(self, call: V2Call) -> Reply:
        if call.request.method == "PUT":
            return self._put(call)
        if call.request.method == "DELETE":
            return self.delete_v2(call)
        shelf = self.shelves.get(call.name, Shelf(call.name))
        digest = call.digest or (shelf.tags[call.rest].digest if call.rest in shelf.tags else None)
        if digest is None or digest not in shelf.manifests:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        reply = forward(self._at(call, digest), self.upstream.host)
        if digest in self.faults.unreadable and call.request.method == "GET":
            return replace(reply, body=reply.body.replace(b"sha256", b"sha257", 1))
        return reply

    def _put(self, call: V2Call) -> Reply:
        digest = Digest.of(call.request.body)
        reply = forward(self._at(call, digest), self.upstream.host)
        if reply.status == 201:
            kind = call.request.headers.get("content-type", "")
            held = Held(digest, call.request.body, kind, self.clock.ago(self.back))
            shelf, tag = self.shelf(call.name), None if call.digest else call.rest
            self.pushed(shelf, shelf.put(held, tag), tag)
        return reply

    def _at(self, call: V2Call, digest: Digest) -> Request:
        return replace(call.request, target=f"/v2/{call.name}/manifests/{digest}")
