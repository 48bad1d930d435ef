"""Quay: tags with a history in front of a docker-registry, by its source (quay/quay, seen 2026-11).

Its API, and what is its own about /v2; what lives and dies is in `quay_life`.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, ClassVar

from moorage.oci import media_type
from moorage.oci.reference import Digest
from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, PUSH, Account
from tests.simulators.conformance import Specification
from tests.simulators.memory import Mark, Shelf
from tests.simulators.quay_life import QuayLife
from tests.simulators.quay_tokens import OAUTH, OWNER, READER, WRITER, QuayDesk
from tests.simulators.simulator import CHANGING, Call, V2Call, route

if TYPE_CHECKING:
    from tests.simulators.clock import FakeClock

REPOSITORY = "/api/v1/repository/{namespace}/{name}"
TAGS = REPOSITORY + "/tag/"
TAG = REPOSITORY + "/tag/{tag}"


class QuaySimulator(QuayLife):
    """`deletes_tags` is False for servers of before 2024-08, whose /v2 deletes by digest alone. `mirrors` take no writes.

    `remembers` hands out what was pulled by digest lately, though it is deleted, as the cache of Quay does.
    """

    specification = Specification.load("quay")
    deletes_tags = True
    lists_referrers = True
    remembers = False
    members: ClassVar[tuple[Account, ...]] = (WRITER, READER)
    disables_pushes = False  # whether `faults.deletion_disabled` is to be had: DISABLE_PUSHES, which /v2 alone knows

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += self.members
        self.desk = QuayDesk(self.accounts, self.grants)
        self.mirrors: set[str] = set()
        self.remembered: dict[tuple[str, Digest], Reply] = {}

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    def grants(self, account: Account | None, name: str, asked: set[str]) -> set[str]:
        """What a token gets of what was asked for. Asking to push makes a repository that is not there."""
        rights = account.rights if account else frozenset()
        if name not in self.shelves and PUSH in asked and PUSH in rights:
            self.shelf(name)
        there = name in self.shelves or OWNER in rights
        return {action for action in asked if action in rights and there and not (action == PUSH and name in self.mirrors)}

    # The API

    @route("GET", "/api/v1/repository")
    def repositories(self, call: Call) -> Reply:
        refused = self._refusal(call, "repo:read")
        below = sorted(name for name in self.shelves if name.startswith(f"{call.query['namespace']}/"))
        start, size = int(call.query.get("next_page", "0")), self.faults.page_size or 100
        entries = [
            {
                "namespace": name.partition("/")[0],
                "name": name.partition("/")[2],
                "is_public": False,
                "kind": "image",
                "state": "NORMAL",
            }
            for name in below[start : start + size]
        ]
        more = {"next_page": str(start + size)} if start + size < len(below) else {}
        return refused or Reply.of({"repositories": entries, **more})

    @route("GET", REPOSITORY)
    def repository(self, call: Call) -> Reply:
        refused = self._refusal(call, "repo:read")
        if refused:
            return refused
        rights, state = self._api_account(call).rights, "MIRROR" if _name(call) in self.mirrors else "NORMAL"
        return Reply.of(
            {
                "namespace": call["namespace"], "name": call["name"], "kind": "image", "description": None, "is_public": False,
                "state": state, "can_write": "repo:write" in rights and state == "NORMAL", "can_admin": "repo:admin" in rights,
            }
        )  # fmt: skip

    @route("DELETE", REPOSITORY)
    def delete_repository(self, call: Call) -> Reply:
        refused = self._refusal(call, "repo:admin")
        if refused:
            return refused
        shelf = self.shelves.pop(_name(call))
        for digest in shelf.manifests:
            self.upstream.delete(shelf.name, digest)
        return Reply(204)

    @route("GET", TAGS)
    def tags(self, call: Call) -> Reply:
        """The newest first. `limit` is cut to 100."""
        refused = self._refusal(call, "repo:read")
        if refused:
            return refused
        shelf = self.shelves[_name(call)]
        rows = sorted(shelf.tags.items(), key=lambda row: (-row[1].pushed.timestamp(), row[0]))
        page, size = int(call.query.get("page", "1")), min(int(call.query.get("limit", "50")), 100)
        size = min(size, self.faults.page_size or size)
        shown = rows[(page - 1) * size : page * size]
        return Reply.of(
            {
                "tags": [self._tag(shelf, name, mark) for name, mark in shown],
                "page": page,
                "has_additional": page * size < len(rows),
            }
        )

    @route("DELETE", TAG)
    def delete_tag(self, call: Call) -> Reply:
        refused = self._refusal(call, "repo:write")
        if refused:
            return refused
        if _name(call) in self.mirrors:
            return Reply.of({"message": "Repository is in read only or mirror mode: RepositoryState.MIRROR"}, 503)
        shelf = self.shelves[_name(call)]
        if call["tag"] not in shelf.tags:
            return _problem(404, "not_found", "Not Found")
        if shelf.tags[call["tag"]].locked:
            return _problem(409, "tag_immutable", f"Tag {call['tag']} is immutable")
        self._soon(lambda: self.drop(shelf, [call["tag"]]))
        return Reply(204)

    @route("POST", TAG + "/restore")
    def restore(self, call: Call) -> Reply:
        refused = self._refusal(call, "repo:write")
        if refused:
            return refused
        shelf, digest = self.shelves[_name(call)], Digest(call.json["manifest_digest"])
        if digest not in shelf.manifests and (shelf.name, digest) not in self.buried:
            return _problem(404, "not_found", "Not Found")
        self.dig_out(shelf, digest)
        shelf.tags[call["tag"]] = Mark(digest, self.clock.now())
        return Reply.of({})

    # /v2

    @route("GET", "/v2/auth")
    def auth(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    @route("GET", "/v2/_catalog")
    def catalog(self, call: Call) -> Reply:
        if self.desk.account(call.request) is None:
            return self.desk.challenge(call.request)
        return Reply.of({"repositories": sorted(self.shelves)})

    def refuse_v2(self, call: V2Call) -> Reply | None:
        if call.request.method == "OPTIONS":
            return None  # Flask answers by itself, whoever asks
        if not call.name:
            return None if self.desk.account(call.request) else self.desk.challenge(call.request)
        action = PUSH if call.action == DELETE else call.action
        if not self.desk.allows(call.request, call.name, action):
            return self.desk.challenge(call.request, f"repository:{call.name}:{'pull' if action == PULL else 'pull,push'}")
        if self.faults.read_only and call.request.method in CHANGING:
            return _read_only()
        if self.faults.deletion_disabled and self.disables_pushes and call.request.method in CHANGING:
            return oci_error(405, "METHOD NOT ALLOWED", "Pushes to the registry are currently disabled.")
        mark = self.shelf(call.name).tags.get(call.rest) if call.kind == "manifests" and call.request.method == "PUT" else None
        if mark and mark.locked and mark.digest != Digest.of(call.request.body):
            return oci_error(409, "TAG_IMMUTABLE", f"tag '{call.rest}' is immutable")
        return None

    def serve_v2(self, call: V2Call) -> Reply:
        if call.request.method == "OPTIONS":
            methods = ["GET", "HEAD", "OPTIONS", "PUT", *(["DELETE"] if self.deletes_tags or call.digest else [])]
            return Reply(200, b"", {"allow": ", ".join(methods)})
        shelf = self.shelves.get(call.name)
        if call.name and shelf is None:
            return oci_error(404, "NAME_UNKNOWN", "repository not found")
        if shelf is not None and call.kind == "referrers":
            return self._referrers(shelf, call)
        if shelf is not None and call.kind == "manifests" and call.request.method in {"GET", "HEAD"}:
            return self._pull(shelf, call)
        return super().serve_v2(call)

    def tag_list(self, call: V2Call) -> Reply:
        """A hundred a page, with `next_page`, or since 2024 `last`, in an absolute Link."""
        names = sorted(self.shelf(call.name).tags)
        size = min(int(call.query.get("n", "100")), self.faults.page_size or 100)
        after = [name for name in names if name > call.query.get("last", "")]
        page = Reply.of({"name": call.name, "tags": after[:size]})
        if len(after) <= size:
            return page
        base = f"{call.request.headers.get('x-forwarded-proto', 'http')}://{call.request.headers['host']}"
        link = f'<{base}/v2/{call.name}/tags/list?n={size}&last={after[size - 1]}>; rel="next"'
        return Reply.of({"name": call.name, "tags": after[:size]}, link=link)

    def delete_v2(self, call: V2Call) -> Reply:
        shelf = self.shelf(call.name)
        if call.digest is None and not self.deletes_tags:
            return Reply(
                405, b"<!doctype html><title>405 Method Not Allowed</title>", {"content-type": "text/html; charset=utf-8"}
            )
        going = [call.rest] if call.digest is None and call.rest in shelf.tags else []
        if call.digest is not None:
            going = shelf.tags_of(call.digest)
        locked = [name for name in going if shelf.tags[name].locked]
        if locked:
            return oci_error(409, "TAG_IMMUTABLE", f"tag '{locked[0]}' is immutable")
        if not going:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        self._soon(lambda: self.drop(shelf, going))
        return Reply(202)

    # How Quay works

    def _pull(self, shelf: Shelf, call: V2Call) -> Reply:
        digest = call.digest or (shelf.tags[call.rest].digest if call.rest in shelf.tags else None)
        place = (shelf.name, digest or Digest.of(b""))
        if digest is None or not self.visible(shelf, digest, hidden=call.digest is not None):
            if self.remembers and call.digest is not None and place in self.remembered:
                return self.remembered[place]
            if call.digest is None and call.rest in self.history.get(shelf.name, ()):
                return oci_error(
                    404, "TAG_EXPIRED", f"Tag {call.rest} was deleted or has expired. To pull, revive via time machine"
                )
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        reply = super().serve_v2(call)
        if call.digest is not None:
            self.remembered[place] = reply
        return reply

    def _referrers(self, shelf: Shelf, call: V2Call) -> Reply:
        if not self.lists_referrers:
            return Reply.of({"message": "404 Not Found"}, 404)
        if call.digest is None or not self.visible(shelf, call.digest, hidden=False):
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        found = [
            {"mediaType": held.media_type, "digest": str(held.digest), "size": len(held.content)}
            for held in shelf.referrers_of(call.digest)
        ]
        return Reply.of(
            {"schemaVersion": 2, "mediaType": media_type.OCI_INDEX, "manifests": found}, content_type=media_type.OCI_INDEX
        )

    def _tag(self, shelf: Shelf, name: str, mark: Mark) -> dict[str, Any]:
        held = shelf.manifests[mark.digest]
        row = {
            "name": name, "reversion": False, "manifest_digest": str(mark.digest),
            "is_manifest_list": held.media_type in media_type.INDEXES, "size": None if held.children else held.size,
        }  # fmt: skip
        if not self.faults.dateless:
            row |= {"start_ts": int(mark.pushed.timestamp()), "last_modified": format_datetime(mark.pushed)}
        return {**row, "immutable": True} if mark.locked else row

    def _api_account(self, call: Call) -> Account:
        kind, _, token = call.request.headers.get("authorization", "").partition(" ")
        found = [one for one in self.accounts.everybody if one.name == OAUTH and one.password == token and kind == "Bearer"]
        return found[0] if found else Account("", "", frozenset())

    def _refusal(self, call: Call, scope: str) -> Reply | None:
        """Robots and Basic are nobody here. Who owns the namespace hears of what is not there; others do not."""
        account = self._api_account(call)
        if not account.name:
            return _problem(401, "invalid_token", "Requires authentication")
        if self.faults.read_only and call.request.method in CHANGING:
            return _read_only()
        if scope not in account.rights:
            return _problem(403, "insufficient_scope", "Unauthorized")
        if "name" in call.parts and _name(call) not in self.shelves:
            return (
                _problem(404, "not_found", "Not Found")
                if OWNER in account.rights
                else _problem(403, "insufficient_scope", "Unauthorized")
            )
        return None


def _name(call: Call) -> str:
    return f"{call['namespace']}/{call['name']}"


def _problem(status: int, kind: str, detail: str) -> Reply:
    document = {"detail": detail, "error_message": detail, "error_type": kind, "title": kind, "type": f"/api/v1/error/{kind}"}
    return Reply.of({**document, "status": status}, status)


def _read_only() -> Reply:
    message = "System is currently read-only. Pulls will succeed but all write operations are currently suspended."
    return Reply.of({"errors": [{"code": "DENIED", "message": message, "detail": {}, "is_readonly": True}]}, 405)
