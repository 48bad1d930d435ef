"""A listing that does not say what belongs to what: what matters is read, and no plan goes further than one that knew all."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from tests.properties.graphs import NOW, World, worlds

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Tag
from moorage.policy.planner import Planner


@dataclass
class Registry:
    """Lists images that have a tag without what their bytes say, and reads them when asked."""

    truth: Inventory
    read: list[Digest] = field(default_factory=list)

    def listing(self) -> Inventory:
        tagged = set(self.truth.tags.values())
        return self.truth.with_manifests(
            replace(stored, subject=None, annotations={}, config=None, blobs=(), unread=True)
            for digest, stored in self.truth.manifests.items()
            if digest in tagged and not stored.children
        )

    def reveal(self, inventory: Inventory, digests: frozenset[Digest]) -> Inventory:
        assert not digests & set(self.read), "asked twice"
        self.read += digests
        return inventory.with_manifests(self.truth.manifests[digest] for digest in digests)


def complete(world: World, registry: Registry) -> Planner:
    inventory = registry.listing()
    for _ in range(100):
        planner = Planner(inventory, world.policy, NOW, world.claims, world.cannot_untag)
        unread = planner.needs().unread
        if not unread:
            return planner
        inventory = registry.reveal(inventory, unread)
    raise AssertionError("asks for ever")


def going(planner: Planner) -> set[tuple[Tag | None, Digest | None]]:
    return {(item.tag, item.digest) for item in planner.plan().items if item.goes}


@given(worlds())
def test_nothing_goes_that_would_stay_if_all_were_read(world: World) -> None:
    assert going(complete(world, Registry(world.inventory))) <= going(world.planner())


@given(worlds())
def test_no_manifest_goes_unread(world: World) -> None:
    planner = complete(world, Registry(world.inventory))
    gone = {digest for tag, digest in going(planner) if tag is None}
    assert not [digest for digest in gone if digest and planner.inventory.manifests[digest].unread]


@given(worlds())
def test_where_nothing_may_go_nothing_is_read(world: World) -> None:
    registry = Registry(world.inventory)
    planner = complete(replace(world, policy=replace(world.policy, rules=()), claims=replace(world.claims, let_go={})), registry)
    assert going(planner) == set()
    assert registry.read == []
