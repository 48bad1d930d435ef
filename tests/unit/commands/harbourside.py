"""A small registry for the stories to work on: a real layout registry, and one that behaves badly on request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from moorage.commands.journal import Journal
from moorage.commands.survey import Question, complete, look
from moorage.commands.world import World
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.claims import Claims
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from moorage.errors import RegistryError
    from moorage.oci.inventory import Inventory
    from moorage.policy.plan import Item
    from moorage.policy.planner import Planner
    from moorage.policy.rules import Policy
    from moorage.registries.interface import Registry as RegistryPort

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=365)


@dataclass
class Shore:
    """One directory of layouts, written to a year ago."""

    folder: Path
    registry: LayoutRegistry = field(init=False)
    repository: Repository = field(init=False)

    def __post_init__(self) -> None:
        name = Registry(f"oci:{self.folder / 'registry'}")
        self.registry = LayoutRegistry(name, clock=lambda: LONG_AGO)
        self.repository = Repository(name, "app")

    @property
    def world(self) -> World:
        return World(now=lambda: NOW, environ={"HOME": str(self.folder)})

    def planner(self, policy: Policy, registry: RegistryPort | None = None) -> Planner:
        asked = registry or self.registry
        return complete(asked, look(asked, self.repository), Question(policy, NOW, Claims()))

    def going(self, policy: Policy) -> list[Item]:
        return [item for item in self.planner(policy).plan().items if item.goes]

    def journal(self, name: str = "journal.jsonl") -> Journal:
        return Journal(self.folder / name, self.registry_name, NOW)

    @property
    def registry_name(self) -> Registry:
        return self.repository.registry

    def tags(self) -> set[str]:
        return {tag.text for tag in self.registry.tag_names(self.repository)}

    def inventory(self) -> Inventory:
        return self.registry.inventory(self.repository)


class Moody(LayoutRegistry):
    """A layout registry with bad days.

    `refusals` are raised instead of deleting these digests or tags; `lies` are accepted and not done; `before_delete` runs right
    before any deletion, the way another process would.
    """

    def __init__(
        self,
        registry: Registry,
        refusals: Mapping[Digest | Tag, RegistryError] | None = None,
        lies: Sequence[Digest | Tag] = (),
        before_delete: Callable[[Digest | Tag], None] = lambda _: None,
        untaggable: str = "",
    ) -> None:
        super().__init__(registry, clock=lambda: LONG_AGO)
        self.refusals = dict(refusals or {})
        self.lies = set(lies)
        self.before_delete = before_delete
        self.untaggable = untaggable
        self.asked: list[Digest | Tag] = []

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        if self._does(digest):
            super().delete_manifest(repository, digest)

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        if self._does(tag):
            super().delete_tag(repository, tag)

    def cannot_untag(self, repository: Repository) -> str:
        return self.untaggable

    def _does(self, what: Digest | Tag) -> bool:
        self.asked.append(what)
        self.before_delete(what)
        if what in self.refusals:
            raise self.refusals[what]
        return what not in self.lies
