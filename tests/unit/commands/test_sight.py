"""Looks for many at once, right before something goes: as young as a look for one, and telling more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.images import artifact, image, index, layer, push
from tests.unit.commands.harbourside import Moody, Shore

from moorage.commands.aftermath import Aftermath
from moorage.commands.ahead import AT_ONCE, Ahead
from moorage.commands.carry_out import Run
from moorage.commands.sight import FRESH, Sight
from moorage.commands.undoing import Undoing
from moorage.errors import Denied, NotFound, RegistryError
from moorage.oci.reference import Digest, Tag
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Outcome
from moorage.policy.rules import Policy, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.images import Image

    from moorage.oci.inventory import Inventory
    from moorage.oci.reference import Repository

OLD = Policy(rules=(Rule("old", tags=TagSelector.parse(["old*"]), untagged=True, older_than=timedelta(days=1)),))


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


class Knowing(Moody):
    """Says of many manifests at once what tags they have, and hands many out at once."""

    def __init__(self, *args: object, **moods: object) -> None:
        super().__init__(*args, **moods)  # type: ignore[arg-type]
        self.looks: list[list[Digest]] = []
        self.reads: list[list[Digest]] = []
        self.resolved: list[Tag | Digest] = []
        self.silent: set[Digest] = set()
        self.refusal: RegistryError | None = None

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        self.looks.append(list(digests))
        if self.refusal:
            raise self.refusal
        tags = self.inventory(repository).tags_of()
        return {digest: frozenset(tags.get(digest, ())) for digest in digests if digest not in self.silent}

    def manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, tuple[bytes, str] | None]:
        self.reads.append(list(digests))
        return {digest: self._held(repository, digest) for digest in digests if digest not in self.silent}

    def _held(self, repository: Repository, digest: Digest) -> tuple[bytes, str] | None:
        try:
            return self.manifest(repository, digest)
        except NotFound:
            return None

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        self.resolved.append(reference)
        return super().resolve(repository, reference)


def run(shore: Shore, registry: Knowing, meanwhile: Callable[[], object] = lambda: None) -> dict[str, tuple[Outcome, str | None]]:
    planner = shore.planner(OLD, registry)
    items = [item for item in planner.plan().items if item.goes]
    meanwhile()
    with shore.journal() as journal:
        made = Run(registry, planner.inventory, items, journal)
        made.carry_out()
    return {tag.text if tag else digest.short: result for (_, tag, digest), result in made.outcomes.items() if digest}


class TestManyAtOnce:
    def test_one_look_is_enough_for_all_that_goes_within_seconds(self, shore: Shore) -> None:
        for number in range(20):
            push(shore.registry, shore.repository, image(layer(f"{number}")), f"old-{number}")
        registry = Knowing(shore.registry_name)
        found = run(shore, registry)
        assert {outcome for outcome, _ in found.values()} == {Outcome.DELETED}
        assert [len(look) for look in registry.looks] == [20]
        assert registry.resolved == []

    def test_a_tag_that_has_come_to_a_manifest_saves_it(self, shore: Shore) -> None:
        promoted = image(layer("promoted"))
        push(shore.registry, shore.repository, promoted, "old")
        found = run(shore, Knowing(shore.registry_name), lambda: push(shore.registry, shore.repository, promoted, "release"))
        assert found == dict.fromkeys(["old", promoted.digest.short], (Outcome.CHANGED, "release points at it since the plan"))
        assert shore.tags() == {"old", "release"}

    def test_so_does_one_that_has_come_to_a_manifest_without_any(self, shore: Shore) -> None:
        part = image(layer("part"))
        whole = index(part)
        push(shore.registry, shore.repository, whole, "old")
        found = run(shore, Knowing(shore.registry_name), lambda: push(shore.registry, shore.repository, part, "release"))
        assert found[part.digest.short] == (Outcome.CHANGED, "release points at it since the plan")
        assert found["old"][0] is Outcome.DELETED
        assert shore.tags() == {"release"}

    @pytest.mark.parametrize(("takes_along", "left"), [(False, {"sbom"}), (True, {"old", "sbom"})])
    def test_one_that_has_come_to_an_sbom_saves_the_image_too_where_that_would_take_it_along(
        self, shore: Shore, takes_along: bool, left: set[str]
    ) -> None:
        """Harbor deletes what belongs to an image with it, whatever its tags are."""
        old = image(layer("old"))
        sbom = artifact(old)
        push(shore.registry, shore.repository, old, "old")
        push(shore.registry, shore.repository, sbom)

        class Harbour(Knowing):
            def inventory(self, repository: Repository) -> Inventory:
                return replace(super().inventory(repository), takes_along=takes_along)

        run(shore, Harbour(shore.registry_name), lambda: push(shore.registry, shore.repository, sbom, "sbom"))
        assert shore.tags() == left

    def test_a_tag_that_is_not_where_it_was_is_asked_for_by_itself(self, shore: Shore) -> None:
        before, after = image(layer("before")), image(layer("after"))
        push(shore.registry, shore.repository, before, "old")
        registry = Knowing(shore.registry_name)
        found = run(shore, registry, lambda: push(shore.registry, shore.repository, after, "old"))
        assert found["old"] == (Outcome.CHANGED, f"it points at {after.digest} now")
        assert registry.resolved == [Tag("old")]
        assert shore.tags() == {"old"}

    def test_what_the_look_leaves_out_is_asked_for_by_itself(self, shore: Shore) -> None:
        one, other = image(layer("one")), image(layer("other"))
        push(shore.registry, shore.repository, one, "old-one")
        push(shore.registry, shore.repository, other, "old-other")
        registry = Knowing(shore.registry_name)
        registry.silent = {one.digest}
        assert {outcome for outcome, _ in run(shore, registry).values()} == {Outcome.DELETED}
        assert registry.resolved == [Tag("old-one")]

    def test_a_look_that_is_refused_ends_the_repository_with_nothing_deleted(self, shore: Shore) -> None:
        push(shore.registry, shore.repository, image(), "old")
        registry = Knowing(shore.registry_name)
        registry.refusal = Denied("no right to list")
        assert run(shore, registry)["old"] == (Outcome.FAILED, "no right to list")
        assert registry.asked == []

    def test_single_tags_are_looked_at_one_by_one(self, shore: Shore) -> None:
        push(shore.registry, shore.repository, image(), "old", "kept")
        registry = Knowing(shore.registry_name)
        run(shore, registry)
        assert Tag("old") in registry.resolved
        assert registry.looks == []


class TestFreshness:
    def test_an_answer_is_not_believed_for_longer_than_seconds(self, shore: Shore) -> None:
        before = image(layer("before"))
        push(shore.registry, shore.repository, before, "old")
        now = [0.0]
        sight = Sight(Knowing(shore.registry_name), shore.repository, [before.digest], lambda: now[0])
        assert sight.target_beside(Tag("old"), before.digest) == before.digest
        push(shore.registry, shore.repository, image(layer("after")), "old")
        now[0] = FRESH
        assert sight.target_beside(Tag("old"), before.digest) == before.digest, "as it was seconds ago"
        now[0] = FRESH + 0.1
        assert sight.target_beside(Tag("old"), before.digest) == image(layer("after")).digest

    def test_what_is_wanted_next_is_asked_for_along_and_nothing_twice(self) -> None:
        order = [Digest.of(b"%d" % number) for number in range(AT_ONCE + 50)]
        asked: list[Sequence[Digest]] = []

        def ask(digests: Sequence[Digest]) -> dict[Digest, str]:
            asked.append(digests)
            return {digest: str(digest) for digest in digests if digest != order[3]}

        ahead = Ahead(ask, order, fresh_for=1.0, clock=lambda: 0.0)
        assert [ahead.see(digest) for digest in order] == [None if digest == order[3] else str(digest) for digest in order]
        assert asked == [order[:AT_ONCE], order[AT_ONCE:]]
        stranger = Digest.of(b"never ordered")
        assert ahead.see(stranger) == str(stranger)
        assert asked[2] == [stranger]

    def test_a_registry_that_takes_its_time_is_not_asked_for_many_again(self) -> None:
        order, now = [Digest.of(b"%d" % number) for number in range(3)], [0.0]
        asked: list[Sequence[Digest]] = []

        def ask(digests: Sequence[Digest]) -> dict[Digest, str]:
            asked.append(digests)
            now[0] += 0.6
            return dict.fromkeys(digests, "old news")

        ahead = Ahead(ask, order, fresh_for=1.0, clock=lambda: now[0])
        assert [ahead.see(digest) for digest in order] == [None, None, None], "each is asked for by itself then"
        assert asked == [order]

    def test_what_is_taken_is_not_kept(self) -> None:
        one = Digest.of(b"one")
        ahead = Ahead(lambda digests: dict.fromkeys(digests, "bytes"), [one], fresh_for=1.0, clock=lambda: 0.0)
        assert ahead.take(one) == "bytes"
        assert ahead.take(one) is None

    def test_what_has_grown_old_is_forgotten(self) -> None:
        one, other, now = Digest.of(b"one"), Digest.of(b"other"), [0.0]
        asked: list[Sequence[Digest]] = []

        def ask(digests: Sequence[Digest]) -> dict[Digest, str]:
            asked.append(digests)
            return {one: "said once"} if len(asked) == 1 else {}

        ahead = Ahead(ask, [one, other], fresh_for=1.0, clock=lambda: now[0])
        assert ahead.see(one) == "said once"
        now[0] = 2.0
        assert ahead.see(other) is None
        assert ahead.see(one) is None, "and not what was said long ago"
        assert asked == [[one, other], [other], [one]]


class TestNewcomers:
    """On registries that do not say which tags a manifest has: names are looked at, and what is new is asked for."""

    def sight(self, shore: Shore, *tags: str) -> tuple[Sight, Image, list[float]]:
        old = image(layer("old"))
        push(shore.registry, shore.repository, old, *tags)
        now = [0.0]
        listed = shore.inventory().tags.keys()
        return Sight(shore.registry, shore.repository, [old.digest], lambda: now[0], listed=listed), old, now

    def test_a_tag_that_has_come_is_seen_within_seconds(self, shore: Shore) -> None:
        sight, old, now = self.sight(shore, "old")
        push(shore.registry, shore.repository, old, "release")
        push(shore.registry, shore.repository, image(layer("else")), "else")
        now[0] = FRESH
        assert sight.others_on(old.digest, [Tag("old")]) == [Tag("release")]
        push(shore.registry, shore.repository, image(layer("else")), "release")
        now[0] += FRESH
        assert sight.others_on(old.digest, [Tag("old")]) == [], "it has moved on"

    def test_one_that_is_gone_before_it_is_asked_for_is_none(self, shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
        sight, old, now = self.sight(shore, "old")
        monkeypatch.setattr(shore.registry, "tag_names", lambda _: frozenset({Tag("old"), Tag("gone")}))
        now[0] = FRESH
        assert sight.others_on(old.digest, [Tag("old")]) == []

    def test_long_lists_are_asked_for_the_more_rarely(self, shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
        sight, old, now = self.sight(shore, "old")
        asked = []

        def slowly(_: Repository) -> frozenset[Tag]:
            asked.append(now[0])
            now[0] += 10.0
            return frozenset({Tag("old")})

        monkeypatch.setattr(shore.registry, "tag_names", slowly)
        for moment in range(0, 1000, 5):
            now[0] = max(now[0], float(moment))
            sight.others_on(old.digest, [Tag("old")])
        assert len(asked) <= 5

    def test_an_image_that_is_promoted_meanwhile_is_not_deleted(self, shore: Shore) -> None:
        both = {one.digest: one for one in (image(layer("one")), image(layer("other")))}
        for number, one in enumerate(both.values()):
            push(shore.registry, shore.repository, one, f"old-{number}")
        registry, now = Moody(shore.registry_name), [0.0]

        def promote_the_other(what: Digest | Tag) -> None:
            [other] = (one for digest, one in both.items() if digest != what)
            push(shore.registry, shore.repository, other, "release")
            now[0] += FRESH

        registry.before_delete = promote_the_other
        planner = shore.planner(OLD)
        items = [item for item in planner.plan().items if item.goes]
        with shore.journal() as journal:
            Run(registry, planner.inventory, items, journal, parallel=1, ticks=lambda: now[0]).carry_out()
        assert len(registry.asked) == 1
        assert "release" in shore.tags()


class TestUndoing:
    def stocked(self, shore: Shore) -> tuple[Knowing, Undoing, list[Digest]]:
        """A registry whose listing has no bytes."""
        made = [image(layer(f"{number}")) for number in range(3)]
        for number, one in enumerate(made):
            push(shore.registry, shore.repository, one, f"v{number}")
        registry = Knowing(shore.registry_name)
        seen = registry.inventory(shore.repository)
        bare = {digest: replace(stored, content=b"") for digest, stored in seen.manifests.items()}
        order = [one.digest for one in made]
        return registry, Undoing(registry, replace(seen, manifests=bare), order), order

    def test_many_manifests_are_read_by_one_call(self, shore: Shore) -> None:
        registry, undoing, order = self.stocked(shore)
        entries = [undoing.entry(digest, ()) for digest in order]
        assert [Digest.of(entry.content) for entry in entries] == order
        assert registry.reads == [order]

    def test_what_that_leaves_out_is_read_by_itself_and_says_why_it_cannot_be(self, shore: Shore) -> None:
        registry, undoing, order = self.stocked(shore)
        registry.silent = {order[0]}
        registry.delete_manifest(shore.repository, order[1])
        assert Digest.of(undoing.entry(order[0], ()).content) == order[0]
        with pytest.raises(NotFound):
            undoing.entry(order[1], ())
        assert registry.reads == [order]


def test_whether_manifests_without_tags_are_gone_is_asked_of_many_at_once(shore: Shore) -> None:
    registry = Knowing(shore.registry_name)
    gone, there, silent = Digest.of(b"gone"), image(layer("there")), image(layer("silent"))
    for one in (there, silent):
        push(shore.registry, shore.repository, one)
    registry.silent = {silent.digest}
    look = Aftermath(registry, shore.repository, {}, 2, lambda: False, lambda _: None)
    keys = {(shore.repository, None, digest) for digest in (gone, there.digest, silent.digest)}
    assert {digest for _, _, digest in look.still_there(keys)} == {there.digest, silent.digest}
    assert len(registry.reads) == 1
    assert registry.resolved == [silent.digest]
