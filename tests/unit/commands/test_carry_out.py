"""Carrying out a plan when the world does not stand still and the registry has bad days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING

import pytest
from tests.images import artifact, cosign, image, index, layer, push
from tests.unit.commands.harbourside import NOW, Moody, Shore

from moorage.commands.carry_out import Run
from moorage.commands.journal import Entry, Journal, read_journal
from moorage.commands.reconcile import reconcile
from moorage.errors import (
    ConfigurationError,
    Contradiction,
    Denied,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from moorage.oci.reference import Tag
from moorage.policy.claims import Claims
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Kind, Outcome
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.images import Image

    from moorage.oci.reference import Digest, Repository
    from moorage.registries.layout.registry import LayoutRegistry

OLD = Policy(rules=(Rule("old", tags=TagSelector.parse(["old*"]), older_than=timedelta(days=1)),))


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


def put(shore: Shore, what: Image, *tags: str) -> Image:
    push(shore.registry, shore.repository, what, *tags)
    return what


def run(shore: Shore, registry: Moody | None = None, policy: Policy = OLD) -> Run:
    planner = shore.planner(policy)
    items = [item for item in planner.plan().items if item.goes]
    with shore.journal() as journal:
        made = Run(registry or shore.registry, planner.inventory, items, journal)
        made.carry_out()
    return made


def outcomes(made: Run) -> dict[str, str]:
    return {
        tag.text if tag else digest.short: outcome.value for (_, tag, digest), (outcome, _) in made.outcomes.items() if digest
    }


def moody(shore: Shore, **moods: object) -> Moody:
    return Moody(shore.registry_name, **moods)  # type: ignore[arg-type]


def test_an_image_goes_with_all_that_belongs_to_it_and_the_rest_stays(shore: Shore) -> None:
    shared = image(layer("shared"))
    old = put(shore, index(shared, image(layer("only old"))), "old-1", "old-2")
    put(shore, index(shared, image(layer("new"))), "new")
    tag, signature = cosign(old)
    put(shore, signature, tag.text)
    put(shore, artifact(old))

    made = run(shore)

    assert shore.tags() == {"new"}
    assert {outcome for outcome, _ in made.outcomes.values()} == {Outcome.DELETED}
    assert shared.digest in shore.inventory().manifests
    assert old.digest not in shore.inventory().manifests
    assert signature.digest not in shore.inventory().manifests


def test_one_tag_of_several_goes_alone(shore: Shore) -> None:
    put(shore, image(), "old", "kept")

    assert outcomes(run(shore)) == {"old": "deleted"}
    assert shore.tags() == {"kept"}


def test_a_tag_that_moved_since_the_plan_is_left_alone(shore: Shore) -> None:
    old, new = put(shore, image(layer("a")), "old"), image(layer("b"))
    registry = moody(shore)
    planner = shore.planner(OLD)
    push(shore.registry, shore.repository, new, "old")

    with shore.journal() as journal:
        made = Run(registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal)
        made.carry_out()

    assert outcomes(made) == {"old": "changed-since-plan", old.digest.short: "changed-since-plan"}
    assert registry.asked == []


def test_a_single_tag_that_moved_is_left_alone(shore: Shore) -> None:
    put(shore, image(layer("a")), "old", "kept")
    planner = shore.planner(OLD)
    put(shore, image(layer("b")), "old")

    with shore.journal() as journal:
        made = Run(shore.registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal)
        made.carry_out()

    assert outcomes(made) == {"old": "changed-since-plan"}


def test_children_stay_when_their_index_turns_out_to_stay(shore: Shore) -> None:
    child = image(layer("child"))
    old = put(shore, index(child), "old")
    planner = shore.planner(OLD)
    put(shore, image(layer("else")), "old")

    with shore.journal() as journal:
        made = Run(shore.registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal)
        made.carry_out()

    assert outcomes(made)[child.digest.short] == "changed-since-plan"
    assert {old.digest, child.digest} <= shore.inventory().manifests.keys()


def test_a_signature_is_not_deleted_when_its_image_has_got_another_tag_content(shore: Shore) -> None:
    old = put(shore, image(layer("a")), "old")
    tag, signature = cosign(old)
    put(shore, signature, tag.text)
    planner = shore.planner(OLD)
    put(shore, image(layer("b")), "old")

    with shore.journal() as journal:
        made = Run(shore.registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal)
        made.carry_out()

    assert outcomes(made)[tag.text] == "changed-since-plan"
    assert tag.text in shore.tags()


def test_children_remain_for_the_next_run_when_their_index_could_not_be_deleted(shore: Shore) -> None:
    child = image(layer("child"))
    old = put(shore, index(child), "old")
    registry = moody(shore, refusals={old.digest: ItemRefused("locked")})

    made = run(shore, registry)

    assert outcomes(made) == {"old": "failed", old.digest.short: "failed"}
    assert registry.asked == [old.digest]
    assert child.digest in shore.inventory().manifests


@pytest.mark.parametrize("error", [Unauthorized("who?"), Denied("no"), Unsupported("never"), Throttled("later")])
def test_a_refusal_of_the_repository_ends_it(shore: Shore, error: RegistryError) -> None:
    for number in range(30):
        put(shore, image(layer(str(number))), f"old-{number}")
    registry = moody(shore)
    registry.refusals = dict.fromkeys(shore.inventory().manifests, error)

    made = run(shore, registry)

    assert made.halted is error
    assert len(registry.asked) <= made.parallel
    assert len(shore.tags()) == 30


@pytest.mark.parametrize("error", [ItemRefused("immutable"), Unreachable("500")])
def test_a_refusal_of_one_item_fails_that_item_alone(shore: Shore, error: RegistryError) -> None:
    locked = put(shore, image(layer("locked")), "old-locked")
    put(shore, image(layer("free")), "old-free")

    made = run(shore, moody(shore, refusals={locked.digest: error}))

    assert made.halted is None
    assert shore.tags() == {"old-locked"}
    assert made.outcomes[(shore.repository, Tag("old-locked"), locked.digest)] == (Outcome.FAILED, error.message)


def test_what_is_gone_already_is_done(shore: Shore) -> None:
    old = put(shore, image(), "old")
    made = run(shore, moody(shore, refusals={old.digest: NotFound("gone")}))
    assert outcomes(made) == {"old": "already-gone", old.digest.short: "already-gone"}


def test_tags_that_another_run_deleted_are_already_gone(shore: Shore) -> None:
    put(shore, image(), "old", "kept")
    planner = shore.planner(OLD)
    shore.registry.delete_tag(shore.repository, Tag("old"))

    with shore.journal() as journal:
        made = Run(shore.registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal)
        made.carry_out()

    assert outcomes(made) == {"old": "already-gone"}


def test_an_accepted_deletion_that_did_nothing_is_noticed(shore: Shore) -> None:
    old = put(shore, image(layer("a")), "old-1")
    kept = put(shore, image(layer("b")), "old-2", "kept")
    child = image(layer("child"))
    parent = put(shore, index(child), "old-3")

    made = run(shore, moody(shore, lies=[old.digest, Tag("old-2"), child.digest]))

    found = outcomes(made)
    assert found["old-1"] == found["old-2"] == found[child.digest.short] == "failed"
    assert found["old-3"] == found[parent.digest.short] == "deleted"
    assert kept.digest in shore.inventory().manifests


def test_a_look_afterwards_that_fails_is_told_and_changes_no_outcome(shore: Shore) -> None:
    put(shore, image(), "old")
    told: list[str] = []

    class Blinded(Moody):
        def tag_names(self, _: object) -> frozenset[Tag]:
            raise Unreachable("down")

    planner = shore.planner(OLD)
    with shore.journal() as journal:
        made = Run(Blinded(shore.registry_name), planner.inventory, [i for i in planner.plan().items if i.goes], journal)
        made.progress = type("Ears", (type(made.progress),), {"warn": lambda _, text: told.append(text)})()
        made.carry_out()

    assert set(outcomes(made).values()) == {"deleted"}
    assert "down" in told[0]


def test_nothing_is_begun_on_what_a_look_said_that_came_back_after_nobody_waited_any_more(shore: Shore) -> None:
    """Its outcome would be in no report."""
    put(shore, image(layer("a")), "old-1")
    put(shore, image(layer("b")), "old-2", "kept")
    gone = Event()

    class Slow(Moody):
        def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
            gone.set()
            return super().resolve(repository, reference)

    registry, planner = Slow(shore.registry_name), shore.planner(OLD)
    with shore.journal() as journal:
        made = Run(registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal, parallel=2)
        made.leave = gone.is_set
        made.carry_out()
        for thread in enumerate_threads():
            if thread.name.startswith("delete"):
                thread.join()
    assert (registry.asked, made.outcomes) == ([], {})


class Full(Journal):
    """The disk under it is full as soon as something was deleted."""

    def happened(self, entry: Entry, outcome: Outcome) -> None:
        raise ConfigurationError("the disk is full")


def test_what_was_deleted_is_told_though_the_journal_took_no_more_lines(shore: Shore) -> None:
    put(shore, image(layer("a")), "old-1")
    put(shore, image(layer("b")), "old-2", "kept")
    made = run_onto_a_full_disk(shore, shore.registry)
    assert outcomes(made) == {"old-2": "deleted"}
    assert shore.tags() == {"kept", "old-1"}


def run_onto_a_full_disk(shore: Shore, registry: LayoutRegistry) -> Run:
    planner = shore.planner(OLD)
    with Full(shore.folder / "full.jsonl", shore.registry_name, NOW) as journal:
        made = Run(registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal, parallel=1)
        with pytest.raises(ConfigurationError, match="full"):
            made.carry_out()
    return made


def test_a_spent_time_budget_stops_before_the_next_deletion(shore: Shore) -> None:
    for number in range(9):
        put(shore, image(layer(str(number))), f"old-{number}")
    registry = moody(shore)
    planner = shore.planner(OLD)
    with shore.journal() as journal:
        made = Run(registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal, parallel=1)
        made.spent = lambda: len(registry.asked) >= 4
        made.carry_out()

    assert len(registry.asked) == 4
    assert len(shore.tags()) == 5


def test_what_is_queued_is_not_deleted_after_an_unexpected_error(shore: Shore) -> None:
    for number in range(50):
        put(shore, image(layer(str(number))), f"old-{number}")

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    registry = moody(shore, before_delete=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(shore, registry)
    assert len(registry.asked) <= 8
    assert len(shore.tags()) == 50


def test_a_registry_without_tag_deletion_is_never_asked_for_it(shore: Shore) -> None:
    put(shore, image(), "old", "kept")
    planner = shore.planner(OLD)
    items = [item for item in planner.plan().items if item.goes]

    class WholeOnly:
        """The least that a registry has to offer."""

        def __init__(self) -> None:
            self.resolve = shore.registry.resolve
            self.tag_names = shore.registry.tag_names
            self.inventory = shore.registry.inventory

        def delete_manifest(self, *_: object) -> None:
            raise AssertionError("this would take the sibling along")

    with shore.journal() as journal:
        made = Run(WholeOnly(), planner.inventory, items, journal)
        made.carry_out()

    assert outcomes(made) == {"old": "failed"}
    assert isinstance(made.halted, Unsupported)
    assert shore.tags() == {"old", "kept"}


def test_the_journal_knows_before_the_registry_does(shore: Shore) -> None:
    old = put(shore, image(), "old")
    seen: list[object] = []

    def look(_: object) -> None:
        _, entries = read_journal(shore.folder / "journal.jsonl")
        seen.extend(entries)

    run(shore, moody(shore, before_delete=look))

    [entry] = seen
    assert (entry.digest, entry.content, entry.tags, entry.outcome) == (old.digest, old.content, (Tag("old"),), None)  # type: ignore[attr-defined]


def test_the_journal_tells_what_failed(shore: Shore) -> None:
    old = put(shore, image(), "old")
    run(shore, moody(shore, refusals={old.digest: Unreachable("500")}))
    _, [entry] = read_journal(shore.folder / "journal.jsonl")
    assert entry.outcome is Outcome.FAILED


class Batching(Moody):
    """Deletes two manifests a call."""

    batch_limit = 2

    def __init__(self, *args: object, **moods: object) -> None:
        super().__init__(*args, **moods)  # type: ignore[arg-type]
        self.batches: list[list[Digest]] = []
        self.silent: set[Digest] = set()
        self.whole_refusal: RegistryError | None = None

    def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, Exception | None]:
        self.batches.append(list(digests))
        if self.whole_refusal:
            raise self.whole_refusal
        return {digest: self._one(repository, digest) for digest in digests if digest not in self.silent}

    def _one(self, repository: Repository, digest: Digest) -> Exception | None:
        try:
            self.delete_manifest(repository, digest)
        except RegistryError as error:
            return error
        return None


class TestBatches:
    def test_go_as_large_as_the_registry_takes_them_and_never_a_child_with_its_index(self, shore: Shore) -> None:
        child = image(layer("child"))
        parent = put(shore, index(child), "old-index")
        for number in range(4):
            put(shore, image(layer(str(number))), f"old-{number}")
        registry = Batching(shore.registry_name)
        made = run(shore, registry)
        assert sorted(map(len, registry.batches)) == [1, 1, 2, 2]
        assert not any({parent.digest, child.digest} <= set(batch) for batch in registry.batches)
        assert set(outcomes(made).values()) == {"deleted"}
        assert shore.inventory().manifests == {}

    def test_each_part_has_its_own_outcome(self, shore: Shore) -> None:
        locked, gone, silent, fine = (
            put(shore, image(layer(name)), f"old-{name}") for name in ("locked", "gone", "silent", "fine")
        )
        registry = Batching(shore.registry_name, {locked.digest: ItemRefused("locked"), gone.digest: NotFound("gone")})
        registry.silent = {silent.digest}
        found = outcomes(run(shore, registry))
        assert [found[f"old-{name}"] for name in ("locked", "gone", "silent", "fine")] == [
            "failed",
            "already-gone",
            "failed",
            "deleted",
        ]
        assert found[fine.digest.short] == "deleted"
        _, entries = read_journal(shore.folder / "journal.jsonl")
        assert {entry.digest: entry.outcome for entry in entries}[silent.digest] is Outcome.FAILED

    def test_all_of_a_batch_is_told_though_the_journal_took_no_more_lines(self, shore: Shore) -> None:
        for number in range(4):
            put(shore, image(layer(str(number))), f"old-{number}")
        made = run_onto_a_full_disk(shore, Batching(shore.registry_name))
        assert len(shore.tags()) == 2
        assert list(outcomes(made).values()) == ["deleted"] * 4  # two tags, two manifests

    def test_an_answer_that_is_no_registry_s_ends_the_run_with_the_others_told(self, shore: Shore) -> None:
        odd, fine = (put(shore, image(layer(name)), f"old-{name}") for name in ("odd", "fine"))

        class Odd(Batching):
            def _one(self, repository: Repository, digest: Digest) -> Exception | None:
                return ZeroDivisionError("a mistake in the code") if digest == odd.digest else super()._one(repository, digest)

        planner = shore.planner(OLD)
        with shore.journal() as journal:
            made = Run(Odd(shore.registry_name), planner.inventory, [item for item in planner.plan().items if item.goes], journal)
            with pytest.raises(ZeroDivisionError):
                made.carry_out()
        assert shore.tags() == {"old-odd"}
        assert outcomes(made) == {"old-fine": "deleted", fine.digest.short: "deleted"}

    def test_a_refusal_of_the_whole_ends_the_repository(self, shore: Shore) -> None:
        for number in range(30):
            put(shore, image(layer(str(number))), f"old-{number}")
        registry = Batching(shore.registry_name)
        registry.whole_refusal = Denied("no right to delete")
        made = run(shore, registry)
        assert made.halted is registry.whole_refusal
        assert len(registry.batches) <= made.parallel
        assert len(shore.tags()) == 30


class TestSlowRegistries:
    """A registry that accepts deletions and carries them out a little later."""

    class Slow(Moody):
        settles_within = 10.0

    def looks(self, shore: Shore, settle_after: int) -> tuple[Run, list[float]]:
        old = put(shore, image(), "old")
        planner = shore.planner(OLD)
        registry = self.Slow(shore.registry_name, lies=[old.digest])
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == settle_after:
                shore.registry.delete_manifest(shore.repository, old.digest)

        with shore.journal() as journal:
            made = Run(registry, planner.inventory, [i for i in planner.plan().items if i.goes], journal, sleep=sleep)
            made.carry_out()
        return made, slept

    def test_are_waited_for(self, shore: Shore) -> None:
        made, slept = self.looks(shore, settle_after=3)
        assert slept == [0.5, 1.0, 2.0]
        assert set(outcomes(made).values()) == {"deleted"}

    def test_are_not_waited_for_for_ever(self, shore: Shore) -> None:
        made, slept = self.looks(shore, settle_after=-1)
        assert sum(slept) == 10.0
        assert set(outcomes(made).values()) == {"failed"}


def again(shore: Shore, _: object) -> None:
    put(shore, image(layer("new")), "old-2")


class TestSiblings:
    """Whatever a registry's documentation says about tags, it is looked at."""

    class Loose(Moody):
        """As go-containerregistry's registry, whose tags can still be pulled after their digest was deleted (seen 2026-11)."""

        gone: Digest | None = None

        def delete_manifest(self, repository: Repository, digest: Digest) -> None:
            self.asked.append(digest)
            self.gone = digest

        def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
            if reference == self.gone:
                raise NotFound("gone")
            return super().resolve(repository, reference)

    def test_tags_that_survive_their_manifest_are_removed_one_by_one(self, shore: Shore) -> None:
        old = put(shore, image(), "old-1", "old-2")
        registry = self.Loose(shore.registry_name)
        made = run(shore, registry)
        assert registry.asked == [old.digest, Tag("old-1"), Tag("old-2")]
        assert set(outcomes(made).values()) == {"deleted"}
        assert shore.tags() == set()

    def test_one_that_is_refused_is_told_as_failed_and_the_next_not_asked_for(self, shore: Shore) -> None:
        old = put(shore, image(), "old-1", "old-2")
        registry = self.Loose(shore.registry_name, {Tag("old-1"): Denied("tags stay")})
        made = run(shore, registry)
        assert registry.asked == [old.digest, Tag("old-1")]
        assert set(outcomes(made).values()) == {"failed"}, "of the manifest, too: it can still be pulled"
        assert shore.tags() == {"old-1", "old-2"}

    def test_one_of_them_that_is_pushed_again_at_that_moment_stays(self, shore: Shore) -> None:
        put(shore, image(), "old-1", "old-2")
        registry = self.Loose(shore.registry_name)
        registry.before_delete = partial(again, shore)
        run(shore, registry)
        assert shore.tags() == {"old-2"}

    def test_a_registry_that_takes_siblings_along_raises_an_alarm(self, shore: Shore) -> None:
        put(shore, image(), "old", "kept-1", "kept-2")

        class Careless(Moody):
            def delete_tag(self, repository: Repository, tag: Tag) -> None:
                self.delete_manifest(repository, self.resolve(repository, tag))

        made = run(shore, Careless(shore.registry_name))
        assert isinstance(made.lost, Contradiction)
        assert "2 tags that were to stay are gone: kept-1, kept-2" in made.lost.message

    def test_tags_that_somebody_else_moved_are_no_alarm(self, shore: Shore) -> None:
        put(shore, image(layer("a")), "old-1")
        put(shore, image(layer("b")), "old-2", "kept")
        assert run(shore).lost is None


