"""Quay: tags and their history by its own API where there is an OAuth token, everything else by /v2."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from moorage.auth.credential import Basic
from moorage.errors import Denied, ItemRefused, NotFound, Unsupported
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Action, Distribution, payloads
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.parts import reveal
from moorage.registries.interface import Ability
from moorage.registries.quay import API_URL, listing
from moorage.registries.quay.api import PAGE, QuayApi
from moorage.registries.quay.deletion import Deletion
from moorage.registries.quay.departed import Departed
from moorage.registries.quay.login import login_of, scopes
from moorage.registries.vendor import Connection
from moorage.transport import pages


class QuayRegistry:
    """Implements every port but those of batches and referrers. Thread-safe.

    In Quay a manifest lives as long as a tag leads to it, or an index with a tag; to delete it is to delete its tags.
    """

    def __init__(self, connection: Connection) -> None:
        self._login = login_of(connection)
        self._client = Distribution(connection.registry, connection.session, self._login.keychain, scopes=scopes)
        self._api = QuayApi(connection.session, self._client.access, self._login, connection.options.get(API_URL) or "")
        self._departed = Departed()
        self._deletion = Deletion(self._client, self._api, connection.session, self._login, self._departed)
        self._parallel = connection.parallel
        self._lock = threading.Lock()
        self._known: dict[Repository, int] = {}  # seen to be there by this run, with as many tags
        self._ready: set[Repository] = set()  # made ready for pushes
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        if self._login.token is not None:
            found = listing.by_api(self._api, self._client, repository, parallel=self._parallel)
        else:
            found = listing.by_tags(self._client, repository, parallel=self._parallel)
        self._known[repository] = len(found.tags) + len(found.records)
        self._departed.learn(found)
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        """The digest right now. Of a part of an index that this run deleted, Quay's memory of pulls is not believed."""
        try:
            digest = self._client.head(repository, reference).digest
        except Denied as error:
            raise self._unseen(repository, error) from None
        if isinstance(reference, Digest) and self._departed.holds(repository, reference):
            self._require_live(repository, reference)
        return digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            if self._login.token is not None:
                return frozenset(record.name for record in self._api.tags(repository))
            return frozenset(self._client.tags(repository))
        except NotFound:
            return frozenset()
        except Denied as error:
            if isinstance(self._unseen(repository, error), NotFound):
                return frozenset()
            raise

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        self._deletion.manifest(repository, digest)

    # TagFinder, TagDeleter

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        """By the API's list of tags, which is what pulls go by; nothing where it has more pages than there are manifests to ask
        for, or there is no token for it.
        """
        if self._login.token is None or self._known.get(repository, math.inf) > PAGE * len(digests):
            return {}
        found: dict[Digest, set[Tag]] = {digest: set() for digest in digests}
        for record in self._api.tags(repository):
            found.get(record.digest, set()).add(record.name)
        return {digest: frozenset(tags) for digest, tags in found.items()}

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. With its last tag a manifest goes, unless it is part of an index (`Inventory.lives_by_tags`)."""
        self._deletion.tag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:
        return self._deletion.cannot_untag(repository)

    # Revealer, Describer

    def reveal(self, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
        return reveal(self._client, inventory, digests, parallel=self._parallel)

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        return describe(self._client, inventory, digests, parallel=self._parallel, now=lambda: datetime.now(UTC))

    # Reader, Writer

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        fetched = self._client.manifest(repository, reference)
        return fetched.content, fetched.media_type

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        return self._client.blob(repository, blob)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        self._make_ready(repository)
        return self._blobs.has(repository, digest)

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """A blob that this run has seen in another repository is mounted from there."""
        self._make_ready(repository)
        self._blobs.put(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        self._make_ready(repository)
        return self._client.put_manifest(repository, reference, content, media_type)

    def _make_ready(self, repository: Repository) -> None:
        """Quay makes a repository when somebody asks for a token to push to it, and says of no other whether a blob is there."""
        with self._lock:
            if repository not in self._ready:
                self._client.access.token(tuple(scopes(repository, Action.PUSH)))
                self._ready.add(repository)

    # Authenticator

    def docker_login(self) -> Basic | None:
        """The OAuth token of the options as docker takes it; without one, docker's own configuration has to serve."""
        return self._login.given

    # RepositoryLister, RepositoryDeleter

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        namespace = prefix.partition("/")[0]
        paths = self._api.repositories(namespace) if namespace and self._login.token is not None else self._catalog()
        below = {path for path in paths if not prefix or path == prefix or path.startswith(f"{prefix}/")}
        return sorted(found for path in below if (found := self._named(path)) is not None)

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository without tags. Raises ItemRefused for one that has some, NotFound, Unsupported without a token.

        Quay's call deletes whatever it finds, and with it the deleted tags that it could still bring back: what is pushed between
        our look and it goes along.
        """
        if reason := self.cannot_delete(repository):
            raise Unsupported(f"{repository}: {reason}", remedy=f"Give {self._login.option} an OAuth token with repo:admin.")
        if self._api.tags(repository):
            raise ItemRefused(
                f"{repository} is not empty, and Quay would delete all that it holds", remedy="Delete its tags first."
            )
        self._api.delete_repository(repository)

    def cannot_delete(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        if self._login.token is not None:
            return ""
        return f"Quay deletes repositories by its own API alone, for which {self._login.option} gives no OAuth token"

    def repository_date(self, repository: Repository) -> datetime | None:
        """None: Quay says of no repository when it was made or pushed to. Raises NotFound for one that is not there."""
        self._api.rights(repository)
        return None

    def _catalog(self) -> list[str]:
        """All repositories that this login sees, by /v2. Quay answers 400 to the usual scope for that, `registry:catalog:*`."""

        def step(url: str) -> tuple[Sequence[object], str | None]:
            answer = self._client.call("GET", url, ())
            return payloads.entries(answer, "repositories"), pages.next_link(answer)

        listed = pages.walk(f"{self._client.access.base}/v2/_catalog", step)
        return [path for path in listed if isinstance(path, str)]

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._client.access.registry, path)
        except BadReference:
            return None  # no client could have pushed there

    # Restorer

    def restore(self, repository: Repository, digest: Digest, vendor_id: str, tags: Sequence[Tag]) -> None:  # noqa: ARG002 -- the port's signature
        """Let its tags point at a manifest again that the time machine still has; a tag that was pushed since is left alone."""
        if self._login.token is None:
            raise Unsupported(
                f"Quay's time machine has {repository}@{digest} and opens to its own API alone",
                remedy=f"Give {self._login.option} an OAuth token with the scopes repo:read and repo:write.",
            )
        free = [tag for tag in tags if self._target(repository, tag) in {None, digest}]
        if not free:
            raise ItemRefused(
                f"{repository}@{digest} stays deleted: its tags point elsewhere by now, and Quay keeps nothing without a tag",
                remedy=f"Give it a tag of your choice in Quay's tag history, while the time machine has it: {digest}",
            )
        for tag in free:
            self._api.restore_tag(repository, tag, digest)

    def _target(self, repository: Repository, tag: Tag) -> Digest | None:
        try:
            return self._client.head(repository, tag).digest
        except NotFound:
            return None

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.quay.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._api, self._client, self._login, repository)

    # What Quay says of what it does not want to show, and of what it remembers

    def _unseen(self, repository: Repository, error: Denied) -> Exception:
        """Quay hides from whoever may not read a repository whether it is there: 401 by /v2, and 403 by the API."""
        if isinstance(error, ItemRefused) or repository in self._known:
            return error
        return NotFound(f"{repository} is not there, or must not be seen: {error.message}", remedy=error.remedy)

    def _require_live(self, repository: Repository, digest: Digest) -> None:
        """Raise NotFound unless something with a tag leads to a manifest.

        A manifest that was read lately is handed out for five minutes from a cache after its index was deleted; the referrers of
        one are only listed while it is there (data/registry_model, endpoints/v2/referrers.py, seen 2026-11). Where that call is
        switched off, that its index went has to do.
        """
        url = f"{self._client.access.base}/v2/{repository.path}/referrers/{digest}"
        answer = self._client.call("GET", url, scopes(repository, Action.PULL), ok={200, 404})
        if answer.status == 404:
            raise NotFound(f"{repository}@{digest} went with the index that it was part of")


def open_quay(connection: Connection) -> QuayRegistry:
    """A Quay; nothing is asked of it yet."""
    return QuayRegistry(connection)
