"""JFrog Artifactory: listings by AQL, deletions by folders, content by /v2."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from moorage.auth.credential import Basic
from moorage.errors import Denied, ItemRefused, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Distribution, snapshot
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.parts import reveal
from moorage.registries.interface import Ability
from moorage.registries.jfrog import API_URL, REPOSITORY
from moorage.registries.jfrog.api import JFrogApi
from moorage.registries.jfrog.deletion import Deletion
from moorage.registries.jfrog.listing import take_inventory
from moorage.registries.jfrog.login import Login
from moorage.registries.jfrog.place import Places
from moorage.registries.vendor import Connection


class JFrogRegistry:
    """Implements Registry, TagDeleter, Revealer, Describer, Reader, Writer, Authenticator, RepositoryLister and Examiner.

    Thread-safe.     Publishing takes the docker address alone; listing and deleting take Artifactory's REST API, too.
    """

    def __init__(self, connection: Connection) -> None:
        options = connection.options
        login = self._login = Login(connection)
        self._places = Places(connection.registry, options.get(API_URL) or "", options.get(REPOSITORY) or "")
        self._client = Distribution(connection.registry, connection.session, login.keychain)
        self._api = JFrogApi(connection.registry, connection.session, login, self._client.access, self._places)
        self._deletion = Deletion(self._api, self._client, connection.session, self._places)
        self._parallel = connection.parallel
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        """Where this login must not query, everything that the tags lead to, without Artifactory's dates.

        Raises ConfigurationError where nothing says which repository of Artifactory this is, Unsupported where that is not there.
        """
        place = self._places.of(repository)
        try:
            names = self._api.tags(place)  # first, and for its 404: a query for what is not there finds nothing
        except NotFound:
            self._api.kind(place)  # says so where it is the whole repository of Artifactory that is not there
            raise
        try:
            folders = self._api.manifests(place)
        except Denied as error:
            if isinstance(error, ItemRefused):
                raise
            folders = []
            found = snapshot.take_inventory(self._client, repository, parallel=self._parallel)
        else:
            found = take_inventory(self._client, repository, folders, names, parallel=self._parallel)
        self._deletion.learn(found, folders)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        digest = self._client.head(repository, reference).digest
        self._deletion.seen.note((repository, reference), digest)
        return digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._api.tags(self._places.of(repository)))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and every tag that still points at it. The children of an index stay."""
        self._deletion.delete_manifest(repository, digest)

    # TagDeleter

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest and its other tags stay. Raises NotFound."""
        self._deletion.delete_tag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:
        """Empty for local repositories; virtual and remote ones delete nothing."""
        return self._api.obstacle(self._places.of(repository))

    # Revealer, Describer

    def reveal(self, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
        return reveal(self._client, inventory, digests, parallel=self._parallel)

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """What the listing did not say, read from configs: labels, and dates where Artifactory has none."""
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
        """The token of the options with the user that it says; otherwise docker's own configuration has to serve."""
        return self._login.for_docker

    # RepositoryLister

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        """Every image of the repository that the options name, or else of the one that `prefix` begins with."""
        first = prefix.partition("/")[0] or "any"  # any image tells the repository; one part may be the repository itself
        try:
            place = self._places.of(Repository(self._client.access.registry, f"{first}/any" if prefix else first))
        except BadReference:
            return []  # nobody can have pushed there
        found = {repository for name in self._api.images(place) if (repository := self._places.named(place, name)) is not None}
        return sorted(one for one in found if not prefix or one.path == prefix or one.path.startswith(f"{prefix}/"))

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.jfrog.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, repository, self._places.of(repository))


def open_jfrog(connection: Connection) -> JFrogRegistry:
    """An Artifactory; nothing is asked of it yet."""
    return JFrogRegistry(connection)
