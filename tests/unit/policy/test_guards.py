"""Guards stop a run as a whole, before anything is changed (docs: guards)."""

import pytest
from tests.unit.policy.shelf import NOW, REPOSITORY, digest

from moorage.oci.reference import Registry, Repository, Tag
from moorage.policy.guards import objections
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Action, Item, Kind, Plan
from moorage.policy.rules import Guards, Rule

OTHER = Repository(Registry("registry.example"), "acme/other")
OFF = Guards(max_delete=None, max_delete_percent=None)


def tags(gone: int, total: int, where: Repository = REPOSITORY) -> list[Item]:
    """That many tags, each of an image of its own."""
    return [
        Item(where, Kind.TAG, digest(f"{n}"), Action.DELETE if n < gone else Action.KEEP, (), tag=Tag(f"t{n}"))
        for n in range(total)
    ]


def manifests(count: int) -> list[Item]:
    return [Item(REPOSITORY, Kind.MANIFEST, digest(f"{n}"), Action.DELETE, ()) for n in range(count)]


def test_the_defaults() -> None:
    assert Guards() == Guards(max_delete=1000, max_delete_percent=80)


def test_so_many_tags_per_run_and_no_more() -> None:
    five = Plan(NOW, (*tags(3, 100), *tags(2, 100, OTHER)))
    assert objections(five, Guards(max_delete=5)) == ()
    assert objections(five, Guards(max_delete=4)) == ("the plan deletes 5 tags, --max-delete allows 4 per run",)


def test_a_rule_that_would_delete_everything_is_refused_where_a_tag_goes() -> None:
    everything = Guards(boundless=(Rule("--delete-tags '*'", TagSelector.parse(["*"])), Rule("cleanup.rules[0]")))
    told = objections(Plan(NOW, tuple(tags(1, 2))), everything)
    assert [sentence.partition(" and has")[0] for sentence in told] == [
        "--delete-tags '*' covers every tag (*)",
        "cleanup.rules[0] covers every tag",
    ]
    assert all("say --delete-everything" in sentence for sentence in told)
    assert objections(Plan(NOW, tuple(tags(0, 2))), everything) == ()


def test_manifests_are_no_tags() -> None:
    assert objections(Plan(NOW, tuple(manifests(50))), Guards(max_delete=0, max_delete_percent=0)) == ()


def test_so_large_a_share_of_a_repository_and_no_more() -> None:
    guards = Guards(max_delete_percent=80)
    assert objections(Plan(NOW, tuple(tags(8, 10))), guards) == ()
    assert objections(Plan(NOW, tuple(tags(9, 10))), guards) == (
        "the plan deletes 9 of 10 tags of registry.example/acme/shop (90 %), --max-delete-percent allows 80 %",
    )


def test_the_share_is_told_precisely_where_it_is_close() -> None:
    (objection,) = objections(Plan(NOW, tuple(tags(801, 1000))), Guards(max_delete=None, max_delete_percent=80))
    assert "(80.1 %)" in objection


def test_each_repository_is_judged_by_itself() -> None:
    plan = Plan(NOW, (*tags(10, 10, OTHER), *tags(0, 90)))
    assert len(objections(plan, Guards())) == 1


def test_small_repositories_have_no_share() -> None:
    assert objections(Plan(NOW, tuple(tags(9, 9))), Guards()) == ()


def test_both_guards_speak() -> None:
    assert len(objections(Plan(NOW, tuple(tags(10, 10))), Guards(max_delete=1))) == 2


@pytest.mark.parametrize("count", [10, 5000])
def test_guards_can_be_switched_off(count: int) -> None:
    assert objections(Plan(NOW, tuple(tags(count, count))), OFF) == ()


def test_zero_allows_nothing() -> None:
    assert len(objections(Plan(NOW, tuple(tags(1, 100))), Guards(max_delete=0, max_delete_percent=0))) == 2
