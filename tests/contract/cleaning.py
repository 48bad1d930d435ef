"""A cleanup as the command does it, on the scene's own clock: survey, plan, journal, deletion."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from moorage.commands.applying import Application, Applied, Views
from moorage.commands.carry_out import Run
from moorage.commands.emptying import Emptying, empties
from moorage.commands.journal import Journal
from moorage.commands.survey import Question, complete, look
from moorage.commands.world import World
from moorage.policy.claims import Claims
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Item, Kind, Outcome, Plan
from moorage.policy.rules import Policy, Rule
from moorage.settings.settings import Access

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.scene import Scene

    from moorage.registries.interface import Registry

WEEK = timedelta(days=7)
MONTH = timedelta(days=30)


def policy(*tags: str, older_than: timedelta | None = None, untagged: bool = True, protect: str = "keep*") -> Policy:
    """A rule for these tags (all of them, when none are named), and for what has no tag; what begins with keep is protected."""
    selected = TagSelector.parse(tags) if tags else None
    rules = (Rule("rule", tags=selected, untagged=untagged, older_than=older_than),)
    return Policy(rules, protect=TagSelector.parse([protect]), young=timedelta(0), delete_unknown_age=older_than is None)


def plan_of(scene: Scene, wanted: Policy, registry: Registry | None = None) -> list[Item]:
    """Every item of the plan, those that stay included."""
    registry = registry or scene.open()
    question = Question(wanted, scene.now(), Claims())
    return list(complete(registry, look(registry, scene.repository), question).plan().items)


def clean(
    scene: Scene,
    wanted: Policy,
    folder: Path,
    registry: Registry | None = None,
    *,
    claims: Claims | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Run:
    """Clean the scene's repository; the run with its outcomes comes back. `meanwhile` happens between plan and deletion."""
    registry = registry or scene.open()
    question = Question(wanted, scene.now(), claims or Claims())
    planner = complete(registry, look(registry, scene.repository), question)
    items = [item for item in planner.plan().items if item.goes]
    meanwhile()
    with Journal(folder / f"journal-{uuid.uuid4().hex}.jsonl", scene.repository.registry, scene.now()) as journal:
        clock = scene.clock.for_transport()  # on which simulators take no time, and limits do
        run = Run(registry, planner.inventory, items, journal, parallel=4, sleep=clock.sleep, ticks=clock.monotonic)
        run.carry_out()
    return run


def empty(
    scene: Scene,
    wanted: Policy,
    folder: Path,
    *,
    images: frozenset[str] | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Applied:
    """Clean the scene's repository, and delete it if the policy says so; the plan that comes back has outcomes.

    `images` are those of the project that live in it, where it is a project's.
    """
    registry, repository = scene.open(), scene.repository
    planner = complete(registry, look(registry, repository), Question(wanted, scene.now(), Claims()))
    planned = planner.plan()
    emptied, notes = empties(registry, {repository: planner}, {repository: planned}, {repository: images} if images else {})
    plan = Plan(scene.now(), planned.items, notes=notes, empties=emptied)
    views, world = Views({repository: planner}, {}), World(now=scene.now, environ={})
    meanwhile()
    with Journal(folder / f"journal-{uuid.uuid4().hex}.jsonl", repository.registry, scene.now()) as journal:
        applied = Application(registry, journal, Access(), world).apply(plan, views)
        return Emptying(registry, journal, Access(), world, wanted, sleep=scene.clock.sleep).carry_out(applied, views)


def outcomes(run: Run, kind: Kind = Kind.TAG) -> dict[str, Outcome]:
    """What became of each tag, or (by digest) of each manifest, that was planned to go."""
    return {
        str(tag or digest): outcome
        for (_, tag, digest), (outcome, _) in run.outcomes.items()
        if (tag is None) == (kind is Kind.MANIFEST)
    }


def complaints(run: Run) -> list[str]:
    """The errors of what failed."""
    return [error for _, error in run.outcomes.values() if error]
