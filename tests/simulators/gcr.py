"""Google's registries in front of a docker-registry: the list of everything, and an order of deletions (see specs/gcr.yaml)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from moorage.oci import media_type
from moorage.oci.manifest import created_of
from moorage.oci.reference import Digest
from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, PUSH, Account, TokenDesk
from tests.simulators.conformance import Specification
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Shelf


def _key(name: str) -> str:
    """The key of a service account, as somebody hands it to docker."""
    document = {"type": "service_account", "project_id": "acme", "private_key": f"sham-private-key-of-{name}\nsecond line"}
    return json.dumps({**document, "client_email": f"{name}@acme.iam.gserviceaccount.com"})


WRITER = Account("_json_key", _key("cleaner"))
READER = Account("_json_key", _key("reader"), frozenset({PULL}))
CODED = Account("_json_key_base64", base64.b64encode(_key("coded").encode()).decode())
PERSON = Account("oauth2accesstoken", "ya29.sham-access-token-of-a-person")
_PERMISSIONS = {
    PULL: "artifactregistry.repositories.downloadArtifacts",
    PUSH: "artifactregistry.repositories.uploadArtifacts",
    DELETE: "artifactregistry.versions.delete",
}


class GoogleRules(Specification):
    """Only lists of tags and deletions are Google's own."""

    def covers(self, request: Request) -> bool:
        return request.path.endswith("/tags/list") or (request.method == "DELETE" and "/manifests/" in request.path)


