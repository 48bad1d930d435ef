"""`keepNewest: N` keeps N images, or all there are: neither signatures nor second tags take up a place."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.properties.graphs import World, worlds
from tests.properties.oracle import Opinion

from moorage.policy.reason import Code
from moorage.policy.rules import Policy, Rule


@given(worlds(), st.integers(0, 4))
def test_keep_newest_keeps_that_many_images(world: World, number: int) -> None:
    rule = Rule("--keep-n-tagged", keep_newest=number)
    world = replace(world, policy=replace(world.policy, rules=(rule,), young=timedelta(0)))
    plan = world.plan()
    opinion = Opinion(world, plan)
    ranked = {item.digest for item in plan.items if any(reason.code is Code.AMONG_NEWEST for reason in item.reasons)}
    images = {
        world.inventory.tags[tag]
        for tag in opinion.own()
        if not opinion.firm(tag) and not opinion.belongs_to(tag) and tag not in world.claims.let_go
        and opinion.date(world.inventory.tags[tag], tag) is not None
    }  # fmt: skip
    assert len(ranked) == min(number, len(images))


@given(worlds())
def test_a_repository_is_never_emptied_by_rules_that_name_no_tag(world: World) -> None:
    """Only an explicit list of tags, or the keep policies, may take the last image away."""
    world = replace(world, policy=Policy(rules=(Rule("--older-than", older_than=timedelta(0)),), delete_unknown_age=True))
    opinion = Opinion(world, world.plan())
    images = {tag for tag in opinion.own() if not opinion.belongs_to(tag)}
    assert not images or images - opinion.gone_tags or images <= world.claims.let_go.keys()
