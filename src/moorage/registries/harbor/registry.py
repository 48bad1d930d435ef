"""Harbor 2: listings and deletions by its own API, content by /v2."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.auth.credential import Basic, Keychain
from moorage.auth.keychain import LoginKeychain
from moorage.errors import ConfigurationError, ItemRefused, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.harbor import API_URL, PASSWORD, USERNAME, payloads
from moorage.registries.harbor.api import PAGE, HarborApi
from moorage.registries.harbor.listing import tags_on, take_inventory
from moorage.registries.harbor.retinue import Retinue
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection

_LIFT: Final = (
    "Harbor refuses what an immutable tag points at and what an index refers to: change the project's tag immutability rule, "
    "or let the index go first. Everything else was handled."
)


class HarborRegistry:
    """Implements Registry, TagFinder, TagDeleter, Describer, Reader, Writer, RepositoryLister, RepositoryDeleter and Examiner.
    Thread-safe.

    Manifests are deleted by digest alone: Harbor takes a tag in the same place, and then deletes the whole artifact all the same.
    """

    def __init__(self, connection: Connection) -> None:
        keychain = _keychain(connection)
        self._registry = connection.registry
        self._client = Distribution(connection.registry, connection.session, keychain)
        self._api = HarborApi(
            connection.registry, connection.session, keychain, self._client.access,
            url=connection.options.get(API_URL) or "", parallel=connection.parallel,
        )  # fmt: skip
        self._parallel = connection.parallel
        self._retinue = Retinue()
        self._sizes: dict[Repository, int] = {}  # manifests of each, as last listed
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        found = take_inventory(self._api, self._client, repository, parallel=self._parallel)
        self._retinue.learn(found)
        self._sizes[repository] = len(found.manifests)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        return self._client.head(repository, reference).digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._client.tags(repository))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest with every tag. Harbor also takes its accessories, and children that nothing else needs or names.

        Raises ItemRefused for what an immutable tag points at, what an index refers to, and what an accessory that keeps a tag of
        its own belongs to.
        """
        staying = self._retinue.staying(repository, digest)
        if staying:
            raise ItemRefused(
                f"{repository}@{digest} stays: Harbor would delete {', '.join(staying)} with it, which belongs to it and is kept",
                remedy="Let the tags of its signatures and SBOMs go too, or keep the image.",
            )
        try:
            self._delete(self._api.artifact_path(repository, digest), "artifact:delete")
        except NotFound:
            if not self._retinue.was_taken(repository, digest):
                raise
        self._retinue.went(repository, digest)

    # TagFinder, TagDeleter

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        """By the list of artifacts, which is what Harbor's pulls go by (server/registry/manifest.go, seen 2026-11); nothing where
        that has more pages than there are manifests to ask for.
        """
        if self._sizes.get(repository, math.inf) > PAGE * len(digests):
            return {}
        return tags_on(self._api, repository, digests)

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest and its other tags stay. Raises NotFound, and ItemRefused for an immutable tag."""
        self._delete(f"{self._api.artifact_path(repository, tag)}/tags/{tag}", "tag:delete")
        self._retinue.untagged(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: Harbor removes single tags."""
        return ""

    def _delete(self, path: str, right: str) -> None:
        try:
            self._api.call("DELETE", path, right=right)
        except ItemRefused as error:
            raise ItemRefused(error.message, remedy=_LIFT) from None

    # Describer

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """What the listing did not say, read from configs: labels of indexes, and dates where Harbor has none."""
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

    # RepositoryLister, RepositoryDeleter

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        project = prefix.partition("/")[0]
        path = f"/projects/{project}/repositories" if project else "/repositories"
        place = f"{self._registry}: Harbor's list of repositories"
        names = self._api.listed(
            path, {"sort": "name"}, "repository:list", lambda answer: payloads.repository_names(answer.json(), place)
        )
        below = [name for name in names if not prefix or name == prefix or name.startswith(f"{prefix}/")]
        return sorted({found for name in below if (found := self._named(name)) is not None})

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository that holds nothing. Raises ItemRefused for one that holds something, NotFound.

        Harbor's call deletes whatever it finds: what is pushed between our look and it goes along.
        """
        held = self._client.tags(repository)
        params = {"page": "1", "page_size": "1"}
        path = f"{self._api.repository_path(repository)}/artifacts"
        listed = self._api.call("GET", path, right="artifact:list", params=params)
        if held or listed.json():
            raise ItemRefused(f"{repository} is not empty, and Harbor would delete all that it holds")
        self._delete(self._api.repository_path(repository), "repository:delete")

    def cannot_delete(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: whether this login may is only known by trying."""
        return ""

    def repository_date(self, repository: Repository) -> datetime | None:
        answer = self._api.call("GET", self._api.repository_path(repository), right="repository:read")
        return payloads.repository_date(answer.json(), f"{repository}: Harbor's word on it")

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._registry, path)
        except BadReference:
            return None  # no client could have pushed there

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.harbor.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, self._client, repository)


def open_harbor(connection: Connection) -> HarborRegistry:
    """A Harbor; nothing is asked of it yet. Raises ConfigurationError for half a login."""
    return HarborRegistry(connection)


def _keychain(connection: Connection) -> Keychain:
    """The login of the options before what docker has."""
    name, password = connection.options.get(USERNAME), connection.options.get(PASSWORD)
    given, missing = ("username", "password") if name else ("password", "username")
    prefix = f"--{connection.specific_prefix}-harbor"
    if name and password:
        return LoginKeychain({connection.registry: Basic(name, password, f"{prefix}-username")})
    if name or password:
        raise ConfigurationError(f"{prefix}-{given} is given, {prefix}-{missing} is not: Harbor's login takes both")
    return connection.keychain
