"""Docker Hub: listings and tags by the Hub's API, manifests and blobs by its registry."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final, TypeVar

from moorage.auth.credential import Basic
from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.related import referrers_of
from moorage.registries.dockerhub import payloads
from moorage.registries.dockerhub.api import HubApi
from moorage.registries.dockerhub.deletion import Deletion
from moorage.registries.dockerhub.listing import tag_records, take_inventory
from moorage.registries.dockerhub.login import TOKEN_HOSTS, api_address, login, registry_host
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection

T = TypeVar("T")


class DockerHubRegistry:
    """Implements Registry, TagDeleter, Asynchronous, Describer, ReferrerLister, Reader, Writer, Authenticator, RepositoryLister,
    RepositoryDeleter and Examiner. Thread-safe.
    """

    settles_within: Final = 60.0  # no figure is documented; "some time" is (registry API, seen 2026-11)

    def __init__(self, connection: Connection) -> None:
        who = login(connection)
        self._given = who.given
        self._registry = connection.registry
        self._client = Distribution(
            connection.registry, connection.session, who.keychain, host=registry_host(connection.registry), realms=TOKEN_HOSTS
        )
        self._api = HubApi(connection.session, api_address(connection), who, parallel=connection.parallel)
        self._deletion = Deletion(self._api, self._client, connection.session)
        self._parallel = connection.parallel
        self._tags: dict[Repository, dict[Tag, Digest]] = {}
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        found = take_inventory(self._api, self._client, repository, parallel=self._parallel)
        self._tags[repository] = dict(found.tags)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        """By HEAD, which does not count as a pull."""
        digest = self._there(repository, lambda: self._client.head(repository, reference).digest)
        self._deletion.seen.note((repository, reference), digest)
        return digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return frozenset(self._there(repository, lambda: self._client.tags(repository)))
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest, after every tag that points at it: Docker Hub refuses as long as one does."""
        if repository not in self._tags:
            records = tag_records(self._api, repository)
            self._tags[repository] = {record.name: record.digest for record in records if record.digest}
        tags = [tag for tag, target in self._tags[repository].items() if target == digest]
        self._deletion.remove(repository, digest, tags)

    # TagDeleter

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Raises NotFound, ItemRefused for an immutable one, Denied where the login may not delete."""
        self._deletion.untag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: Docker Hub removes single tags."""
        return ""

    # Describer, ReferrerLister

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """Labels, and dates where the listing has none, out of configs. A manifest that was not read yet costs a pull."""
        return describe(self._client, inventory, digests, parallel=self._parallel, now=lambda: datetime.now(UTC))

    def referrers(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        return referrers_of(self._client, inventory, digests, parallel=self._parallel)

    # Reader, Writer

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        fetched = self._there(repository, lambda: self._client.manifest(repository, reference))
        return fetched.content, fetched.media_type

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        return self._client.blob(repository, blob)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        try:
            return self._there(repository, lambda: self._blobs.has(repository, digest))
        except NotFound:
            return False  # the first push makes the repository

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """A blob that this run has seen in another repository is mounted from there."""
        self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        return self._client.put_manifest(repository, reference, content, media_type)

    # Authenticator

    def docker_login(self) -> Basic | None:
        """The login of the options, for docker too."""
        return self._given

    # RepositoryLister, RepositoryDeleter

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        """Every repository of the account that `prefix` begins with. Raises Unsupported without one, NotFound for no account."""
        namespace = prefix.partition("/")[0]
        if not namespace:
            raise Unsupported("Docker Hub lists the repositories of one account at a time", remedy="Name the account.")
        place = f"{namespace}: Docker Hub's list of repositories"
        names = self._api.listed(
            f"/v2/namespaces/{namespace}/repositories", lambda answer: payloads.repository_names(answer.json(), place)
        )
        below = [path for name in names if prefix in {namespace, path := f"{namespace}/{name}"}]
        return sorted({found for path in below if (found := self._named(path)) is not None})

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository that holds nothing, not even what has no tag: its `storage_size` has to be 0.

        Docker Hub's call deletes whatever it finds: what is pushed between our look and it goes along.
        """
        size = self._info(repository).size
        if tag_records(self._api, repository) or size != 0:
            held = f"{size} bytes" if size else "tags, or images without one"
            raise ItemRefused(f"{repository} holds {held}, and Docker Hub would delete all of it")
        self._api.call("DELETE", f"/v2/repositories/{repository.path}/", ok={200, 202, 204})

    def cannot_delete(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: whether this login may is only known by trying."""
        return ""

    def repository_date(self, repository: Repository) -> datetime | None:
        return self._info(repository).changed

    def _info(self, repository: Repository) -> payloads.RepositoryInfo:
        place = f"{repository}: what Docker Hub says of it"
        return payloads.repository(self._api.call("GET", self._api.named(repository)).json(), place)

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._registry, path)
        except BadReference:
            return None  # no client could have pushed there

    def _there(self, repository: Repository, ask: Callable[[], T]) -> T:
        """What the registry answers; NotFound for a repository that is not there, which it does not tell from a forbidden one."""
        try:
            return ask()
        except (Denied, Unauthorized) as error:
            if isinstance(error, ItemRefused) or self._exists(repository):
                raise
            raise NotFound(f"{repository} is not there, or this login must not see it: {error.message}") from None

    def _exists(self, repository: Repository) -> bool:
        """Whether the Hub's API knows it; what the API refuses to say counts as yes."""
        try:
            self._api.call("GET", self._api.named(repository))
        except NotFound:
            return False
        except RegistryError:
            return True
        return True

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.dockerhub.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, self._client, repository)


def open_docker_hub(connection: Connection) -> DockerHubRegistry:
    """Docker Hub; nothing is asked of it yet. Raises ConfigurationError for half a login."""
    return DockerHubRegistry(connection)
