"""No plan deletes what must stay, whatever the graph, the dates and the rules: the planner against a second opinion."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import TypeVar

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.properties.graphs import World, reasons, worlds
from tests.properties.oracle import Opinion, faults

from moorage.policy.claims import Claims
from moorage.policy.planner import RepositoryPlan
from moorage.policy.reason import Code
from moorage.policy.rules import Policy

Key = TypeVar("Key")
Value = TypeVar("Value")


@settings(max_examples=500)
@given(worlds())
def test_a_plan_keeps_what_must_stay_and_deletes_what_should_go(world: World) -> None:
    assert faults(world, world.plan()) == []


@given(worlds())
def test_an_empty_policy_keeps_everything(world: World) -> None:
    plan = replace(world, policy=Policy(), claims=Claims()).plan()
    assert not any(item.goes for item in plan.items)


@given(worlds())
def test_a_second_run_right_after_finds_nothing_to_do(world: World) -> None:
    plan = world.plan()
    assume(not _loses_its_rank(plan))
    assert [str(item) for item in world.after(plan).plan().items if item.goes] == []


def _loses_its_rank(plan: RepositoryPlan) -> bool:
    """Whether one rule keeps an image as one of the newest while another deletes the tag that may have made it so.

    Ranks count every tag that a rule covers, so without that tag the image may rank lower, and go next time.
    """
    ranked = {item.digest for item in plan.items if any(reason.code is Code.AMONG_NEWEST for reason in item.reasons)}
    return any(item.goes and item.digest in ranked for item in plan.items)


@given(worlds(), st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_in_which_a_registry_lists(world: World, random: Random) -> None:
    def shuffled(mapping: Mapping[Key, Value]) -> dict[Key, Value]:
        pairs = list(mapping.items())
        random.shuffle(pairs)
        return dict(pairs)

    seen = world.inventory
    other = replace(seen, tags=shuffled(seen.tags), manifests=shuffled(seen.manifests), unreadable=shuffled(seen.unreadable))
    assert replace(world, inventory=other).plan() == world.plan()


@given(worlds(), st.data())
def test_what_a_person_protects_only_ever_saves(world: World, data: st.DataObject) -> None:
    """Protecting one more tag saves it with all that it leads to. It may cost another one its place among the newest, no more."""
    assume(world.inventory.tags)
    tag = data.draw(st.sampled_from(sorted(world.inventory.tags)))
    claims = replace(world.claims, keep_tags={**world.claims.keep_tags, tag: reasons(Code.KEEP_LIST)})
    safer = replace(world, claims=claims)
    opinion = Opinion(safer, safer.plan())
    assert tag not in opinion.gone_tags
    assert not opinion.reachable([world.inventory.tags[tag]]) & opinion.gone
