"""Google Artifact Registry and what was Container Registry: /v2 with Google's list of tags and Google's order of deletions."""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from moorage.auth.credential import Basic
from moorage.errors import NotFound, RegistryError
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Action
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.parts import reveal
from moorage.registries.gcr.api import GoogleApi
from moorage.registries.gcr.deletion import Deletion
from moorage.registries.gcr.listing import take_inventory
from moorage.registries.gcr.login import GoogleKeychain
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection

_DEEPEST = 16  # levels of repositories below a prefix


class GoogleRegistry:
    """Implements Registry, TagDeleter, Describer, Reader, Writer, RepositoryLister, Authenticator and Examiner. Thread-safe."""

    def __init__(self, connection: Connection) -> None:
        self._registry = connection.registry
        self._keychain = GoogleKeychain(connection.keychain, os.environ, connection.session)
        self._api = GoogleApi(connection.registry, connection.session, self._keychain)
        self._client = self._api.client
        self._deletion = Deletion(self._api, connection.session)
        self._parallel = connection.parallel
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        found = take_inventory(self._api, repository, parallel=self._parallel)
        self._deletion.learn(found)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        with self._api.explained(repository, Action.PULL):
            digest = self._client.head(repository, reference).digest
        if isinstance(reference, Tag):
            self._deletion.saw(repository, reference, digest)
        return digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            listing = self._api.listing(repository)
        except NotFound:
            return frozenset()
        return frozenset((*listing.tags, *(tag for one in listing.manifests or () for tag in one.tags)))

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest with every tag. Raises ItemRefused for what an index or a referrer needs, and for immutable tags."""
        self._deletion.manifest(repository, digest)

    # TagDeleter

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest stays, without a tag if that was its last. Raises NotFound and ItemRefused."""
        self._deletion.tag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: Google removes single tags."""
        return ""

    # Revealer, Describer

    def reveal(self, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
        return reveal(self._client, inventory, digests, parallel=self._parallel)

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """Labels, and dates where Google has none: read from configs, and from those manifests that were not read yet."""
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
        with self._api.explained(repository, Action.PUSH):
            self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        with self._api.explained(repository, Action.PUSH):
            return self._client.put_manifest(repository, reference, content, media_type)

    # Authenticator

    def docker_login(self) -> Basic | None:
        """What Google's own chain gives, where docker has no login of its own."""
        return self._keychain.for_docker(self._registry)

    # RepositoryLister

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        """By Google's lists, which name the repositories below one; where they name none, by the catalog of the host.

        gcr.io names children, for pkg.dev people report both an empty catalog and a full one (gcr-cleaner, HarborGuard#151; seen
        2026-11), so both are asked.
        """
        below = self._walk(prefix) if prefix else {}
        paths = [path for path, holds in below.items() if holds] or [
            path for path in self._catalog() if not prefix or path == prefix or path.startswith(f"{prefix}/")
        ]
        return sorted({found for path in paths if (found := self._named(path)) is not None})

    def _walk(self, prefix: str) -> dict[str, bool]:
        """Every path at or below a prefix, and whether manifests are there."""
        found: dict[str, bool] = {}
        level = [prefix]
        for _ in range(_DEEPEST):
            following = []
            for path in level:
                repository = self._named(path)
                if repository is None or path in found:
                    continue
                try:
                    listing = self._api.listing(repository)
                except NotFound:
                    continue
                found[path] = bool(listing.manifests or listing.tags)
                following += [f"{path}/{child}" for child in listing.children]
            level = following
        return found

    def _catalog(self) -> list[str]:
        try:
            return list(self._client.catalog())
        except NotFound:
            return []

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._registry, path)
        except BadReference:
            return None  # no client could have pushed there

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        """What can be read. Google says of rights only by its IAM API, and of its tokens nothing, so trying has to tell."""
        credential = self._keychain.credential(self._registry)
        login = Ability("login", credential is not None or None, credential.source if credential else "none: anonymous")
        try:
            self._api.listing(repository)
        except NotFound as error:
            listed = Ability("list", None, f"{repository} is not there yet: {error.message}. {error.remedy}")
        except RegistryError as error:
            listed = Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
        else:
            listed = Ability("list", possible=True)
        return [
            login,
            listed,
            Ability("pull", listed.possible, listed.detail),
            Ability("push", None, "only trying would tell; it needs roles/artifactregistry.writer in the repository"),
            Ability("delete", None, "only trying would tell; it needs roles/artifactregistry.repoAdmin in the repository"),
        ]


def open_gcr(connection: Connection) -> GoogleRegistry:
    """Google's registry; nothing is asked of it yet."""
    return GoogleRegistry(connection)