class GoogleSimulator(Simulator):
    """`made` are the repositories of pkg.dev that exist, as PROJECT/REPOSITORY; None for gcr.io, where pushes make them.

    `immutable` are repositories whose tags can be neither moved nor deleted. `plain` leaves Google's extension out. `lags` is how
    often a part is still held after its index went. `keeps_versions` grants no deletion but that of tags.
    """

    specification = GoogleRules.load("gcr")
    numbers_as_strings = True
    plain = False

    def __init__(self, upstream: str, clock: FakeClock | None = None, *, made: set[str] | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER, CODED, PERSON]
        self.desk = TokenDesk(self.accounts, "google", "/v2/token", lifetime=3600)
        self.made = made
        self.immutable: set[str] = set()
        self.lags = 0
        self.keeps_versions = False

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    @route("GET", "/v2/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    @route("GET", "/v2/_catalog")
    def catalog(self, call: Call) -> Reply:
        """Of pkg.dev, empty, whoever asks (HarborGuard#151)."""
        return Reply.of({"repositories": sorted(self.shelves) if self.made is None else []})

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """A token of the desk, an access token as it is, and Basic all serve."""
        account = self.desk.account(call.request) or self.accounts.by_basic(call.request) or self._bearer(call.request)
        if account is None:
            return self.desk.challenge(call.request, f"repository:{call.name}:{call.action}" if call.name else "")
        if not call.name:
            return None
        if call.action not in account.rights or (self.faults.read_only and call.request.method in CHANGING):
            return _denied(call.action)
        if self.made is not None and not any(call.name.startswith(f"{name}/") for name in self.made):
            return oci_error(404, "NAME_UNKNOWN", f'Repository "{call.name.split("/")[1]}" not found')
        mark = self.shelf(call.name).tags.get(call.rest) if call.kind == "manifests" and call.request.method == "PUT" else None
        if mark and call.name in self.immutable and mark.digest != Digest.of(call.request.body):
            return _immutable(call.rest)
        return None

    def serve_v2(self, call: V2Call) -> Reply:
        if call.kind in {"manifests", "tags"} and call.request.method != "PUT" and call.name not in self.shelves:
            below = [name for name in self.shelves if name.startswith(f"{call.name}/")]
            if not below:
                return oci_error(404, "NAME_UNKNOWN", f'Failed to find "{call.name}"')
        return super().serve_v2(call)

    def tag_list(self, call: V2Call) -> Reply:
        """Everything at once, or in pages of `n` manifests with a Link."""
        shelf = self.shelf(call.name)
        if not shelf.manifests:
            del self.shelves[call.name]  # an emptied repository is none any more
        below = sorted({name[len(call.name) + 1 :].split("/")[0] for name in self.shelves if name.startswith(f"{call.name}/")})
        if self.plain:
            return Reply.of({"name": call.name, "tags": sorted(shelf.tags)})
        size = min(int(call.query.get("n", "10000")), self.faults.page_size or 10_000)
        after = [digest for digest in sorted(shelf.manifests) if str(digest) > call.query.get("last", "")]
        document = {
            "child": below,
            "manifest": {str(digest): self._listed(shelf, shelf.manifests[digest]) for digest in after[:size]},
            "name": call.name,
            "tags": sorted(tag for digest in after[:size] for tag in shelf.tags_of(digest)),
        }
        if len(after) <= size:
            return Reply.of(document)
        following = urlencode({"n": size, "last": str(after[size - 1])})
        return Reply.of(document, link=f'</v2/{call.name}/tags/list?{following}>; rel="next"')

    def delete_v2(self, call: V2Call) -> Reply:
        shelf = self.shelf(call.name)
        if call.digest is None:
            return self._untagged(shelf, call.rest)
        held = shelf.manifests.get(call.digest)
        if held is None:
            return oci_error(404, "MANIFEST_UNKNOWN", f'Failed to fetch "{call.digest}"')
        tags = shelf.tags_of(held.digest)
        if tags:
            return oci_error(400, "GOOGLE_MANIFEST_DANGLING_TAG", f"Manifest is still referenced by tag: {tags[0]}")
        holders = [*shelf.parents_of(held.digest), *shelf.referrers_of(held.digest)]
        if self.keeps_versions:
            return _denied(DELETE)
        if holders or self.lags:
            self.lags = max(0, self.lags - 1)
            holder = holders[0].digest if holders else "one that just went"
            message = f"Manifest {held.digest} is referenced by image {holder}"
            return oci_error(400, "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", message)
        self.remove(shelf.name, held.digest)
        return Reply(202)

    def _untagged(self, shelf: Shelf, tag: str) -> Reply:
        if tag not in shelf.tags:
            return oci_error(404, "MANIFEST_UNKNOWN", f'Failed to fetch "{tag}"')
        if shelf.name in self.immutable:
            return _immutable(tag)
        self.untag(shelf.name, tag)
        return Reply(202)

    def _bearer(self, request: Request) -> Account | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return PERSON if kind.lower() == "bearer" and token == PERSON.password and PERSON in self.accounts.everybody else None

    def _listed(self, shelf: Shelf, held: Held) -> dict[str, Any]:
        uploaded = int(held.pushed.timestamp() * 1000)
        row: dict[str, Any] = {
            "imageSizeBytes": str(held.size), "layerId": "", "mediaType": held.media_type, "tag": shelf.tags_of(held.digest),
            "timeCreatedMs": str(self._created(shelf, held)),
        }  # fmt: skip
        if not self.faults.dateless:
            row["timeUploadedMs"] = str(uploaded) if self.numbers_as_strings else uploaded
        return row

    def _created(self, shelf: Shelf, held: Held) -> int:
        config = held.document.get("config", {})
        if config.get("mediaType") not in media_type.IMAGE_CONFIGS:
            return 0
        created = created_of(json.loads(self.upstream.blob(shelf.name, config["digest"]) or b"{}"))
        return int(created.timestamp() * 1000) if created else 0


def _immutable(tag: str) -> Reply:
    return oci_error(400, "MANIFEST_INVALID", f"cannot update tag {tag}. The repository has enabled tag immutability")


def _denied(action: str) -> Reply:
    where = "projects/acme/locations/europe-west1/repositories/images"
    message = f'Permission "{_PERMISSIONS[action]}" denied on resource "{where}" (or it may not exist)'
    return oci_error(403, "DENIED", message)
