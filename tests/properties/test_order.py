"""In whatever order the graph allows, never in one that leaves an index without its children or a signature without its image."""

from collections import Counter
from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st
from tests.properties.graphs import REPOSITORY, World, digest, inventories, worlds
from tests.properties.oracle import FOLLOWING_NAME

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Tag
from moorage.policy.order import Removal, Untag, waves
from moorage.policy.plan import Action, Item, Kind


def places(items: Iterable[Item], inventory: Inventory) -> Mapping[Digest, int]:
    """Each removed manifest with the number of its wave."""
    found = waves(items, inventory)
    return {deletion.digest: number for number, wave in enumerate(found) for deletion in wave if isinstance(deletion, Removal)}


@given(worlds())
def test_a_plan_is_carried_out_whole_and_once(world: World) -> None:
    """Deleting a manifest deletes every tag that points at it, so each of them must be in the plan. Single tags go first."""
    items = [item for item in world.plan().items if item.goes]
    found = waves(world.plan().items, world.inventory)
    removals = [deletion for wave in found for deletion in wave if isinstance(deletion, Removal)]
    untags = [deletion for wave in found for deletion in wave if isinstance(deletion, Untag)]
    tags = [*(deletion.tag for deletion in untags), *(tag for deletion in removals for tag in deletion.tags)]
    manifests = Counter(item.digest for item in items if item.kind is Kind.MANIFEST)
    assert Counter(deletion.digest for deletion in removals) == manifests
    assert Counter(tags) == Counter(item.tag for item in items if item.kind is Kind.TAG)
    for removal in removals:
        assert set(removal.tags) == {tag for tag, digest in world.inventory.tags.items() if digest == removal.digest}
    assert not untags or set(found[0]) == set(untags)


@st.composite
def any_removals(draw: st.DrawFn) -> tuple[Inventory, list[Item]]:
    """Any manifests of a repository, planned or not by any sensible planner: plans are also read from files."""
    inventory = draw(inventories([digest(number) for number in range(9)], set()))
    chosen = draw(st.lists(st.sampled_from(sorted(inventory.manifests)), unique=True, min_size=2))
    return inventory, [Item(REPOSITORY, Kind.MANIFEST, found, Action.DELETE, ()) for found in chosen]


@given(any_removals())
def test_an_index_goes_before_its_children(removals: tuple[Inventory, list[Item]]) -> None:
    inventory, items = removals
    place = places(items, inventory)
    assert len(place) == len(items)
    for index, stored in inventory.manifests.items():
        for child in stored.children:
            assert index not in place or child not in place or place[index] < place[child]


@given(any_removals())
def test_what_belongs_to_a_manifest_goes_before_it_unless_they_belong_to_each_other(
    removals: tuple[Inventory, list[Item]],
) -> None:
    inventory, items = removals
    place = places(items, inventory)
    before = {(index, child) for index, stored in inventory.manifests.items() for child in stored.children}
    belongings = {(found, stored.subject) for found, stored in inventory.manifests.items() if stored.subject is not None}
    belongings |= {(found, target) for tag, found in inventory.tags.items() if (target := _followed(tag)) is not None}
    before |= belongings
    for one, other in belongings:
        if one in place and other in place and not _leads(other, one, before, set(place)):
            assert place[one] < place[other]


def _followed(tag: Tag) -> Digest | None:
    name = FOLLOWING_NAME.fullmatch(tag.text)
    return Digest(f"sha256:{name[1]}") if name else None


def _leads(start: Digest, end: Digest, edges: set[tuple[Digest, Digest]], within: set[Digest]) -> bool:
    """Whether a chain of edges leads from one to the other."""
    found, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += [other for one, other in edges if one == here and other in within]
    return end in found
