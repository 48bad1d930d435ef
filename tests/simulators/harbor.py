"""Harbor 2: artifacts in front of a docker-registry, by its API description and source (goharbor/harbor, seen 2026-11)."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from moorage.oci import media_type
from moorage.oci.manifest import followed_digest
from moorage.oci.reference import Digest
from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import PULL, Account, TokenDesk
from tests.simulators.conformance import Specification
from tests.simulators.memory import Held, Shelf
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock

_READS = frozenset({PULL, "repository:pull", "artifact:list", "artifact:read", "repository:list", "repository:read"})
_WRITES = frozenset({"push", "delete", "repository:push", "artifact:delete", "tag:delete", "tag:create", "repository:delete"})
WRITER = Account("robot$acme+cleaner", "sham-secret-of-the-cleaner", _READS | _WRITES)
READER = Account("robot$acme+reader", "sham-secret-of-the-reader", _READS)
PROJECT = "/api/v2.0/projects/{project}/repositories"
REPOSITORY = PROJECT + "/{repository}"
ARTIFACTS = REPOSITORY + "/artifacts"


class HarborSimulator(Simulator):
    """`hides_late` pages as 2.5 did: accessories are taken out of a page after it was cut, and not counted."""

    specification = Specification.load("harbor")
    hides_late = False

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = TokenDesk(self.accounts, "harbor-registry", "/service/token")
        self.accessories: dict[tuple[str, Digest], tuple[Digest, str]] = {}  # (repository, digest) to its subject and type

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    # The API

    @route("GET", "/api/v2.0/systeminfo")
    def system_info(self, call: Call) -> Reply:
        known = self.accounts.by_basic(call.request) is not None
        about_it = {"harbor_version": "v2.11.1-6b7ecba1", "read_only": self.faults.read_only}
        return Reply.of({"auth_mode": "db_auth", **(about_it if known else {})})

    @route("GET", "/api/v2.0/users/current/permissions")
    def own_permissions(self, call: Call) -> Reply:
        account = self.accounts.by_basic(call.request)
        if account is None:
            return _error(401, "UNAUTHORIZED", "unauthorized")
        pairs = [right.split(":") for right in sorted(account.rights) if ":" in right]
        return Reply.of([{"resource": resource, "action": action} for resource, action in pairs])

    @route("GET", "/api/v2.0/repositories")
    def all_repositories(self, call: Call) -> Reply:
        return self._page(call, [self._repository(shelf) for shelf in self.shelves.values()])

    @route("GET", PROJECT)
    def repositories(self, call: Call) -> Reply:
        refused = self._refusal(call.request, "repository:list")
        below = [shelf for name, shelf in sorted(self.shelves.items()) if name.startswith(f"{call['project']}/")]
        return refused or self._page(call, [self._repository(shelf) for shelf in below])

    @route("GET", REPOSITORY)
    def repository(self, call: Call) -> Reply:
        shelf = self._shelf_of(call)
        refused = self._refusal(call.request, "repository:read")
        return refused or (Reply.of(self._repository(shelf)) if shelf else _error(404, "NOT_FOUND", "repository not found"))

    @route("DELETE", REPOSITORY)
    def delete_repository(self, call: Call) -> Reply:
        refused = self._refusal(call.request, "repository:delete")
        if refused:
            return refused
        shelf = self._shelf_of(call)
        if shelf is None:
            return _error(404, "NOT_FOUND", "repository not found")
        for digest in list(shelf.manifests):
            self.remove(shelf.name, digest)
        del self.shelves[shelf.name]
        return Reply(200)

    @route("GET", ARTIFACTS)
    def artifacts(self, call: Call) -> Reply:
        refused = self._refusal(call.request, "artifact:list")
        if refused:
            return refused
        shelf = self._shelf_of(call) or Shelf("nowhere")  # a repository that is not there is merely empty
        listed = [held for held in shelf.manifests.values() if shelf.tags_of(held.digest) or not shelf.parents_of(held.digest)]
        visible = [held for held in listed if not self._is_accessory(shelf, held)]
        if self.hides_late:
            shown = lambda page: [self._artifact(shelf, held) for held in page if not self._is_accessory(shelf, held)]  # noqa: E731
            return self._page(call, listed, shown, total=len(visible))
        return self._page(call, visible, lambda page: [self._artifact(shelf, held) for held in page])

    @route("DELETE", ARTIFACTS + "/{reference}")
    def delete_artifact(self, call: Call) -> Reply:
        """By a tag, too, the whole artifact goes: that is Harbor's way."""
        refused = self._refusal(call.request, "artifact:delete")
        return refused or self._delete(self._shelf_of(call), call["reference"])

    @route("DELETE", ARTIFACTS + "/{reference}/tags/{tag}")
    def delete_tag(self, call: Call) -> Reply:
        refused = self._refusal(call.request, "tag:delete")
        if refused:
            return refused
        shelf = self._shelf_of(call)
        held = self._found(shelf, call["reference"])
        if shelf is None or held is None or call["tag"] not in shelf.tags_of(held.digest):
            return _error(404, "NOT_FOUND", f"tag {call['tag']} not found")
        if shelf.tags[call["tag"]].locked:
            return _error(412, "PRECONDITION", f"the tag {call['tag']} configured as immutable, cannot be deleted")
        self.untag(shelf.name, call["tag"])
        return Reply(200)

    # /v2

    @route("GET", "/service/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """Basic serves here as well as a token (source: middleware/security)."""
        account = self.accounts.by_basic(call.request) or self.desk.account(call.request)
        if account is None:
            scope = f"repository:{call.name}:{call.action}" if call.name else ""
            return self.desk.challenge(call.request, scope)
        by_token = self.desk.account(call.request) is not None
        if call.name and not (
            self.desk.allows(call.request, call.name, call.action) if by_token else call.action in account.rights
        ):
            return self.desk.challenge(call.request, f"repository:{call.name}:{call.action}")
        if self.faults.read_only and call.request.method in CHANGING:
            return _read_only()
        mark = self.shelf(call.name).tags.get(call.rest) if call.kind == "manifests" and call.request.method == "PUT" else None
        if mark and mark.locked and mark.digest != Digest.of(call.request.body):
            return oci_error(412, "PRECONDITION", f"Failed to process request due to '{call.rest}' configured as immutable.")
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        if call.digest is None:
            return oci_error(400, "UNSUPPORTED", "the delete operation is only supported for digest")
        reply = self._delete(self.shelf(call.name), call.rest)
        return Reply(202) if reply.status == 200 else reply

    def pushed(self, shelf: Shelf, held: Held, tag: str | None) -> None:
        """What has a subject, or is pushed as cosign tags it, becomes an accessory of it."""
        target = held.subject or (followed_digest(tag) if tag and re.fullmatch(r"sha256-[0-9a-f]{64}\.sig", tag) else None)
        if target is not None and target in shelf.manifests:
            kind = "subject.accessory" if held.subject else "signature.cosign"
            self.accessories[shelf.name, held.digest] = (target, kind)

    # How Harbor works

    def _delete(self, shelf: Shelf | None, reference: str) -> Reply:
        held = self._found(shelf, reference)
        if shelf is None or held is None:
            return _error(404, "NOT_FOUND", f"artifact {reference} not found")
        going = list(self._taken(shelf, held.digest))
        if any(shelf.tags[tag].locked for digest in going for tag in shelf.tags_of(digest)):
            return _error(412, "PRECONDITION", "a tag of the artifact is configured as immutable, cannot be deleted")
        if shelf.parents_of(held.digest):
            return _error(412, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "the deleting artifact is referenced by others")
        for digest in going:
            self.remove(shelf.name, digest)
        return Reply(200)

    def _taken(self, shelf: Shelf, digest: Digest, seen: frozenset[Digest] = frozenset()) -> Iterable[Digest]:
        """An artifact, its accessories whatever their tags, and its children that have no tag and no other parent."""
        yield digest
        seen |= {digest}
        for (name, accessory), (subject, _) in self.accessories.items():
            if name == shelf.name and subject == digest and accessory in shelf.manifests and accessory not in seen:
                yield from self._taken(shelf, accessory, seen)
        for child in shelf.manifests[digest].children if digest in shelf.manifests else ():
            others = [parent for parent in shelf.parents_of(child) if parent.digest not in seen]
            if child in shelf.manifests and not shelf.tags_of(child) and not others:
                yield from self._taken(shelf, child, seen)

    def _refusal(self, request: Request, right: str) -> Reply | None:
        account = self.accounts.by_basic(request)
        if account is None:
            return _error(401, "UNAUTHORIZED", "unauthorized")
        if right not in account.rights:
            return _error(403, "FORBIDDEN", "forbidden")
        return _read_only() if self.faults.read_only and request.method in CHANGING else None

    def _shelf_of(self, call: Call) -> Shelf | None:
        """The name has to be encoded twice: once decoded, it must hold no slash yet."""
        name = call["repository"]
        return None if "/" in name else self.shelves.get(f"{call['project']}/{unquote(name)}")

    def _found(self, shelf: Shelf | None, reference: str) -> Held | None:
        if shelf is None:
            return None
        digest = shelf.tags[reference].digest if reference in shelf.tags else None
        return next((held for held in shelf.manifests.values() if held.digest in {digest} or str(held.digest) == reference), None)

    def _is_accessory(self, shelf: Shelf, held: Held) -> bool:
        subject, _ = self.accessories.get((shelf.name, held.digest), (None, ""))
        return subject in shelf.manifests

    def _page(self, call: Call, rows: list[Any], shown: Any = list, total: int | None = None) -> Reply:
        number, size = int(call.query.get("page", "1")), min(int(call.query.get("page_size", "10")), 100)
        size = min(size, self.faults.page_size or size)
        count = len(rows) if total is None else total
        headers = {"x_total_count": str(count)}
        if number < math.ceil(count / size):
            following = urlencode({**call.query, "page": number + 1})
            headers["link"] = f'<{call.request.path}?{following}>; rel="next"'
        return Reply.of(shown(rows[(number - 1) * size : number * size]), 200, **headers)

    def _repository(self, shelf: Shelf) -> dict[str, Any]:
        return {
            "id": shelf.id, "project_id": 7, "name": shelf.name, "artifact_count": len(shelf.manifests), "pull_count": 0,
            "creation_time": self._date(shelf.made), "update_time": self._date(shelf.made),
        }  # fmt: skip

    def _artifact(self, shelf: Shelf, held: Held) -> dict[str, Any]:
        document = held.document
        config = document.get("config", {})
        return {
            "id": held.id, "type": "IMAGE", "media_type": config.get("mediaType", held.media_type),
            "manifest_media_type": held.media_type, "artifact_type": document.get("artifactType", ""), "project_id": 7,
            "repository_id": shelf.id, "repository_name": shelf.name, "digest": str(held.digest), "size": held.size,
            "push_time": self._date(held.pushed), "pull_time": _NEVER, "annotations": document.get("annotations"),
            "extra_attrs": self._attributes(shelf, config), "labels": None,
            "references": [_reference(shelf, held, entry) for entry in document.get("manifests", ())] or None,
            "tags": [self._tag(shelf, held, name) for name in shelf.tags_of(held.digest)] or None,
            "accessories": [
                self._accessory(shelf, held, digest, kind)
                for (name, digest), (subject, kind) in self.accessories.items()
                if name == shelf.name and subject == held.digest and digest in shelf.manifests
            ] or None,
        }  # fmt: skip

    def _attributes(self, shelf: Shelf, config: dict[str, Any]) -> dict[str, Any]:
        if config.get("mediaType") not in media_type.IMAGE_CONFIGS:
            return {}
        found = json.loads(self.upstream.blob(shelf.name, config["digest"]) or b"{}")
        return {name: found.get(name) for name in ("architecture", "os", "created", "config")}

    def _tag(self, shelf: Shelf, held: Held, name: str) -> dict[str, Any]:
        mark = shelf.tags[name]
        return {
            "id": mark.id, "repository_id": shelf.id, "artifact_id": held.id, "name": name, "immutable": bool(mark.locked),
            "push_time": self._date(mark.pushed), "pull_time": _NEVER,
        }  # fmt: skip

    def _accessory(self, shelf: Shelf, subject: Held, digest: Digest, kind: str) -> dict[str, Any]:
        held = shelf.manifests[digest]
        return {
            "id": held.id + 1, "artifact_id": held.id, "subject_artifact_id": subject.id,
            "subject_artifact_digest": str(subject.digest), "subject_artifact_repo": shelf.name, "size": held.size,
            "digest": str(digest), "type": kind, "icon": "", "creation_time": self._date(held.pushed),
        }  # fmt: skip

    def _date(self, moment: datetime) -> str:
        return _NEVER if self.faults.dateless else _spelled(moment)


_NEVER = "0001-01-01T00:00:00.000Z"  # how Go writes that there is no date


def _spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _reference(shelf: Shelf, held: Held, entry: dict[str, Any]) -> dict[str, Any]:
    child = shelf.manifests.get(Digest(entry["digest"]))
    platform = {"architecture": "", "os": "", **entry.get("platform", {})}
    return {
        "parent_id": held.id, "child_id": child.id if child else 0, "child_digest": entry["digest"], "platform": platform,
        "annotations": entry.get("annotations"), "urls": None,
    }  # fmt: skip


def _error(status: int, code: str, message: str) -> Reply:
    return Reply.of({"errors": [{"code": code, "message": message}]}, status)


def _read_only() -> Reply:
    return _error(403, "DENIED", "The system is in read only mode. Any modification is prohibited.")
