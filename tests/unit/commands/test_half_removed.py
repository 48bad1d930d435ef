"""A tag that a killed run has left on its stub: the next run takes it away, and a restore gives it back."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.images import Image, image, layer, push
from tests.unit.commands.harbourside import Moody, Shore

from moorage.commands.carry_out import Run
from moorage.commands.journal import Entry, entries_to_undo, read_journal
from moorage.commands.restore import Back, RestoreSettings, restore
from moorage.errors import Unreachable
from moorage.oci.reference import Tag
from moorage.oci.stub import CONFIG, EMPTY, is_stub, stub_manifest
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Outcome
from moorage.policy.reason import Code
from moorage.policy.rules import Policy, Rule
from moorage.registries.addressing import resolve
from moorage.settings.settings import Access, Storage

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.oci.reference import Digest, Repository
    from moorage.policy.plan import Item

ANY_RULE = Policy((Rule("r", TagSelector.parse(["never-*"])),))


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


def left_on_stub(shore: Shore, original: Image, tag: str) -> None:
    """What a registry holds after a run was killed half-way."""
    content, kind = stub_manifest(original.digest, original.media_type)
    shore.registry.put_blob(shore.repository, CONFIG, lambda: io.BytesIO(EMPTY))
    shore.registry.put_manifest(shore.repository, Tag(tag), content, kind)


def app(shore: Shore, *tags: str) -> Image:
    made = image(layer("app"))
    push(shore.registry, shore.repository, made, *tags)
    return made


def tag_items(shore: Shore, policy: Policy) -> dict[str, Item]:
    return {item.tag.text: item for item in shore.planner(policy).plan().items if item.tag is not None}


def test_it_goes_whatever_its_age_and_says_why(shore: Shore) -> None:
    original = app(shore, "keep", "pr-1")
    left_on_stub(shore, original, "pr-1")
    item = tag_items(shore, ANY_RULE)["pr-1"]
    assert item.goes
    assert [reason.code for reason in item.reasons] == [Code.HALF_REMOVED]
    assert original.digest.short in item.reasons[0].detail
    assert not tag_items(shore, ANY_RULE)["keep"].goes


def test_an_empty_policy_keeps_it_and_so_does_protection(shore: Shore) -> None:
    left_on_stub(shore, app(shore, "keep"), "pr-1")
    assert not tag_items(shore, Policy())["pr-1"].goes
    assert not tag_items(shore, Policy(ANY_RULE.rules, protect=TagSelector.parse(["pr-*"])))["pr-1"].goes


def test_it_takes_no_place_among_the_newest(shore: Shore) -> None:
    original = app(shore, "v1")
    left_on_stub(shore, original, "v2")
    items = tag_items(shore, Policy((Rule("r", keep_newest=1, older_than=timedelta(days=1)),)))
    assert items["v2"].goes
    assert not items["v1"].goes


def test_an_image_that_only_bears_the_mark_is_an_image(shore: Shore) -> None:
    made = image(layer("app"), annotations={"vnd.moorage.stub": "x", "vnd.moorage.stub.of": "y"})
    push(shore.registry, shore.repository, made, "v1")
    assert not is_stub(shore.inventory().manifests[made.digest])
    assert not tag_items(shore, ANY_RULE)["v1"].goes


def test_the_journal_holds_what_the_tag_stood_for(shore: Shore) -> None:
    original = app(shore, "keep", "pr-1")
    left_on_stub(shore, original, "pr-1")
    planner = shore.planner(ANY_RULE)
    with shore.journal() as journal:
        Run(shore.registry, planner.inventory, shore.going(ANY_RULE), journal).carry_out()
    assert shore.tags() == {"keep"}
    [entry] = entries_to_undo(read_journal(journal.path)[1])
    assert (entry.digest, entry.tags, entry.manifest_stays) == (original.digest, (Tag("pr-1"),), True)

    [back] = restored(shore, journal.path)
    assert back == (Tag("pr-1"), Back.RESTORED)
    assert shore.registry.resolve(shore.repository, Tag("pr-1")) == original.digest


def test_it_stays_while_nobody_can_say_what_it_stood_for(shore: Shore) -> None:
    original = image(layer("elsewhere"))
    left_on_stub(shore, original, "pr-1")

    class Down(Moody):
        def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
            if reference == original.digest:
                raise Unreachable("down")
            return super().manifest(repository, reference)

    registry, planner = Down(shore.registry_name), shore.planner(ANY_RULE)
    with shore.journal() as journal:
        made = Run(registry, planner.inventory, shore.going(ANY_RULE), journal)
        made.carry_out()
    assert set(made.outcomes.values()) == {(Outcome.FAILED, "down")}
    assert (registry.asked, shore.tags()) == ([], {"pr-1"})


def test_it_goes_alone_where_somebody_gave_its_stub_another_tag(shore: Shore) -> None:
    original = app(shore, "keep", "pr-1")
    left_on_stub(shore, original, "pr-1")
    stub = shore.registry.resolve(shore.repository, Tag("pr-1"))
    for tag in ("pr-2", "pr-3"):
        shore.registry.put_manifest(shore.repository, Tag(tag), *shore.registry.manifest(shore.repository, stub))
    policy = Policy(ANY_RULE.rules, protect=TagSelector.parse(["pr-2"]))
    with shore.journal() as journal:
        Run(shore.registry, shore.planner(policy).inventory, shore.going(policy), journal).carry_out()
    assert shore.tags() == {"keep", "pr-2"}
    assert sorted(restored(shore, journal.path)) == [(Tag("pr-1"), Back.RESTORED), (Tag("pr-3"), Back.RESTORED)]
    assert shore.registry.resolve(shore.repository, Tag("pr-3")) == original.digest


def test_a_restore_from_the_journal_of_the_killed_run_moves_the_tag_back(shore: Shore) -> None:
    original = app(shore, "keep", "pr-1")
    with shore.journal() as journal:
        content, kind = shore.registry.manifest(shore.repository, original.digest)
        journal.about_to(Entry(shore.repository, original.digest, (Tag("pr-1"),), True, kind, content))
    left_on_stub(shore, original, "pr-1")
    assert restored(shore, journal.path) == [(Tag("pr-1"), Back.RESTORED)]
    assert shore.registry.resolve(shore.repository, Tag("pr-1")) == original.digest
    assert shore.inventory().manifests.keys() == {original.digest}, "the stub is of no more use"


def restored(shore: Shore, journal: Path) -> list[tuple[Tag | None, Back]]:
    settings = RestoreSettings(Access(), Storage(resolve(str(shore.registry_name))), journal)
    return [(item.tag, item.outcome) for item in restore(settings, shore.world).items]
