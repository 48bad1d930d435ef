"""The plan: every image of every repository, what becomes of it, and why. What is carried out is what was shown.

A plan is a value; carrying it out makes a new plan whose items have outcomes. Its JSON form is in `document`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.claims import Reasons

SCHEMA = "moorage.plan/1"


class Kind(StrEnum):
    """What an item is about."""

    TAG = "tag"
    MANIFEST = "manifest"


class Action(StrEnum):
    """What is to become of an item."""

    KEEP = "keep"
    DELETE = "delete"


class Outcome(StrEnum):
    """What did become of it."""

    PLANNED = "planned"
    DELETED = "deleted"
    ALREADY_GONE = "already-gone"
    CHANGED = "changed-since-plan"
    FAILED = "failed"


DONE = frozenset({Outcome.DELETED, Outcome.ALREADY_GONE})


class Decided:
    """What a plan says of something, and what became of it."""

    __slots__ = ()
    action: Action
    outcome: Outcome

    @property
    def goes(self) -> bool:
        return self.action is Action.DELETE

    @property
    def remains(self) -> bool:
        """Planned to go, and still there."""
        return self.goes and self.outcome not in DONE and self.outcome is not Outcome.CHANGED


@dataclass(frozen=True, slots=True)
class Item(Decided):
    """One tag, or one manifest. `size` is in bytes; for a tag it is its image's.

    `digest` is None only for tags that stay because nobody could say what they point at.
    """

    repository: Repository
    kind: Kind
    digest: Digest | None
    action: Action
    reasons: Reasons
    tag: Tag | None = None
    outcome: Outcome = Outcome.PLANNED
    error: str | None = None
    pushed_at: datetime | None = None
    size: int | None = None
    vendor_id: str = ""

    @property
    def key(self) -> "Key":
        return (self.repository, self.tag, self.digest)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


Key = tuple[Repository, Tag | None, Digest | None]


@dataclass(frozen=True, slots=True)
class RepositoryItem(Decided):
    """A repository in which the plan leaves nothing, and what becomes of the repository itself."""

    repository: Repository
    action: Action
    reasons: Reasons
    outcome: Outcome = Outcome.PLANNED
    error: str | None = None

    def __str__(self) -> str:
        return str(self.repository)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a plan. `deleted_*` counts what this run removed, so it is zero in a plan that was not carried out."""

    kept_tags: int = 0
    deleted_tags: int = 0
    kept_manifests: int = 0
    deleted_manifests: int = 0
    failed: int = 0
    remaining: int = 0
    freed_bytes: int = 0
    planned_tags: int = 0
    planned_manifests: int = 0
    planned_repositories: int = 0
    deleted_repositories: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Items in the order of repositories; `notes` say what was not known, one sentence each.

    `freed` maps repositories to the bytes of blobs that only deleted manifests use (as far as sizes are known).
    `empties` are the repositories in which nothing is left, where the user asked for such to be deleted.
    """

    created: datetime
    items: tuple[Item, ...] = ()
    notes: tuple[str, ...] = ()
    applied: bool = False
    freed: Mapping[Repository, int] = field(default_factory=dict)
    empties: tuple[RepositoryItem, ...] = ()

    def of(self, repository: Repository) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.repository == repository)

    @property
    def repositories(self) -> tuple[Repository, ...]:
        return tuple(dict.fromkeys((*(item.repository for item in self.items), *(item.repository for item in self.empties))))

    @property
    def deletions(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.goes)

    @property
    def doomed(self) -> tuple[Repository, ...]:
        """The repositories that are to go themselves."""
        return tuple(item.repository for item in self.empties if item.goes)

    def with_outcomes(self, outcomes: Mapping[Key, tuple[Outcome, str | None]]) -> Self:
        """The same plan after the run: items that are named get their outcome and error."""
        items = tuple(
            replace(item, outcome=outcomes[item.key][0], error=outcomes[item.key][1]) if item.key in outcomes else item
            for item in self.items
        )
        return replace(self, items=items, applied=True)

    @property
    def totals(self) -> Totals:
        def count(kind: Kind, keep: Iterable[Item]) -> int:
            return sum(1 for item in keep if item.kind is kind)

        # A tag whose plan no longer fits stays, so it counts as kept.
        stays = [item for item in self.items if not item.goes or item.outcome is Outcome.CHANGED]
        deleted = [item for item in self.deletions if item.outcome is Outcome.DELETED]
        going: list[Item | RepositoryItem] = [*self.deletions, *(item for item in self.empties if item.goes)]
        return Totals(
            kept_tags=count(Kind.TAG, stays),
            deleted_tags=count(Kind.TAG, deleted),
            kept_manifests=count(Kind.MANIFEST, stays),
            deleted_manifests=count(Kind.MANIFEST, deleted),
            failed=sum(1 for item in going if item.outcome is Outcome.FAILED),
            remaining=sum(1 for item in going if item.remains) if self.applied else 0,
            freed_bytes=sum(self.freed.values()),
            planned_tags=count(Kind.TAG, self.deletions),
            planned_manifests=count(Kind.MANIFEST, self.deletions),
            planned_repositories=len(self.doomed),
            deleted_repositories=sum(1 for item in self.empties if item.outcome is Outcome.DELETED),
        )
