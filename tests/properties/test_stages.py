"""Random stages storages: nothing goes that something which stays was made from, and nothing that is not the project's stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from moorage.oci import labels
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.claims import Claims, merged
from moorage.policy.planner import Planner
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy
from moorage.policy.stages import Ancestry, settle, stages_in

if TYPE_CHECKING:
    from moorage.policy.plan import Item

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
REPOSITORY = Repository(Registry("registry.example"), "acme/stages")
BECAUSE = (Reason(Code.IN_USE, "a pod runs it"),)
NAMES = 7


def name(number: int) -> str:
    return Digest.of(f"stage {number}".encode()).hex[:56]


@dataclass
class World:
    """`built_on` are all edges by name; `tags` the tag of each stage."""

    tags: dict[str, Tag] = field(default_factory=dict)
    built_on: dict[str, set[str]] = field(default_factory=dict)
    foreign: set[Tag] = field(default_factory=set)
    marks: dict[Tag, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)  # by name: stays whatever happens
    needed: set[str] = field(default_factory=set)
    items: tuple[Item, ...] = ()

    @property
    def gone(self) -> set[Tag]:
        return {item.tag for item in self.items if item.goes and item.tag is not None}

    def below(self, roots: set[str]) -> set[str]:
        found, waiting = set[str](), list(roots)
        while waiting:
            one = waiting.pop()
            if one in self.tags and one not in found:
                found.add(one)
                waiting += self.built_on[one]
        return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    manifests, ancestry, tags = dict[Digest, Stored](), dict[Digest, Ancestry](), dict[Tag, Digest]()
    claimed = dict[Tag, tuple[Reason, ...]]()
    for number in range(draw(st.integers(1, NAMES))):
        older = st.sets(st.sampled_from([name(one) for one in range(NAMES + 1)]), max_size=3)
        below = draw(older) - {name(number)}
        by_werf = draw(st.booleans())
        below = set(sorted(below)[:1]) if by_werf else below
        digest = Digest.of(f"manifest {number}".encode())
        age = draw(st.sampled_from([timedelta(days=9), timedelta(days=9), timedelta(minutes=9), None]))
        if by_werf:
            tag = Tag(f"{name(number)}-170000000000{number}")
            said = {"werf": "shop", "werf-image": "false", "werf-stage-signature": name(number)}
            ancestry[digest] = Ancestry(name(number), next(iter(below), ""))
        else:
            tag = Tag(name(number))
            said = {labels.PROJECT: "shop", labels.SIGNATURE: tag.text, labels.STAGES: " ".join(sorted(below))}
        whose = draw(st.sampled_from(["ours", "ours", "ours", "theirs", "unlabelled"]))
        said = said if whose == "ours" else {**said, labels.PROJECT: "other", "werf": "other"} if whose == "theirs" else {}
        manifests[digest] = Stored(digest, date=NOW - age if age else None, dated=True, labels=said)
        tags[tag] = digest
        if whose == "ours":
            world.tags[name(number)], world.built_on[name(number)] = tag, below
        else:
            world.foreign.add(tag)
        if draw(st.sampled_from([False, False, True])):
            tags[Tag(f"by-hand-{number}")] = digest
            world.foreign.add(Tag(f"by-hand-{number}"))
        if by_werf and draw(st.sampled_from([False, False, True])):
            mark = Tag(f"{tag}-rejected")
            tags[mark] = Digest.of(mark.text.encode())
            manifests[tags[mark]] = Stored(tags[mark], date=NOW - timedelta(days=1), dated=True, labels={})
            world.marks[mark] = name(number)
        if draw(st.sampled_from([False, False, False, True])):
            claimed[tag] = BECAUSE
        if age is None or age < timedelta(hours=2) or tag in claimed:
            world.held.add(name(number))
    world.needed = draw(st.sets(st.sampled_from([name(one) for one in range(NAMES + 1)]), max_size=2))
    cannot = draw(st.sampled_from(["", "", "this registry cannot"]))
    inventory = Inventory(REPOSITORY, tags, manifests, lists_untagged=True)
    stages = stages_in(inventory, "shop", ancestry)
    planner = settle(
        stages,
        dict.fromkeys(world.needed, "app:v1"),
        Reason(Code.STAGE_UNUSED, "unused"),
        lambda found: Planner(stages.dated(inventory), Policy(), NOW, merged([found, Claims(keep_tags=claimed)]), cannot),
    )
    world.items = planner.plan().items
    shared = {number for number, tag in world.tags.items() if list(tags.values()).count(tags[tag]) > 1}
    world.held |= shared if cannot else set()
    return world


@given(worlds())
def test_nothing_goes_that_something_which_stays_was_made_from(world: World) -> None:
    staying = {one for one, tag in world.tags.items() if tag not in world.gone}
    assert world.below(world.needed | staying) <= staying


@given(worlds())
def test_nothing_goes_but_stages_and_their_marks(world: World) -> None:
    assert world.gone <= {*world.tags.values(), *world.marks}
    assert not world.gone & world.foreign
    for mark, stage in world.marks.items():
        assert mark not in world.gone or world.tags.get(stage) in world.gone
    digests = {item.digest for item in world.items if item.tag in world.gone}
    assert {item.digest for item in world.items if item.goes} == digests


@given(worlds())
def test_what_nobody_needs_goes(world: World) -> None:
    kept = world.below(world.needed | world.held)
    assert {world.tags[one] for one in world.tags.keys() - kept} == world.gone - world.marks.keys()
    assert {mark for mark, one in world.marks.items() if world.tags.get(one) in world.gone} == world.gone & world.marks.keys()
