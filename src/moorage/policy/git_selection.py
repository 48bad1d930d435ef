"""Which published contents git history keeps: policies, references and records in, reasons out. Pure.

A *content* is what was built, whatever it was tagged; a *record* says that a content was published at a commit. A reference keeps
the contents recorded on its way: a branch those of its whole history, a tag those of its own commit.

Thousands of branches share most of their history, so nothing here looks at every record for every branch. Commits that the same
branches reach form one *stretch* of history; there are about as many stretches as there are forks and merges of branches, and
each is looked at once, its newest contents first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush, heapreplace
from itertools import islice

from moorage.policy.claims import Reasons
from moorage.policy.keep_policies import KeepPolicy, Limit, ReferenceKind
from moorage.policy.reason import Code, Reason

Content = str
Commit = str
Records = Mapping[Commit, frozenset[Content]]
"""What was published at which commit."""

_SHOWN = 3  # references or commits that a reason names; of the others it gives the number


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
    """A commit that exists in the clone: when it was committed, and which selected branches reach it, a bit for each place."""

    date: datetime
    branches: int


@dataclass(frozen=True, slots=True)
class Selected:
    """A reference that policies selected, and the policy whose `images` counts for it."""

    reference: GitReference
    policy: KeepPolicy

    @property
    def images(self) -> Limit:
        return self.policy.images


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every recorded content is in one of the two, with why."""

    kept: Mapping[Content, Reasons]
    let_go: Mapping[Content, Reasons]


def select_references(policies: Sequence[KeepPolicy], references: Iterable[GitReference], now: datetime) -> tuple[Selected, ...]:
    """The union of what the policies select; the last policy that selects a reference says how many images it keeps."""
    found: dict[GitReference, Selected] = {}
    everything = tuple(references)
    for policy in policies:
        dates = {reference: reference.date for reference in everything if policy.names(reference.kind, reference.name)}
        found |= {reference: Selected(reference, policy) for reference in policy.limit.select(dates, now)}
    return tuple(found.values())


