"""Any registry that speaks the OCI distribution API and no other: CNCF distribution, zot, Gitea, what is forced to `default`."""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.errors import NotFound, Unreachable, Unsupported
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.dating import describe
from moorage.registries.distribution.examination import examine
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.related import referrers_of
from moorage.registries.distribution.snapshot import take_inventory
from moorage.registries.distribution.stub import StubWay
from moorage.registries.interface import Ability, Clock
from moorage.registries.vendor import Connection

ENABLE_DELETION: Final = (
    "Enable deletion in the registry (`storage.delete.enabled: true`, or REGISTRY_STORAGE_DELETE_ENABLED=true), "
    "and make sure that it is not read-only or a pull-through cache."
)
_ATTEMPTS: Final = 4
ALLOW_STUB: Final = "Leave --no-stub away, delete all tags of the image together, or use a registry that deletes single tags."


def _now() -> datetime:
    return datetime.now(UTC)


class DefaultRegistry:
    """Implements every port of `moorage.registries.interface` but those of vendors' own APIs. Thread-safe."""

    def __init__(self, connection: Connection, *, client: Distribution | None = None, now: Clock = _now) -> None:
        self._client = client or Distribution(connection.registry, connection.session, connection.keychain)
        self._stub = StubWay(self._client, connection.session, ENABLE_DELETION)
        self._allow_stub = connection.allow_stub
        self._parallel = connection.parallel
        self._now = now
        self._lock = threading.Lock()
        self._untags: bool | None = None  # whether DELETE by tag works on this host; None until somebody wanted it
        self._blobs = SeenBlobs(self._client)
        self._inventories: dict[Repository, Inventory] = {}  # the last of each, for what has to be put back
        self._session = connection.session

    def inventory(self, repository: Repository) -> Inventory:
        found = take_inventory(self._client, repository, parallel=self._parallel)
        self._inventories[repository] = found
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        return self._client.head(repository, reference).digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._client.tags(repository))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        if not self._client.delete(repository, digest, remedy=ENABLE_DELETION):
            self._delete_again(repository, digest)

    def _delete_again(self, repository: Repository, digest: Digest) -> None:
        """After a deletion that may have stopped half-way: while its tags are listed, put the manifest back and delete it anew.

        Raises Unreachable when tags stay listed with nothing behind them.
        """
        known = self._inventories.get(repository)
        stored = known.manifests.get(digest) if known else None
        if known is None or stored is None or not stored.content:
            return
        tags = {tag for tag, target in known.tags.items() if target == digest}
        for attempt in range(1, _ATTEMPTS + 1):
            if not any(self._dangles(repository, tag) for tag in sorted(tags & self.tag_names(repository))):
                return
            self._session.pause(attempt)
            with self._session.finishing():
                self._client.put_manifest(repository, digest, stored.content, stored.media_type)
                if self._client.delete(repository, digest, remedy=ENABLE_DELETION):
                    return
        raise Unreachable(
            f"{repository}@{digest} is deleted, but some of its tags are listed still: {', '.join(map(str, sorted(tags)))}"
        )

    def _dangles(self, repository: Repository, tag: Tag) -> bool:
        try:
            self._client.head(repository, tag)
        except NotFound:
            return True
        return False

    def cannot_untag(self, repository: Repository) -> str:
        if self._allow_stub or self._untags:
            return ""
        return (
            f"{repository.registry} may not be able to remove one tag of several, and the way around it is forbidden (--no-stub)"
        )

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """By DELETE of the tag, or where that is refused by a stub manifest; never by the digest that siblings share."""
        if self._removes(repository, tag):
            return
        if not self._allow_stub:
            raise Unsupported(f"{repository.registry} does not remove single tags, {repository}:{tag} stays", remedy=ALLOW_STUB)
        self._stub.remove(repository, tag)

    def _removes(self, repository: Repository, tag: Tag) -> bool:
        """Whether the registry's own deletion took the tag; a host that refuses it is asked once."""
        if self._untags is None:
            with self._lock:  # one thread finds out, the others then know
                if self._untags is None:
                    self._untags = self._untag(repository, tag)
                    return self._untags
        return self._untags and self._untag(repository, tag)

    def _untag(self, repository: Repository, tag: Tag) -> bool:
        """Whether DELETE of the tag removed it; False where the registry does not do that."""
        try:
            self._client.delete(repository, tag)
        except Unsupported:
            return False
        except NotFound:
            self._client.head(repository, tag)  # raises NotFound when it is the tag, and not the call, that is not known
            return False
        return True

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        return describe(self._client, inventory, digests, parallel=self._parallel, now=self._now)

    def referrers(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        return referrers_of(self._client, inventory, digests, parallel=self._parallel)

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        fetched = self._client.manifest(repository, reference)
        return fetched.content, fetched.media_type

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        return self._client.blob(repository, blob)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        return self._blobs.has(repository, digest)

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """A blob that this run has seen in another repository of the registry is mounted from there."""
        self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        return self._client.put_manifest(repository, reference, content, media_type)

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        registry = self._client.access.registry
        found = []
        for path in self._client.catalog():
            if prefix and path != prefix and not path.startswith(f"{prefix}/"):
                continue
            try:
                found.append(Repository(registry, path))
            except BadReference:
                continue  # no client could name it, so nobody can have pushed there by this API
        return sorted(set(found))

    def examine(self, repository: Repository) -> Sequence[Ability]:
        return examine(self._client, repository)


def open_default(connection: Connection) -> DefaultRegistry:
    """A registry behind the OCI distribution API; nothing is asked of it yet."""
    return DefaultRegistry(connection)
