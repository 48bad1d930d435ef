"""GitHub Packages for images: ghcr.io and GHES' `containers.HOST` by REST, docker.pkg.github.com and `docker.HOST` by GraphQL."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution, Fetched
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.just_seen import JustSeen
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.stub import StubWay
from moorage.registries.distribution.threads import in_threads
from moorage.registries.github import listing, login
from moorage.registries.github.api import READ, WRITE, GithubApi
from moorage.registries.github.package import Package
from moorage.registries.github.payloads import Version
from moorage.registries.github.places import Places
from moorage.registries.github.untagging import VersionsAsManifests
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection

_NO_UNTAGGING: Final = (
    "GitHub's container registry has no call that removes one tag of several, and the way around it is forbidden"
)
_ALLOW_STUB: Final = "Leave --no-stub away, or delete all tags of the image together."
_AGAIN: Final = "Run again; if it stays, delete all tags of the image together."
_ATTEMPTS: Final = 5  # looks at what was restored


class GithubRegistry:
    """Implements Registry, TagDeleter, Describer, Reader, Writer, RepositoryLister, WholeDeleter, Restorer and
    Examiner. Thread-safe.

    To publish, only /v2 is spoken, with docker's login before the token of the options; the API takes them the other way round.
    """

    def __init__(self, connection: Connection) -> None:
        self._registry = connection.registry
        self._session = connection.session
        self._parallel = connection.parallel
        self._allow_stub = connection.allow_stub
        option = f"{connection.specific_prefix}-github-token"
        self._client = Distribution(connection.registry, connection.session, login.keychain(connection, option))
        self._api = GithubApi(
            connection.registry, connection.session, login.locator(connection), lambda: login.token(connection, option),
            option=option, parallel=connection.parallel,
        )  # fmt: skip
        self._places = Places(connection.registry, self._api, connection.session)
        versions = VersionsAsManifests(self._client, self._api, connection.session, self._places.package)
        self._stub = StubWay(versions, connection.session, _AGAIN)
        self._lock = threading.Lock()
        self._untagged: dict[Repository, RegistryError | None] = {}  # what the first removal of a tag came to
        self._known: dict[Repository, Sequence[Version]] = {}
        self._blobs = SeenBlobs(self._client)
        self._seen: JustSeen[tuple[Repository, Tag | Digest], Digest] = JustSeen()

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        package = self._places.package(repository)
        try:
            versions = package.versions()
        except NotFound as error:
            raise self._unlisted(repository, error) from None
        if package.is_by_tag:
            found = listing.of_tags(self._client, repository, versions, parallel=self._parallel)
            versions = [replace(version, digest=found.tags.get(version.tags[0])) for version in versions]
        else:
            found = listing.of_manifests(self._client, repository, versions, is_listed=package.is_listed, parallel=self._parallel)
        self._known[repository] = versions
        return replace(found, keeps_last_tagged=package.keeps_last)

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        digest = self._client.head(repository, reference).digest
        self._seen.note((repository, reference), digest)
        return digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._client.tags(repository))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest with every tag: one version of a container package, several of an old Docker package.

        Raises ItemRefused for the last tagged version of a package and for one that was downloaded too often.
        """
        package = self._places.package(repository)
        gone: NotFound | None = NotFound(f"{repository}@{digest} is among no versions that GitHub lists")
        for version in self._versions(package, repository, digest):
            try:
                package.delete(version)
                gone = None
            except NotFound as error:
                gone = gone and error
        if gone is not None:
            raise gone

    def _versions(self, package: Package, repository: Repository, digest: Digest) -> list[Version]:
        """The versions that a digest stands for; known from the inventory, else looked for."""
        known = [version for version in self._known.get(repository, ()) if version.digest == digest]
        if not package.is_by_tag:
            found = known[0] if known else package.find(digest)
            return [found] if found else []
        candidates = known or package.versions()
        current = in_threads(lambda version: self._target(repository, version.tags[0]), candidates, self._parallel)
        return [version for version, target in zip(candidates, current, strict=True) if target == digest]

    def _target(self, repository: Repository, tag: Tag) -> Digest | None:
        try:
            return self._seen.take((repository, tag)) or self._client.head(repository, tag).digest
        except NotFound:
            return None

    # TagDeleter

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone: the old registry's own way, or the stub way, which the container registry leaves.

        Raises ItemRefused where the package would be left without a tagged version.
        """
        package = self._places.package(repository)
        if package.is_by_tag:
            package.delete(self._version_of(package, repository, tag))
        elif not self._allow_stub:
            raise Unsupported(f"{repository}:{tag} stays: {_NO_UNTAGGING} (--no-stub)", remedy=_ALLOW_STUB)
        else:
            self._move_away(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:
        if self._allow_stub or self._places.package(repository).is_by_tag:
            return ""
        return f"{_NO_UNTAGGING} (--no-stub)"

    def _version_of(self, package: Package, repository: Repository, tag: Tag) -> Version:
        known = [version for version in self._known.get(repository, ()) if tag in version.tags]
        found = known or [version for version in package.versions() if tag in version.tags]
        if not found:
            raise NotFound(f"{repository}:{tag} is not among the versions that GitHub lists")
        if len(found[0].tags) > 1:
            raise Unsupported(f"{repository}:{tag} shares version {found[0].id} with other tags, and stays with them")
        return found[0]

    def _move_away(self, repository: Repository, tag: Tag) -> None:
        """The stub way. Only trying tells whether there is a right to delete: the others wait for what comes of the first."""
        with self._lock:
            if repository not in self._untagged:
                self._untagged[repository] = self._first_move(repository, tag)
                return
            refused = self._untagged[repository]
        if refused is not None:
            raise refused
        self._stub.remove(repository, tag)

    def _first_move(self, repository: Repository, tag: Tag) -> RegistryError | None:
        try:
            self._stub.remove(repository, tag)
        except ItemRefused:
            raise
        except (Denied, Unauthorized) as error:
            self._untagged[repository] = error
            raise
        return None

    # Describer

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
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
        with self._pushing():
            self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        with self._pushing():
            return self._client.put_manifest(repository, reference, content, media_type)

    @contextmanager
    def _pushing(self) -> Iterator[None]:
        try:
            yield
        except ItemRefused:
            raise
        except Denied as error:
            raise Denied(error.message, remedy=self._api.advice(WRITE)) from None

    # RepositoryLister

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        return self._places.repositories(prefix)

    # WholeDeleter

    def delete_whole(self, repository: Repository, holding: Mapping[Digest, AbstractSet[Tag]]) -> None:
        """Delete a package whose versions are exactly these. Raises ItemRefused for any other, and one downloaded too often.

        GitHub's call deletes whatever it finds: what is pushed between our look and it goes along, and can be brought back for 30
        days.
        """
        package = self._places.package(repository)
        versions = package.versions()
        expected = {tag for tags in holding.values() for tag in tags}
        fits = {tag for version in versions for tag in version.tags} == expected
        if not package.is_by_tag:
            fits = {version.digest: frozenset(version.tags) for version in versions} == {**holding}
        if not fits:
            raise ItemRefused(
                f"{repository} holds other versions than planned, {len(versions)} in all, and GitHub would delete all of them",
                remedy="Run again: what has come since is in the next plan.",
            )
        package.delete_whole()
        self._known.pop(repository, None)

    def cannot_delete(self, repository: Repository) -> str:
        return self._places.package(repository).cannot_delete()

    def repository_date(self, repository: Repository) -> datetime | None:
        return self._places.package(repository).record().changed

    # Restorer

    def restore(self, repository: Repository, digest: Digest, vendor_id: str, tags: Sequence[Tag]) -> None:
        """Bring a version back within 30 days of its deletion. Tags that did not come back with it are set again.

        Raises NotFound when GitHub has let go of it; a tag that points elsewhere by now is left there.
        """
        self._places.package(repository).restore(vendor_id)
        fetched = self._restored(repository, digest)
        for tag in tags:
            if self._target(repository, tag) is None:
                self.put_manifest(repository, tag, fetched.content, fetched.media_type)

    def _restored(self, repository: Repository, digest: Digest) -> Fetched:
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._client.manifest(repository, digest)
            except NotFound:
                self._session.pause(attempt)
        return self._client.manifest(repository, digest)

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.github.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, self._client, self._places, repository, allow_stub=self._allow_stub)

    def _unlisted(self, repository: Repository, error: NotFound) -> RegistryError:
        """What a 404 for the versions means: the registry itself is asked, which has rights of its own."""
        advice = self._api.advice(READ)
        try:
            self._client.tags(repository)
        except RegistryError:
            return NotFound(
                f"{repository}: {error.message}",
                remedy=f"Check the address. It is also how GitHub answers a missing right: {advice}",
            )
        return Denied(f"{repository} is there, but GitHub's API does not show it to this token: {error.message}", remedy=advice)


def open_github(connection: Connection) -> GithubRegistry:
    """GitHub Packages; nothing is asked of it yet, and no address of an API is needed before it is."""
    return GithubRegistry(connection)
