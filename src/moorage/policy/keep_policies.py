"""Keep policies: which published images git history still wants. The grammar of werf's `cleanup.keepPolicies`, as values.

Policies are applied in order; an image stays if any selected branch or tag keeps it. How many images a reference keeps is said by
the last policy that selects it, so general policies come first and special ones last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from moorage.policy.patterns import Matcher, regular_expression
from moorage.policy.selection import spell

K = TypeVar("K")
UNLIMITED: Final = -1
EVER: Final = datetime.min.replace(tzinfo=UTC)  # whatever has a date is younger


class ReferenceKind(StrEnum):
    """What a policy looks at."""

    BRANCH = "branch"
    TAG = "tag"


class Operator(StrEnum):
    """How a number and an age combine."""

    AND = "And"
    OR = "Or"


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A whole name as it stands, or `/regular expression/` matched in full. Raises ValueError for a bad expression."""

    text: str
    _matcher: Matcher | None = field(init=False, repr=False, compare=False)
    _searcher: Matcher | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.text in {"", "/", "//"}:
            raise ValueError("an empty pattern matches no name; write /.*/ for every name")
        inner = self.text[1:-1] if self.text.startswith("/") and self.text.endswith("/") else None
        object.__setattr__(self, "_matcher", None if inner is None else regular_expression(inner))
        object.__setattr__(self, "_searcher", None if inner is None else regular_expression(f"(?s:.*)(?:{inner})(?s:.*)"))

    def matches(self, name: str) -> bool:
        return name == self.text if self._matcher is None else self._matcher.fullmatch(name) is not None

    def matched_by_search_alone(self, name: str) -> bool:
        """Whether werf 1.1, which searched, would have selected a name that a full match does not; worth a warning."""
        return self._searcher is not None and not self.matches(name) and self._searcher.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Limit:
    """The newest `last`, those younger than `within`, or both combined; `last` -1 is no limit, 0 nothing.

    At least one of the two is given. With one alone the operator does not matter.
    """

    last: int | None = None
    within: timedelta | None = None
    operator: Operator = Operator.AND

    def select(self, dates: Mapping[K, datetime], now: datetime) -> tuple[K, ...]:
        """Those that pass, newest first; equal dates in the order of the keys' text, later first, so that runs agree."""
        ranked = sorted(dates, key=lambda key: (dates[key], str(key)), reverse=True)
        cutoff, places = self.cutoff(now), self.places
        counted = set(ranked[:places]) if places is not None else set()
        if places is not None and cutoff is None and self.within is not None:  # both have to hold
            return tuple(key for key in ranked if key in counted and dates[key] > _before(now, self.within))
        return tuple(key for key in ranked if key in counted or (cutoff is not None and dates[key] > cutoff))

    def cutoff(self, now: datetime) -> datetime | None:
        """Whatever is younger than this passes, whatever its place is; None where age alone lets nothing pass."""
        if self.lets_all_pass:
            return EVER
        alone = self.places is None or self.operator is Operator.OR
        return _before(now, self.within) if self.within is not None and alone else None

    @property
    def lets_all_pass(self) -> bool:
        unlimited = self.within is None or (self.operator is Operator.OR and self.last is not None)
        return self.places is None and unlimited

    @property
    def places(self) -> int | None:
        """How many of the newest are looked at; None for all."""
        return None if self.last in (None, UNLIMITED) else self.last

    def __str__(self) -> str:
        if self.lets_all_pass:
            return "all"
        parts = [f"the last {self.places}"] if self.places is not None else []
        parts += [f"those younger than {spell(self.within)}"] if self.within is not None else []
        return (" and " if self.operator is Operator.AND else " or ").join(parts)


EVERYTHING = Limit(last=UNLIMITED)


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """References of one kind whose name matches, as many as `limit` lets through; of each, as many images as `images` says."""

    kind: ReferenceKind
    pattern: NamePattern
    limit: Limit = EVERYTHING
    images: Limit = EVERYTHING

    def names(self, kind: ReferenceKind, name: str) -> bool:
        """Whether a reference is one of those that this is about, before any limit."""
        return kind is self.kind and self.pattern.matches(name)

    def __str__(self) -> str:
        return f"{self.kind} {self.pattern.text}"


def default_keep_policies() -> Sequence[KeepPolicy]:
    """What applies when a project says nothing: recent tags, what is being worked on, and the main lines."""
    week = timedelta(hours=168)
    return (
        KeepPolicy(ReferenceKind.TAG, NamePattern("/.*/"), limit=Limit(last=10)),
        KeepPolicy(ReferenceKind.BRANCH, NamePattern("/.*/"), limit=Limit(10, week), images=Limit(2, week)),
        KeepPolicy(ReferenceKind.BRANCH, NamePattern("/main|master|staging|production/"), images=Limit(last=10)),
    )


def _before(now: datetime, span: timedelta) -> datetime:
    try:
        return now - span
    except OverflowError:  # longer than any calendar, so everything is younger
        return EVER
