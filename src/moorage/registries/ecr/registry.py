"""AWS ECR: listings and deletions by its own API, content by /v2."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.auth.credential import Basic
from moorage.errors import ItemRefused, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import dating
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.stub import StubWay
from moorage.registries.distribution.threads import in_threads
from moorage.registries.ecr import CREATE_REPOSITORIES
from moorage.registries.ecr.api import BATCH, EcrApi, PublicEcrApi
from moorage.registries.ecr.aws import Aws
from moorage.registries.ecr.content import EcrContent
from moorage.registries.ecr.listing import by_batches, in_batches, one_by_one, read_below, remembering, take_inventory
from moorage.registries.ecr.location import locate
from moorage.registries.ecr.login import EcrKeychain
from moorage.registries.ecr.payloads import Image
from moorage.registries.ecr.removal import Removal
from moorage.registries.ecr.trouble import grant
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection


class EcrRegistry:
    """Implements Registry, TagDeleter, BatchDeleter, BatchReader, TagFinder, Describer, Reader, Writer, RepositoryLister,
    RepositoryCreator, RepositoryDeleter, Authenticator and Examiner. Thread-safe.
    """

    batch_limit: Final = BATCH

    def __init__(self, connection: Connection) -> None:
        self._location = locate(connection)
        self._aws = Aws(self._location, connection.session)
        api = PublicEcrApi if self._location.is_public else EcrApi
        self._api = api(self._aws, connection.registry)
        self._login = EcrKeychain(self._aws, self._api, connection.keychain)
        self._client = EcrContent(connection.registry, connection.session, self._login, self._api)
        self._parallel = connection.parallel
        stub = StubWay(self._client, connection.session, grant(f"{self._location.service}:BatchDeleteImage", connection.registry))
        self._removal = Removal(self._api, self._client, stub if connection.allow_stub else None)
        one, many = one_by_one(self._client, parallel=self._parallel), by_batches(self._api, parallel=self._parallel)
        self._read = one if self._location.is_public else many
        self._blobs = SeenBlobs(self._client)
        self.creates_repositories = connection.options.get(CREATE_REPOSITORIES) is True

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        return take_inventory(self._api, self._read, repository, says_subjects=not self._location.is_public)

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        return self._client.head(repository, reference).digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._api.tags(repository))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest with every tag. Raises ItemRefused while an index refers to it."""
        error = self._removal.manifests(repository, [digest])[digest]
        if error is not None:
            raise error

    # BatchDeleter, BatchReader, TagFinder, TagDeleter

    def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, Exception | None]:
        return self._removal.manifests(repository, digests)

    def manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, tuple[bytes, str] | None]:
        """By BatchGetImage, a hundred a call; ECR Public has none, and leaves all of them out."""
        if self._location.is_public:
            return {}
        read = self._read(repository, digests)
        found = {digest: (stored.content, stored.media_type) for digest, stored in read.manifests.items()}
        return {**found, **dict.fromkeys(read.missing)}

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        """By DescribeImages, a hundred a call. A call that names one image that is gone says nothing of the others, either."""
        batches = in_batches(digests)
        answers = in_threads(lambda batch: self._described(repository, batch), batches, self._parallel)
        return {image.digest: frozenset(image.tags) for described in answers for image in described}

    def _described(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Image]:
        try:
            return self._api.described(repository, digests)
        except NotFound:
            return ()

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; a manifest stays though it was its last. Raises NotFound, ItemRefused where that cannot be."""
        self._removal.tag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: ECR removes single tags. Only the last tag of an image that has to stay may be refused, for itself alone."""
        return ""

    # Describer

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """Labels, which the listing never has, read from configs; and dates where ECR has none."""
        wanted = [inventory.manifests[digest] for digest in dict.fromkeys(digests) if digest in inventory.manifests]
        unclear = [stored.digest for stored in wanted if not stored.locked and (stored.labels is None or not stored.dated)]
        below = read_below(remembering(self._read, inventory), inventory.repository, unclear)
        seen = Inventory(inventory.repository, {}, below.manifests, unreadable=below.unreadable, missing=below.missing)
        described = dating.describe(self._client, seen, unclear, parallel=self._parallel, now=lambda: datetime.now(UTC))
        told = {stored.digest: stored for stored in described}
        return [_completed(stored, told.get(stored.digest)) for stored in wanted]

    # Reader, Writer

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        fetched = self._client.manifest(repository, reference)
        return fetched.content, fetched.media_type

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        return self._client.blob(repository, blob)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        return self._blobs.has(repository, digest)

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """A blob that this run has seen in another repository is mounted from there, where the account allows that."""
        self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        return self._client.put_manifest(repository, reference, content, media_type)

    # Authenticator

    def docker_login(self) -> Basic | None:
        return self._login.own()

    # RepositoryLister, RepositoryCreator, RepositoryDeleter

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        return self._api.repositories(prefix)

    def create_repository(self, repository: Repository) -> bool:
        if self._api.has_repository(repository):
            return False
        try:
            self._api.create_repository(repository)
        except ItemRefused:
            return False  # somebody else was faster
        return True

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository that holds nothing. Raises ItemRefused for one that holds something, NotFound.

        ECR itself refuses where it holds an image (we never say `force`): nothing that was pushed is lost, whenever it was.
        """
        self._api.delete_repository(repository)

    def cannot_delete(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: whether this login may is only known by trying."""
        return ""

    def repository_date(self, repository: Repository) -> datetime | None:
        """When it was made: ECR does not say when a repository was pushed to."""
        return self._api.made(repository)

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.ecr.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._aws, self._api, self._client, repository)


def open_ecr(connection: Connection) -> EcrRegistry:
    """A registry of ECR or ECR Public; nothing is asked of it yet.

    Raises ConfigurationError for a host that does not name account and region, where the options do not either.
    """
    return EcrRegistry(connection)


def _completed(stored: Stored, told: Stored | None) -> Stored:
    labels = told.labels if told and told.labels is not None else {}
    if stored.dated:
        return replace(stored, labels=labels)
    return replace(stored, labels=labels, date=told.date if told else None, dated=True)
