"""Sonatype Nexus Repository 3: listings and deletions by its REST API, content by /v2."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from moorage.auth.credential import Basic
from moorage.auth.keychain import LoginKeychain
from moorage.errors import ConfigurationError, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.parts import reveal
from moorage.registries.interface import Ability
from moorage.registries.nexus import API_URL, PASSWORD, REPOSITORY, USERNAME
from moorage.registries.nexus.api import NexusApi
from moorage.registries.nexus.deletion import Deletion
from moorage.registries.nexus.listing import components_of, take_inventory
from moorage.registries.nexus.place import Places
from moorage.registries.vendor import Connection


class NexusRegistry:
    """Implements Registry, TagDeleter, Revealer, Describer, Reader, Writer, Authenticator, RepositoryLister and Examiner.

    Thread-safe.     Publishing takes the docker address alone; listing and deleting take Nexus's REST API, too.
    """

    def __init__(self, connection: Connection) -> None:
        self._given = _given(connection)
        keychain = LoginKeychain({connection.registry: self._given}) if self._given else connection.keychain
        options = connection.options
        self._places = Places(connection.registry, options.get(API_URL) or "", options.get(REPOSITORY) or "")
        self._client = Distribution(connection.registry, connection.session, keychain)
        self._api = NexusApi(connection.registry, connection.session, keychain, self._client.access, self._places)
        self._deletion = Deletion(self._api, self._client, self._places)
        self._parallel = connection.parallel
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        """Raises ConfigurationError where nothing says which repository of Nexus this is, Unsupported where that is not there."""
        place = self._places.of(repository)
        names = self._client.tags(repository)  # first, and for its 404: a search for what is not there finds nothing
        components = components_of(self._api, place)
        if names and not components:
            self._api.kind(place)  # says so where it is another repository of Nexus that was named
        found = take_inventory(self._client, repository, components, names, parallel=self._parallel)
        self._deletion.learn(found, components)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        digest = self._client.head(repository, reference).digest
        self._deletion.seen.note((repository, reference), digest)
        return digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._client.tags(repository))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and every tag that still points at it. Its children stay: Nexus's own task collects those."""
        self._deletion.delete_manifest(repository, digest)

    # TagDeleter

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest and its other tags stay. Raises NotFound."""
        self._deletion.delete_tag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:
        """Empty for hosted repositories; groups and proxies delete nothing."""
        return self._deletion.obstacle(self._places.of(repository))[0]

    # Revealer, Describer

    def reveal(self, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
        return reveal(self._client, inventory, digests, parallel=self._parallel)

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """What the listing did not say, read from configs: labels, and dates where Nexus has none."""
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
        """A blob that this run has seen under another image is mounted from there."""
        self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        return self._client.put_manifest(repository, reference, content, media_type)

    # Authenticator

    def docker_login(self) -> Basic | None:
        """The login of the options, for docker too; without one, docker's own configuration has to serve."""
        return self._given

    # RepositoryLister

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        """Every image of the connector's repository, or with path routing of the one that `prefix` begins with."""
        first = prefix.partition("/")[0] or "any"  # any image tells the repository; one part may be the repository itself
        try:
            place = self._places.of(Repository(self._client.access.registry, f"{first}/any" if prefix else first))
        except BadReference:
            return []  # nobody can have pushed there
        names = (one.image for one in self._api.search(place)) if place.routed else self._client.catalog()
        found = {repository for name in names if (repository := self._places.named(place, name)) is not None}
        return sorted(one for one in found if not prefix or one.path == prefix or one.path.startswith(f"{prefix}/"))

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.nexus.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, self._client, self._deletion, repository, self._places.of(repository))


def open_nexus(connection: Connection) -> NexusRegistry:
    """A Nexus; nothing is asked of it yet. Raises ConfigurationError for half a login."""
    return NexusRegistry(connection)


def _given(connection: Connection) -> Basic | None:
    """The login of the options, which goes before what docker has."""
    name, password = connection.options.get(USERNAME), connection.options.get(PASSWORD)
    given, missing = ("username", "password") if name else ("password", "username")
    prefix = f"--{connection.specific_prefix}-nexus"
    if name and password:
        return Basic(name, password, f"{prefix}-username")
    if name or password:
        raise ConfigurationError(f"{prefix}-{given} is given, {prefix}-{missing} is not: Nexus's login takes both")
    return None
