"""A plan as its page sees it: what every part of the page asks for, worked out once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from moorage.oci.reference import Repository
from moorage.policy.plan import Item, Kind, Plan
from moorage.report.headline import goes, verb
from moorage.report.sections import Interest, interest, reading_order


@dataclass(frozen=True)  # without slots, which cached_property cannot do with
class View:
    plan: Plan

    @property
    def applied(self) -> bool:
        return self.plan.applied

    @property
    def gone(self) -> str:
        """The word for what goes: "to go" or "gone"."""
        return verb(self.plan)

    @cached_property
    def ranked(self) -> tuple[tuple[Interest, Item], ...]:
        """Every item with its interest, the most interesting first."""
        pairs = [(interest(item, applied=self.applied), item) for item in self.plan.items]
        return tuple(sorted(pairs, key=lambda pair: (pair[0], reading_order(pair[1]))))

    @cached_property
    def ranks(self) -> Counter[Interest]:
        return Counter(rank for rank, _ in self.ranked)

    @cached_property
    def kinds(self) -> Counter[Kind]:
        return Counter(item.kind for item in self.plan.items)

    @cached_property
    def kinds_gone(self) -> Counter[Kind]:
        return Counter(item.kind for item in self.plan.items if goes(item, applied=self.applied))

    @cached_property
    def by_repository(self) -> Mapping[Repository, list[Item]]:
        found: dict[Repository, list[Item]] = {}
        for item in self.plan.items:
            found.setdefault(item.repository, []).append(item)
        return found

    @cached_property
    def registry(self) -> str:
        """The registry that all repositories share, or nothing."""
        names = {repository.registry.name for repository in self.by_repository}
        return names.pop() if len(names) == 1 else ""

    def short(self, repository: Repository) -> str:
        """A repository as the page calls it: without the registry where there is only one, which its headings then name."""
        return repository.path if self.registry else str(repository)
