"""A planner asks for what its plan rests on, until it needs nothing, and for nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st
from tests.properties.graphs import NOW, World, worlds

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Tag
from moorage.policy.planner import Planner


@dataclass
class Registry:
    """Answers like a registry that lists tags only: dates and untagged referrers come when asked for."""

    truth: Inventory
    asked_dates: frozenset[Digest] = frozenset()
    asked_referrers: frozenset[Digest] = frozenset()

    def listing(self) -> Inventory:
        hidden = {digest for digest, stored in self.truth.manifests.items() if stored.subject is not None}
        hidden -= set(self.truth.tags.values())
        hidden -= {child for stored in self.truth.manifests.values() for child in stored.children}
        seen = {
            digest: replace(stored, date=None, dated=False)
            for digest, stored in self.truth.manifests.items()
            if digest not in hidden
        }
        return replace(self.truth, manifests=seen, lists_untagged=False)

    def dates(self, digests: frozenset[Digest]) -> Iterable[Stored]:
        assert not digests & self.asked_dates, "asked twice"
        self.asked_dates |= digests
        return [self.truth.manifests[digest] for digest in digests]

    def referrers(self, digests: frozenset[Digest]) -> Iterable[Stored]:
        assert not digests & self.asked_referrers, "asked twice"
        self.asked_referrers |= digests
        return [stored for stored in self.truth.manifests.values() if stored.subject in digests]


def complete(world: World, registry: Registry) -> Planner:
    inventory = registry.listing()
    for _ in range(100):
        planner = Planner(inventory, world.policy, NOW, world.claims, world.cannot_untag)
        needs = planner.needs(registry.asked_referrers)
        if needs.manifests:
            known = {digest: world.inventory.manifests[digest] for digest in needs.manifests & world.inventory.manifests.keys()}
            inventory = replace(
                inventory.with_manifests(known.values()), missing=inventory.missing | (needs.manifests - known.keys())
            )
        elif needs.dates:
            inventory = inventory.with_manifests(registry.dates(needs.dates))
        elif needs.referrers:
            gone = {item.digest for item in planner.plan().items if item.goes and item.tag is None}
            assert needs.referrers <= gone, "asks for referrers of what stays"
            inventory = inventory.with_manifests(registry.referrers(needs.referrers))
        else:
            assert not needs
            return planner
    raise AssertionError("asks for ever")


@given(worlds())
def test_asking_ends_and_nothing_is_asked_twice(world: World) -> None:
    complete(world, Registry(world.inventory))


@given(worlds())
def test_the_referrers_of_all_that_goes_are_known(world: World) -> None:
    registry = Registry(world.inventory)
    plan = complete(world, registry).plan()
    assert registry.asked_referrers >= {item.digest for item in plan.items if item.goes and item.tag is None}


@given(worlds(), st.data())
def test_dates_that_are_not_asked_for_do_not_matter(world: World, data: st.DataObject) -> None:
    """Whatever an unasked date turns out to be, the plan stays the same."""
    registry = Registry(world.inventory)
    planner = complete(world, registry)
    unasked = sorted(digest for digest, stored in planner.inventory.manifests.items() if not stored.dated)
    dates = st.sampled_from([None, NOW, world.inventory.manifests[unasked[0]].date] if unasked else [None])
    others = [replace(planner.inventory.manifests[digest], date=data.draw(dates), dated=True) for digest in unasked]
    other = Planner(planner.inventory.with_manifests(others), world.policy, NOW, world.claims, world.cannot_untag)
    assert _goes(other) == _goes(planner)


def _goes(planner: Planner) -> list[tuple[Tag | None, Digest | None]]:
    return [(item.tag, item.digest) for item in planner.plan().items if item.goes]
