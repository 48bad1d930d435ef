"""Azure Container Registry: listings and tags by ACR's own API, manifests and blobs by /v2."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from moorage.auth.credential import Basic
from moorage.errors import ItemRefused, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.acr.api import AcrApi, acr_scopes
from moorage.registries.acr.deletion import Deletion
from moorage.registries.acr.listing import take_inventory
from moorage.registries.acr.login import Login
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection


class AcrRegistry:
    """Implements Registry, TagFinder, TagDeleter, Describer, Reader, Writer, Authenticator, RepositoryLister, RepositoryDeleter
    and Examiner.

    Thread-safe. No ReferrerLister: the listing holds all referrers, with or without tags.
    """

    def __init__(self, connection: Connection) -> None:
        self._registry = connection.registry
        self._login = Login(connection)
        self._client = Distribution(connection.registry, connection.session, self._login.keychain, scopes=acr_scopes)
        self._api = AcrApi(self._client)
        self._deletion = Deletion(self._api, parallel=connection.parallel)
        self._parallel = connection.parallel
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        found = take_inventory(self._api, self._client, repository, parallel=self._parallel)
        self._deletion.learn(found)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        return self._client.head(repository, reference).digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(record.name for record in self._api.tags(repository))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and, with it, EVERY tag that points at it; the parts of an index stay, without a tag.

        Raises ItemRefused, with nothing changed, where a tag of it is locked, or has appeared since the inventory.
        """
        self._deletion.remove(repository, digest)

    # TagFinder, TagDeleter

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        return self._deletion.tags_on(repository, digests)

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest stays. Raises NotFound, ItemRefused for a locked one."""
        self._deletion.untag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: ACR removes single tags."""
        return ""

    # Describer

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """Labels, and dates where the listing has none, out of configs."""
        return describe(self._client, inventory, digests, parallel=self._parallel, now=lambda: datetime.now(UTC))

    # Reader, Writer

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        fetched = self._client.manifest(repository, reference)
        return fetched.content, fetched.media_type

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        return self._client.blob(repository, blob)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        return self._blobs.has(repository, digest)

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """A blob that this run has seen in another repository is mounted from there."""
        self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        return self._client.put_manifest(repository, reference, content, media_type)

    # Authenticator

    def docker_login(self) -> Basic | None:
        """The login of the options, or a refresh token of the workload identity (about three hours)."""
        return self._login.docker_login()

    # RepositoryLister, RepositoryDeleter

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        names = [name for name in self._api.repository_names() if not prefix or name == prefix or name.startswith(f"{prefix}/")]
        return sorted({found for name in names if (found := self._named(name)) is not None})

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository that holds nothing. Raises ItemRefused for one that holds something, NotFound.

        ACR's call deletes whatever it finds: what is pushed between our look and it goes along.
        """
        held = self._api.repository(repository)
        if held.manifests != 0 or held.tags != 0:
            raise ItemRefused(f"{repository} holds {held.manifests} manifests, and ACR would delete all of them")
        self._api.delete_repository(repository)

    def cannot_delete(self, repository: Repository) -> str:
        """What locks it, if anything does."""
        return self._api.repository(repository).attributes.lock

    def repository_date(self, repository: Repository) -> datetime | None:
        return self._api.repository(repository).updated

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._registry, path)
        except BadReference:
            return None  # no client could have pushed there

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.acr.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, self._client, repository)


def open_acr(connection: Connection) -> AcrRegistry:
    """A registry of Azure; nothing is asked of it yet. Raises ConfigurationError for half a login."""
    return AcrRegistry(connection)
