"""Plans: what they count, before and after they were carried out."""

from dataclasses import replace

from tests.unit.policy.shelf import NOW, REPOSITORY, digest

from moorage.oci.reference import Registry, Repository, Tag
from moorage.policy.plan import Action, Item, Kind, Outcome, Plan, Totals

OTHER = Repository(Registry("registry.example"), "acme/other")


def item(word: str, tag: str = "", action: Action = Action.DELETE, where: Repository = REPOSITORY) -> Item:
    return Item(where, Kind.TAG if tag else Kind.MANIFEST, digest(word), action, (), tag=Tag(tag) if tag else None)


GOING = (item("a", "v1"), item("a", "v2"), item("a"), item("b", "v3"), item("b"))
PLAN = Plan(NOW, (*GOING, item("c", "v4", Action.KEEP), item("c", action=Action.KEEP)), freed={REPOSITORY: 7, OTHER: 5})


def test_a_plan_that_was_not_carried_out_deleted_nothing() -> None:
    assert PLAN.totals == Totals(kept_tags=1, kept_manifests=1, freed_bytes=12, planned_tags=3, planned_manifests=2)


def test_what_was_deleted_failed_was_gone_or_changed_is_counted_apart() -> None:
    v1, v2, a, v3, _ = (one.key for one in GOING)
    done = PLAN.with_outcomes(
        {
            v1: (Outcome.DELETED, None),
            v2: (Outcome.CHANGED, "moved"),
            a: (Outcome.ALREADY_GONE, None),
            v3: (Outcome.FAILED, "503"),
        }
    )
    assert done.applied
    assert done.totals == Totals(
        kept_tags=2, deleted_tags=1, kept_manifests=1, failed=1, remaining=2, freed_bytes=12, planned_tags=3, planned_manifests=2
    )
    assert [one.error for one in done.items if one.outcome is Outcome.FAILED] == ["503"]
    assert [str(one) for one in done.items if one.remains] == [
        "registry.example/acme/shop:v3",
        f"registry.example/acme/shop@{digest('b')}",
    ]


def test_items_are_found_by_repository() -> None:
    plan = Plan(NOW, (item("a", "v1"), item("a", "v1", where=OTHER), item("a")))
    assert plan.repositories == (REPOSITORY, OTHER)
    assert plan.of(OTHER) == (item("a", "v1", where=OTHER),)
    assert plan.deletions == plan.items


def test_outcomes_of_others_change_nothing() -> None:
    assert replace(PLAN.with_outcomes({item("x").key: (Outcome.FAILED, "x")}), applied=False) == PLAN