def judge(selected: Sequence[Selected], records: Records, met: Mapping[Commit, Met], now: datetime) -> Judgement:
    """What the selected references keep of one image's contents, and what none of them keeps.

    `records` hold only contents that are still published. `met` has the recorded commits that exist in the clone; the bits of
    `Met.branches` are places in `selected`. Contents that share a commit live and die together, and count as one.
    """
    return _Judge(selected, records, met, now).judgement()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The commits that exactly these branches reach; `ranks` is what was recorded there, newest first (places in `order`)."""

    branches: int
    ranks: Sequence[int]


@dataclass
class _Keepers:
    """Which references keep a group: by their places, some with a word on its rank there."""

    ranked: dict[int, str] = field(default_factory=dict)
    also: int = 0  # a bit for each place


class _Judge:
    """Groups of contents go by the least name of their members."""

    def __init__(self, selected: Sequence[Selected], records: Records, met: Mapping[Commit, Met], now: datetime) -> None:
        self.selected = selected
        self.records = records
        self.met = met
        self.now = now
        self.group_of = _grouped(contents for commit, contents in records.items() if commit in met)
        self.order: Sequence[tuple[datetime, Content]] = ()
        self.stretches = self._stretches()
        self.keepers: dict[Content, _Keepers] = defaultdict(_Keepers)

    def judgement(self) -> Judgement:
        self._by_place()
        self._by_age()
        self._by_tag()
        kept: dict[Content, Reasons] = {}
        let_go: dict[Content, Reasons] = {}
        for content, commits in self._commits().items():
            keepers = self.keepers.get(self.group_of.get(content, content))
            if keepers:
                kept[content] = tuple(Reason(Code.KEEP_POLICY, detail) for detail in self._why(keepers))
            else:
                let_go[content] = (Reason(Code.NOT_KEPT, self._why_not(commits)),)
        return Judgement(kept, let_go)

    def _stretches(self) -> Sequence[_Stretch]:
        """Those that some branch reaches, the ones with the newest contents first."""
        newest: dict[int, dict[Content, datetime]] = {}
        for commit, contents in self.records.items():
            met = self.met.get(commit)
            if met is not None and met.branches:
                groups = newest.setdefault(met.branches, {})
                group = self.group_of[min(contents)]
                groups[group] = max(met.date, groups.get(group, met.date))
        pairs = {(date, group) for groups in newest.values() for group, date in groups.items()}
        self.order = sorted(pairs, reverse=True)
        rank = {pair: place for place, pair in enumerate(self.order)}
        stretches = (
            _Stretch(branches, sorted(rank[date, group] for group, date in groups.items())) for branches, groups in newest.items()
        )
        return sorted(stretches, key=lambda stretch: stretch.ranks[0])

    def _by_place(self) -> None:
        """What branches keep because it is among their newest."""
        for place, one in enumerate(self.selected):
            if one.reference.kind is not ReferenceKind.BRANCH or not one.images.places:
                continue
            newest = {group: date for date, group in islice(self._newest_first(place), one.images.places)}
            chosen = one.images.select(newest, self.now)
            for number, group in enumerate(chosen, start=1):
                self.keepers[group].ranked[place] = f", {ordinal(number)} newest of {len(chosen)}" if len(chosen) > 1 else ""

    def _newest_first(self, place: int) -> Iterator[tuple[datetime, Content]]:
        """The groups on a branch, each once with its newest date there: stretches are merged, and opened as late as possible."""
        bit = 1 << place
        unopened = (stretch.ranks for stretch in self.stretches if stretch.branches & bit)
        following = next(unopened, None)
        open_stretches: list[tuple[int, int, Sequence[int]]] = []  # a heap by rank: rank, its place in the stretch, the stretch
        seen = set()
        while open_stretches or following:
            while following and (not open_stretches or following[0] <= open_stretches[0][0]):
                heappush(open_stretches, (following[0], 0, following))
                following = next(unopened, None)
            rank, position, ranks = open_stretches[0]
            if position + 1 < len(ranks):
                heapreplace(open_stretches, (ranks[position + 1], position + 1, ranks))
            else:
                heappop(open_stretches)
            date, group = self.order[rank]
            if group not in seen:
                seen.add(group)
                yield date, group

    def _by_age(self) -> None:
        """What branches keep for its age alone, or whatever its age is: all such branches at once."""
        cutoffs: dict[datetime, int] = defaultdict(int)
        for place, one in enumerate(self.selected):
            cutoff = one.images.cutoff(self.now)
            if one.reference.kind is ReferenceKind.BRANCH and cutoff is not None:
                cutoffs[cutoff] |= 1 << place
        for stretch in self.stretches:
            for cutoff, branches in cutoffs.items():
                hits = stretch.branches & branches
                for rank in stretch.ranks if hits else ():
                    date, group = self.order[rank]
                    if date <= cutoff:
                        break
                    self.keepers[group].also |= hits

    def _by_tag(self) -> None:
        for place, one in enumerate(self.selected):
            contents = self.records.get(one.reference.commit)
            met = self.met.get(one.reference.commit)
            if one.reference.kind is ReferenceKind.TAG and contents and met is not None:
                for group in one.images.select({self.group_of[min(contents)]: met.date}, self.now):
                    self.keepers[group].ranked[place] = ""

    def _why(self, keepers: _Keepers) -> list[str]:
        ranked = [(place, text) for place, text in sorted(keepers.ranked.items())[:_SHOWN]]
        also = keepers.also
        for place in keepers.ranked:
            also &= ~(1 << place)
        named = ranked + [(place, "") for place in _places(also, _SHOWN - len(ranked))]
        more = len(keepers.ranked) + also.bit_count() - len(named)
        details = [f"{self.selected[place].reference}{text}" for place, text in named]
        return [*details, f"and {more} more branches and tags"] if more else details

    def _commits(self) -> Mapping[Content, list[Commit]]:
        found: dict[Content, list[Commit]] = {}
        for commit, contents in self.records.items():
            for content in contents:
                found.setdefault(content, []).append(commit)
        return found

    def _why_not(self, commits: Sequence[Commit]) -> str:
        known = [commit for commit in commits if commit in self.met]
        shown = [commit[:12] for commit in known or commits]
        at = f"commit {shown[0]}" if len(shown) == 1 else _some(shown)
        if not known:
            return f"published at {at}; the clone has no such commit"
        reached = 0
        for commit in known:
            reached |= self.met[commit].branches
        if reached:
            one = self.selected[next(_places(reached, 1))]
            return f"published at {at}; {one.reference} keeps {one.images}, and this is none of them"
        for one in self.selected:
            if one.reference.kind is ReferenceKind.TAG and one.reference.commit in known:
                return f"published at {at}; {one.reference} keeps {one.images}, and this is none of them"
        return f"published at {at}; no branch or tag that a keep policy selects leads there"


def _grouped(together: Iterable[frozenset[Content]]) -> Mapping[Content, Content]:
    """Each content with the least of those that it stands with, directly or through others (union-find)."""
    leader: dict[Content, Content] = {}

    def find(content: Content) -> Content:
        while leader.setdefault(content, content) != content:
            leader[content] = leader[leader[content]]
            content = leader[content]
        return content

    for contents in together:
        first, *others = sorted(contents)
        find(first)
        for other in others:
            low, high = sorted((find(first), find(other)))
            leader[high] = low
    return {content: find(content) for content in list(leader)}


def _places(bits: int, count: int) -> Iterator[int]:
    """The first `count` places whose bit is set."""
    while bits and count:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
        count -= 1


def _some(texts: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more commits" if more > 0 else "")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
