"""GitLab's container registry: content and deletions by /v2, listings by whatever the GitLab offers, repositories by its API."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Throttled, Unreachable
from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, Blob
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution import Action, Distribution, dating, standard_scopes
from moorage.registries.distribution.mounting import SeenBlobs
from moorage.registries.distribution.related import referrers_of
from moorage.registries.distribution.snapshot import read_digest
from moorage.registries.distribution.threads import in_threads
from moorage.registries.gitlab.api import GitLabApi
from moorage.registries.gitlab.deletion import Deletion, deletion_scopes
from moorage.registries.gitlab.grants import Grants, read_grants
from moorage.registries.gitlab.listing import take_inventory
from moorage.registries.gitlab.login import login_of
from moorage.registries.gitlab.payloads import Found
from moorage.registries.gitlab.tags import MOST, TagLists
from moorage.registries.interface import Ability
from moorage.registries.vendor import Connection

_LOOKS: Final = 8  # at a repository that is being deleted, with growing pauses


class GitLabRegistry:
    """Implements every port of `moorage.registries.interface` but batches and restore. Thread-safe."""

    def __init__(self, connection: Connection) -> None:
        login = login_of(connection)
        realms = _realms(connection)
        self._registry = connection.registry
        self._session = connection.session
        self._client = Distribution(connection.registry, connection.session, login.keychain, scopes=_scopes, realms=realms)
        self._api = GitLabApi(connection, self._client.access, login, realms)
        self._lists = TagLists(self._client, self._api)
        self._deletion = Deletion(self._client, connection.session, login, allow_stub=connection.allow_stub)
        self._parallel = connection.parallel
        self._tags: dict[Repository, dict[Digest, tuple[Tag, ...]]] = {}  # of the last inventory of each
        self._blobs = SeenBlobs(self._client)

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        found = take_inventory(self._client, self._lists, repository, self._grants(repository), parallel=self._parallel)
        self._tags[repository] = dict(found.tags_of())
        return found

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        return self._client.head(repository, reference).digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        try:
            return self._lists.names(repository)
        except NotFound:
            return frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and every tag on it. Raises ItemRefused for one that an index needs, or a tag that a rule keeps."""
        tags = self._tags.get(repository, {}).get(digest, ())
        self._deletion.remove(repository, digest, tags, lambda tag: self.resolve(repository, tag))

    def _grants(self, repository: Repository) -> Grants:
        """What a token for deletions says of itself; nothing, where there is none to be had or it cannot be read."""
        try:
            return read_grants(self._client.access.token(deletion_scopes(repository)), repository) or Grants()
        except Throttled:
            raise
        except RegistryError:
            return Grants()  # whatever is wrong, the listing will say it better

    # TagFinder, TagDeleter

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        """By the registry's own list of tags; nothing where there is none, or it has more pages than there are manifests to ask
        for.
        """
        known = self._tags.get(repository)
        listed = math.inf if known is None else sum(len(tags) for tags in known.values())
        targets = None if listed > MOST * len(digests) else self._lists.targets(repository)
        if targets is None:
            return {}
        found: dict[Digest, set[Tag]] = {digest: set() for digest in digests}
        for tag, digest in targets.items():
            found.get(digest, set()).add(tag)
        return {digest: frozenset(tags) for digest, tags in found.items()}

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest and its other tags stay. Raises NotFound, and ItemRefused where a rule keeps it."""
        self._deletion.untag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:
        return self._deletion.cannot_untag(repository)

    # Describer, ReferrerLister

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """Labels, and dates that the listing lacks, out of configs; children that were not read yet are read for theirs."""
        wanted = list(dict.fromkeys(digests))
        unread = [digest for digest in _images_below(inventory, wanted) if inventory.manifests[digest].config is None]
        read = in_threads(lambda digest: read_digest(self._client, inventory.repository, digest), unread, self._parallel)
        known = [_kept(inventory.manifests[one.stored.digest], one.stored) for one in read if one.stored]
        return dating.describe(
            self._client, inventory.with_manifests(known), wanted, parallel=self._parallel, now=lambda: datetime.now(UTC)
        )

    def referrers(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        return referrers_of(self._client, inventory, digests, parallel=self._parallel)

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
        return sorted({named for found in self._api.below(prefix) if (named := self._named(found)) is not None})

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository without tags, and wait until it is gone, within bounds.

        GitLab sees nothing else in a repository. Its call deletes whatever it finds when its turn comes, in the background: what
        is pushed until then goes along.

        Raises ItemRefused for one with tags or under a protection rule, NotFound, Unreachable when it is there still.
        """
        if self.tag_names(repository):
            raise ItemRefused(f"{repository} is not empty, and GitLab would delete all that it holds")
        found = self._api.located(repository)  # a look before, as GitLab also answers 404 for missing rights
        try:
            self._api.delete(found)
        except Denied as error:
            raise ItemRefused(error.message, remedy=error.remedy) from None
        status = ""
        for attempt in range(1, _LOOKS + 1):
            try:
                status = self._api.status(found)
            except NotFound:
                return
            if status == "delete_failed":
                break
            self._session.pause(attempt)
        raise Unreachable(
            f"{repository}: GitLab has accepted the deletion and not done it ({status or 'it tells no status'})",
            remedy="Look again later: GitLab deletes repositories in the background.",
        )

    def cannot_delete(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: whether this login may is only known by trying."""
        return ""

    def repository_date(self, repository: Repository) -> datetime | None:
        """When it was made: GitLab does not say when a repository was pushed to."""
        return self._api.located(repository).made

    def _named(self, found: Found) -> Repository | None:
        try:
            return Repository(self._registry, found.path)
        except BadReference:
            return None  # no client could have pushed there

    # Examiner

    def examine(self, repository: Repository) -> Sequence[Ability]:
        from moorage.registries.gitlab.examination import examine  # noqa: PLC0415 -- only doctor needs it

        return examine(self._client, self._api, self._lists, repository)


def open_gitlab(connection: Connection) -> GitLabRegistry:
    """A GitLab registry; nothing is asked of it yet. Raises ConfigurationError for a token that cannot serve."""
    return GitLabRegistry(connection)


def _scopes(repository: Repository, action: Action) -> Sequence[str]:
    return deletion_scopes(repository) if action is Action.DELETE else standard_scopes(repository, action)


def _realms(connection: Connection) -> frozenset[str]:
    """gitlab.com for its own registry; a self-managed GitLab is where its registry says."""
    public = connection.registry.name.lower().removesuffix(":443") in {"registry.gitlab.com", "gitlab.com"}
    return frozenset({"gitlab.com"} if public else {"*"})


def _images_below(inventory: Inventory, digests: Iterable[Digest]) -> list[Digest]:
    """The images among these, and those that their indexes lead to."""
    level = [inventory.manifests[digest] for digest in digests if digest in inventory.manifests]
    found: dict[Digest, Stored] = {}
    for _ in range(INDEX_DEPTH_LIMIT):
        found |= {stored.digest: stored for stored in level}
        below = {child for stored in level for child in stored.children} - found.keys()
        level = [inventory.manifests[child] for child in sorted(below) if child in inventory.manifests]
    return [digest for digest, stored in found.items() if stored.media_type in media_type.IMAGES and not stored.blobs]


def _kept(listed: Stored, read: Stored) -> Stored:
    """What was read, with what only the listing knows."""
    return replace(
        read, date=listed.date, dated=listed.dated, locked=listed.locked,
        subject=read.subject or listed.subject, size=listed.size or read.size,
    )  # fmt: skip
