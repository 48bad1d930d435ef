"""The port: what Moorage asks of a registry, and the optional abilities that not every registry has.

Promises that hold for every implementation, checked by the contract suite (tests/contract): every page is read; a tag's siblings
survive `delete_tag`; what is not there raises NotFound, what is refused Denied (ItemRefused when only this item is), what is
impossible Unsupported before any call that changes; limits are waited for, then Throttled; no secret in any error, log or repr;
a record without a date stays without a date; a manifest that cannot be read is named in the inventory and does not stop the rest.

All methods may be called from several threads at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol, runtime_checkable

from moorage.auth.credential import Basic
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag


class Registry(Protocol):
    """The least that a registry has to offer to be cleaned up."""

    def inventory(self, repository: Repository) -> Inventory:
        """List every manifest and the tags that point at it.

        Raises NotFound for an unknown repository, Contradiction for a listing that breaks off or contradicts itself.
        """

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        """The digest that a tag points at right now, never from a cache; a digest is its own answer. Raises NotFound."""

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        """The tags that the repository has right now, by the cheapest call; empty for a repository that is not there."""

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and, with it, EVERY tag that points at it. Returns when it is gone or accepted for deletion."""


@runtime_checkable
class TagDeleter(Protocol):
    """A registry that can remove one tag and leave its manifest and sibling tags in place."""

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Raises Unsupported, with nothing changed, where it turns out to be impossible."""

    def cannot_untag(self, repository: Repository) -> str:
        """Why single tags cannot be removed here, as a sentence for the plan, or empty when they can. Changes nothing."""


@runtime_checkable
class Describer(Protocol):
    """A registry whose listing lacks dates or labels, and that reads them from image configs on request."""

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """The same manifests with `dated` and `labels` filled in; an index takes the newest date of its children.

        What cannot be read comes back `dated` without a date, and with empty labels.
        """


@runtime_checkable
class Revealer(Protocol):
    """A registry whose listing leaves images `unread`: it does not say what they belong to. They are read on request."""

    def reveal(self, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
        """The same, knowing of each of these what it leads to and belongs to, or that it is unreadable or missing.

        Raises Unauthorized, Denied and Throttled, which concern the repository as a whole.
        """


@runtime_checkable
class ReferrerLister(Protocol):
    """A registry with the referrers API of distribution-spec 1.1."""

    def referrers(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """The manifests whose `subject` is one of these, parsed as in an inventory; empty where the API is not offered."""


@runtime_checkable
class Reader(Protocol):
    """A registry that hands out manifests and blobs as stored."""

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        """Bytes and media type of a manifest, an index as an index; by digest, the bytes are verified against it."""

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        """An open stream of a blob's bytes; reading to its end raises Contradiction if they are not what the digest says."""


@runtime_checkable
class Writer(Protocol):
    """A registry that takes manifests and blobs directly, without docker."""

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        """Whether the repository holds this blob already."""

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """Upload a blob; `content` opens it anew for each attempt, and is streamed, never held in memory."""

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        """Store a manifest under a tag or its digest; returns the digest the registry gives it."""


@runtime_checkable
class Authenticator(Protocol):
    """A registry whose login for docker is a short-lived one that its cloud gives (ECR's twelve hours)."""

    def docker_login(self) -> Basic | None:
        """What `docker login` takes at this moment; None where docker's own configuration has to serve.

        Raises Unauthorized and Denied where the cloud refuses to give one.
        """


@runtime_checkable
class RepositoryLister(Protocol):
    """A registry that can list its repositories."""

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        """Every repository whose path is `prefix` or lies below it."""


@runtime_checkable
class RepositoryCreator(Protocol):
    """A registry that takes pushes only to repositories that are there, and can make them."""

    creates_repositories: bool
    """Whether the user asked for repositories to be made before something is published to them."""

    def create_repository(self, repository: Repository) -> bool:
        """Make a repository, unless it is there; returns whether it was made."""


@runtime_checkable
class RepositoryDeleter(Protocol):
    """A registry that can delete a repository itself, and not only what lies in it."""

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository that holds nothing, with its settings. What is pushed while this runs may go along: see vendors.

        Raises ItemRefused, with nothing changed, for one that holds something.
        """

    def cannot_delete(self, repository: Repository) -> str:
        """Why repositories cannot be deleted here, as a sentence for the plan, or empty when they can. Changes nothing."""

    def repository_date(self, repository: Repository) -> datetime | None:
        """When the repository was made or changed last, None where the registry does not say. Raises NotFound once it is gone."""


@runtime_checkable
class WholeDeleter(Protocol):
    """A registry in which no repository is ever empty: the last image with a tag goes only with the repository (GitHub)."""

    def delete_whole(self, repository: Repository, holding: Mapping[Digest, AbstractSet[Tag]]) -> None:
        """Delete a repository that holds exactly these manifests, each with exactly these tags.

        Raises ItemRefused, with nothing changed, where it holds anything else. What is pushed while this runs may go along.
        """

    def cannot_delete(self, repository: Repository) -> str:
        """As `RepositoryDeleter` has it."""

    def repository_date(self, repository: Repository) -> datetime | None:
        """As `RepositoryDeleter` has it."""


@runtime_checkable
class BatchDeleter(Protocol):
    """A registry with a native call that deletes many manifests at once."""

    batch_limit: int

    def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, Exception | None]:
        """Delete these manifests and EVERY tag that points at them; the outcome of each, None for done."""


@runtime_checkable
class TagFinder(Protocol):
    """A registry that says of many manifests at once which tags are on them, in fewer calls than one for each tag.

    For registries that delete manifests by their digest. There an answer that is seconds old harms nobody whose tag has moved
    away meanwhile, since the tag is not what is deleted; and it tells what looking at the planned tags never does, that another
    tag has come to the manifest. Where a deletion names tags, each is looked at by itself right before it (`resolve`).
    """

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        """EVERY tag that points at each of these right now, as pulls would find them and never from a cache.

        What is left out has to be asked for by itself, as has all of it where the answer is empty since nothing would be saved.
        A manifest that is gone is no NotFound.
        """


@runtime_checkable
class BatchReader(Protocol):
    """A registry that hands out many manifests with one call."""

    def manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, tuple[bytes, str] | None]:
        """Verified bytes and media type of each, None for what is not there; what is left out has to be asked for by itself."""


@runtime_checkable
class Asynchronous(Protocol):
    """A registry that accepts a deletion and carries it out a little later."""

    settles_within: float
    """Seconds after which what was accepted and is still there will not go any more."""


@runtime_checkable
class Restorer(Protocol):
    """A registry that keeps deleted manifests for a while and can bring them back by its own call."""

    def restore(self, repository: Repository, digest: Digest, vendor_id: str, tags: Sequence[Tag]) -> None:
        """Bring a deleted manifest back. Raises NotFound when the registry has let go of it."""


@dataclass(frozen=True, slots=True)
class Ability:
    """One line of `moorage doctor`: what, whether, and what to do about it."""

    name: str
    possible: bool | None  # None: cannot be known without trying
    detail: str = ""


@runtime_checkable
class Examiner(Protocol):
    """A registry that can say, reading only, what the credentials at hand may do."""

    def examine(self, repository: Repository) -> Sequence[Ability]: ...


Clock = Callable[[], datetime]
