"""A plan in the order in which people want to read it: per repository, the most interesting first, alike things together.

Shared by text and Markdown. One pass and a sort, whatever the number of repositories and tags.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from moorage.oci.reference import Repository
from moorage.policy.plan import Action, Item, Kind, Outcome, Plan
from moorage.policy.reason import Code
from moorage.report.headline import goes

# Kept although the user may have expected otherwise: something was missing, unreadable or impossible.
SURPRISES = frozenset({Code.UNREADABLE, Code.MAY_BE_NEEDED, Code.CANNOT_UNTAG, Code.UNKNOWN_AGE, Code.NO_RECORD})

# What becomes of these manifests only mirrors what becomes of a tag or of another manifest: they are counted, in these words.
MIRRORS: Mapping[str, str] = {
    Code.STANDS_ALONE: "of tags that stay",
    Code.REACHABLE: "from indexes that stay",
    Code.FOLLOWS: "attached to something that stays",
    Code.LAST_TAG_GONE: "whose last tag goes",
    Code.PARENT_GONE: "from indexes that go",
    Code.SUBJECT_GONE: "attached to something that goes",
}


class Interest(IntEnum):
    """How soon people want to see an item; the lowest first."""

    FAILED = 0
    NOT_DONE = 1
    CHANGED = 2
    GOES = 3
    SURPRISE = 4
    STAYS = 5

    def title(self, *, applied: bool) -> str:
        """The heading over such items."""
        return "Gone" if applied and self is Interest.GOES else _TITLES[self]


_TITLES = {
    Interest.FAILED: "Failed",
    Interest.NOT_DONE: "Not done",
    Interest.CHANGED: "Changed since the plan, stays",
    Interest.GOES: "Goes",
    Interest.SURPRISE: "Stays, worth a look",
    Interest.STAYS: "Stays",
}


def interest(item: Item, *, applied: bool) -> Interest:
    if item.action is Action.KEEP:
        return Interest.SURPRISE if item.reasons and item.reasons[0].code in SURPRISES else Interest.STAYS
    if item.outcome is Outcome.FAILED:
        return Interest.FAILED
    if item.outcome is Outcome.CHANGED:
        return Interest.CHANGED
    return Interest.NOT_DONE if applied and item.outcome is Outcome.PLANNED else Interest.GOES


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one repository with the same first reason, tags first, newest first.

    `mirrors` counts the manifests that merely follow, which are not worth a line each.
    """

    code: str
    items: tuple[Item, ...]
    mirrors: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """One repository. Each interest maps to its groups, the largest first.

    `tags_gone` and `manifests_gone` count what is to go, in a result what is gone.
    """

    repository: Repository
    groups: dict[Interest, tuple[Group, ...]]
    tags: int
    tags_gone: int
    manifests_gone: int
    freed: int

    @property
    def is_quiet(self) -> bool:
        """Everything stays, for the reasons that people expect."""
        return self.groups.keys() <= {Interest.STAYS}


def sections(plan: Plan) -> tuple[Section, ...]:
    """The repositories of a plan, in the plan's order."""
    found: dict[Repository, list[Item]] = {}
    for item in plan.items:
        found.setdefault(item.repository, []).append(item)
    return tuple(_section(plan, repository, items) for repository, items in found.items())


def _section(plan: Plan, repository: Repository, items: list[Item]) -> Section:
    sorted_out: dict[Interest, dict[str, list[Item]]] = {}
    for item in sorted(items, key=reading_order):
        groups = sorted_out.setdefault(interest(item, applied=plan.applied), {})
        groups.setdefault(first_code(item), []).append(item)
    tags = [item for item in items if item.kind is Kind.TAG]
    gone = sum(1 for item in items if goes(item, applied=plan.applied))
    tags_gone = sum(1 for item in tags if goes(item, applied=plan.applied))
    return Section(
        repository=repository,
        groups={rank: _groups(rank, sorted_out[rank]) for rank in sorted(sorted_out)},
        tags=len(tags),
        tags_gone=tags_gone,
        manifests_gone=gone - tags_gone,
        freed=plan.freed.get(repository, 0),
    )


def first_code(item: Item) -> str:
    """The code of the first reason, which is the one that decided."""
    return item.reasons[0].code.value if item.reasons else "no reason"


def reading_order(item: Item) -> tuple[bool, float, str]:
    """Tags before manifests, the newest first: that is where a mistake hurts most and shows first."""
    pushed = item.pushed_at or _LONG_AGO
    return item.kind is not Kind.TAG, -pushed.timestamp(), item.tag.text if item.tag else str(item.digest)


def _groups(rank: Interest, by_code: dict[str, list[Item]]) -> tuple[Group, ...]:
    groups = (_group(code, items, fold=rank in {Interest.GOES, Interest.STAYS}) for code, items in by_code.items())
    return tuple(sorted(groups, key=lambda group: (not group.items, -len(group.items) - group.mirrors, group.code)))


def _group(code: str, items: list[Item], *, fold: bool) -> Group:
    own = tuple(item for item in items if not (fold and _mirrors(item)))
    return Group(code, own, len(items) - len(own))


def _mirrors(item: Item) -> bool:
    return item.kind is Kind.MANIFEST and bool(item.reasons) and item.reasons[0].code in MIRRORS


def named(items: Iterable[Item], limit: int) -> str:
    """The first few by name, and how many more there are."""
    names = [name(item) for item in items]
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def name(item: Item) -> str:
    """A tag by its name, a manifest by the short form of its digest."""
    return item.tag.text if item.tag else f"@{item.digest.short}" if item.digest else "?"


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