class TestReconcile:
    """An old plan beside a new look."""

    def test_a_plan_that_still_fits_needs_nothing(self, shore: Shore) -> None:
        put(shore, index(image()), "old")
        assert reconcile(shore.going(OLD), shore.inventory(), Claims()) == {}

    def test_a_new_tag_on_a_planned_digest_saves_the_digest(self, shore: Shore) -> None:
        old = put(shore, image(), "old")
        items = shore.going(OLD)
        put(shore, old, "release")
        [(key, (outcome, _))] = reconcile(items, shore.inventory(), Claims()).items()
        assert key == (shore.repository, None, old.digest)
        assert outcome is Outcome.CHANGED

    def test_a_new_index_saves_the_children_that_it_needs(self, shore: Shore) -> None:
        child = image()
        put(shore, index(child), "old")
        items = shore.going(OLD)
        put(shore, index(child, image(layer("more"))), "new")
        found = reconcile(items, shore.inventory(), Claims())
        assert {digest for _, _, digest in found} == {child.digest}

    def test_moved_and_missing_tags(self, shore: Shore) -> None:
        moved, gone = put(shore, image(layer("a")), "old-moved"), put(shore, image(layer("b")), "old-gone")
        items = shore.going(OLD)
        put(shore, image(layer("c")), "old-moved")
        shore.registry.delete_manifest(shore.repository, gone.digest)
        found = {item.tag or item.digest: reconcile(items, shore.inventory(), Claims()).get(item.key) for item in items}
        assert found[Tag("old-moved")] == (
            Outcome.CHANGED,
            f"it points at {shore.registry.resolve(shore.repository, Tag('old-moved'))} now",
        )
        assert found[Tag("old-gone")] == (Outcome.ALREADY_GONE, None)
        assert found[gone.digest] == (Outcome.ALREADY_GONE, None)
        assert found[moved.digest] is None

    def test_what_cannot_be_read_holds_every_manifest(self, shore: Shore) -> None:
        put(shore, image(layer("a")), "old")
        broken = put(shore, image(layer("b")), "kept")
        items = shore.going(OLD)
        blob = shore.folder / "registry" / "app" / "blobs" / "sha256" / broken.digest.hex
        blob.write_bytes(b"damaged")
        found = reconcile(items, shore.inventory(), Claims())
        assert {item.key for item in items if item.kind is Kind.MANIFEST} == found.keys()

    @pytest.mark.parametrize(("habit", "spared"), [("takes_along", 2), ("lives_by_tags", 3)])
    def test_what_would_take_along_a_part_that_is_in_use_by_now_stays(self, shore: Shore, habit: str, spared: int) -> None:
        """Harbor deletes an index with its parts, Quay its parts with its last tag."""
        part = image()
        put(shore, index(part), "old")
        items = shore.going(OLD)
        claims = Claims(keep_digests={part.digest: (Reason(Code.IN_USE, "runs since yesterday"),)})
        assert len(reconcile(items, shore.inventory(), claims)) == 1
        seen = replace(shore.inventory(), **{habit: True})  # type: ignore[arg-type]
        found = reconcile(items, seen, claims)
        assert [outcome for outcome, _ in found.values()] == [Outcome.CHANGED] * spared

    def test_what_would_take_along_a_signature_that_has_got_a_tag_of_its_own_stays(self, shore: Shore) -> None:
        old = put(shore, image(), "old")
        attached = put(shore, artifact(old))
        items = shore.going(OLD)
        put(shore, attached, "sbom")
        found = reconcile(items, replace(shore.inventory(), takes_along=True), Claims())
        assert {digest for _, tag, digest in found if tag is None} == {old.digest, attached.digest}

    def test_a_last_tag_stays_where_its_manifest_would_go_with_it_and_something_cannot_be_read(self, shore: Shore) -> None:
        put(shore, image(layer("a")), "old")
        broken = put(shore, image(layer("b")), "kept")
        items = shore.going(OLD)
        (shore.folder / "registry" / "app" / "blobs" / "sha256" / broken.digest.hex).write_bytes(b"damaged")
        found = reconcile(items, replace(shore.inventory(), lives_by_tags=True), Claims())
        assert {item.key for item in items} == found.keys()


def test_tags_that_went_before_their_manifest_was_refused_are_told_as_deleted(shore: Shore) -> None:
    """Docker Hub takes them away first, and only then says that something else needs the manifest."""

    class TagsFirst(Moody):
        def delete_manifest(self, repository: Repository, digest: Digest) -> None:
            super().delete_tag(repository, Tag("old-1"))
            raise ItemRefused("something else needs it")

    both = put(shore, image(layer("both")), "old-1", "old-2")
    made = run(shore, TagsFirst(shore.registry_name))
    assert outcomes(made) == {"old-1": "deleted", "old-2": "failed", both.digest.short: "failed"}
    _, [entry] = read_journal(shore.folder / "journal.jsonl")
    assert entry.outcome is Outcome.FAILED  # so that a restore looks at both tags
