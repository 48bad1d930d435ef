"""Which published contents git history keeps: policies, references and records in, reasons out. Pure.

A *content* is what was built, whatever it was tagged; a *record* says that a content was published at a commit. A reference keeps
the contents recorded on its way: a branch those of its whole history, a tag those of its own commit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.policy.keep_policies import KeepPolicy, ReferenceKind
from moorage.policy.reason import Code, Reason

Content = str
Commit = str


@dataclass(frozen=True, slots=True)
class GitReference:
    """A branch of origin or a tag. `date` is the committer date of a branch's head; of a tag, the tagger's where it has one."""

    kind: ReferenceKind
    name: str
    commit: Commit
    date: datetime

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Met:
    """A commit that exists in the clone: when it was committed, and which of the asked branches reach it (a bit each)."""

    date: datetime
    branches: int


@dataclass(frozen=True, slots=True)
class Selected:
    """A reference that policies selected, with the one whose `images` counts for it."""

    reference: GitReference
    policy: KeepPolicy
    rank: int  # 1 is the newest that its policy selects
    of: int


def select_references(policies: Sequence[KeepPolicy], references: Iterable[GitReference], now: datetime) -> tuple[Selected, ...]:
    """The union of what the policies select; the last policy that selects a reference says how many images it keeps."""
    found: dict[GitReference, Selected] = {}
    everything = tuple(references)
    for policy in policies:
        candidates = {
            reference: reference.date
            for reference in everything
            if reference.kind is policy.kind and policy.pattern.matches(reference.name)
        }
        chosen = policy.limit.select(candidates, now)
        for rank, reference in enumerate(chosen, start=1):
            found[reference] = Selected(reference, policy, rank, len(chosen))
    return tuple(found.values())


def kept_contents(
    selected: Sequence[Selected],
    records: Mapping[Commit, frozenset[Content]],
    met: Mapping[Commit, Met],
    now: datetime,
) -> Mapping[Content, tuple[Reason, ...]]:
    """What the selected references keep of one image's contents, each with why.

    `records` hold only contents that are still published. `met` has the recorded commits that exist in the clone; the bits of
    `Met.branches` are places in `selected`.
    """
    found: dict[Content, list[Reason]] = defaultdict(list)
    for place, one in enumerate(selected):
        groups = _groups(_recorded_on(one.reference, place, records, met))
        dates = {name: max(met[commit].date for commit in commits) for name, (_, commits) in groups.items()}
        chosen = one.policy.images.select(dates, now)
        for rank, name in enumerate(chosen, start=1):
            detail = f"{one.reference}, {ordinal(rank)} newest of {len(groups)}" if len(groups) > 1 else str(one.reference)
            for content in groups[name][0]:
                found[content].append(Reason(Code.KEEP_POLICY, detail))
    return {content: tuple(reasons) for content, reasons in found.items()}


def _recorded_on(
    reference: GitReference, place: int, records: Mapping[Commit, frozenset[Content]], met: Mapping[Commit, Met]
) -> Mapping[Commit, frozenset[Content]]:
    if reference.kind is ReferenceKind.TAG:
        contents = records.get(reference.commit)
        return {reference.commit: contents} if contents and reference.commit in met else {}
    bit = 1 << place
    return {commit: contents for commit, contents in records.items() if commit in met and met[commit].branches & bit}


def _groups(recorded: Mapping[Commit, frozenset[Content]]) -> Mapping[Content, tuple[set[Content], set[Commit]]]:
    """Contents that share a commit live and die together and count as one; each group under the least of its names."""
    leader: dict[Content, Content] = {}

    def find(content: Content) -> Content:
        while leader.setdefault(content, content) != content:
            leader[content] = leader[leader[content]]
            content = leader[content]
        return content

    for contents in recorded.values():
        first, *others = sorted(contents)
        for other in others:
            low, high = sorted((find(first), find(other)))
            leader[high] = low
        find(first)
    groups: dict[Content, tuple[set[Content], set[Commit]]] = {}
    for commit, contents in recorded.items():
        for content in contents:
            members, commits = groups.setdefault(find(content), (set(), set()))
            members.add(content)
            commits.add(commit)
    return groups


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
