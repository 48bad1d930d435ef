"""A survey asks for what a plan rests on, and for no more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.images import artifact, image, index, layer, push
from tests.unit.commands.harbourside import NOW, Moody, Shore

from moorage.commands.reconcile import reconcile
from moorage.commands.survey import Question, complete, looked_up, revealed, seen_again
from moorage.errors import Denied, NotFound, Unreachable
from moorage.oci.inventory import Stored
from moorage.oci.reference import Digest
from moorage.policy.claims import Claims
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Kind
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from moorage.oci.inventory import Inventory
    from moorage.oci.reference import Repository, Tag
    from moorage.policy.planner import Planner

OLD = Policy(rules=(Rule("old", tags=TagSelector.parse(["old*"]), older_than=timedelta(days=1)),))
IN_USE = (Reason(Code.IN_USE, "Deployment web runs it"),)


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


class Tagged(Moody):
    """A registry that lists only what its tags lead to, as the OCI API does."""

    reading: dict[Digest, Exception] = {}  # noqa: RUF012 -- replaced, never changed

    def inventory(self, repository: Repository) -> Inventory:
        from dataclasses import replace

        seen = super().inventory(repository)
        reached = {digest for tagged in seen.tags.values() for digest in (tagged, *seen.manifests[tagged].children)}
        return replace(seen, manifests={d: stored for d, stored in seen.manifests.items() if d in reached}, lists_untagged=False)

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        if isinstance(reference, Digest) and reference in self.reading:
            raise self.reading[reference]
        return super().manifest(repository, reference)


def going(shore: Shore, registry: Tagged, claims: Claims) -> set[Digest | None]:
    planner = complete(registry, registry.inventory(shore.repository), Question(OLD, NOW, claims))
    return {item.digest for item in planner.plan().items if item.goes and item.kind is Kind.MANIFEST}


class TestInUseAndNotListed:
    """An index runs somewhere by its digest; its tag moved on long ago, and a child of it is tagged and old."""

    @pytest.fixture
    def running(self, shore: Shore) -> tuple[Digest, Digest]:
        child = image(layer("child"))
        push(shore.registry, shore.repository, index(child, image(layer("other"))))
        push(shore.registry, shore.repository, child, "old-amd64")
        return index(child, image(layer("other"))).digest, child.digest

    def test_its_children_stay(self, shore: Shore, running: tuple[Digest, Digest]) -> None:
        registry = Tagged(shore.registry_name)
        assert going(shore, registry, Claims()) == {running[1]}
        assert going(shore, registry, Claims(keep_digests={running[0]: IN_USE})) == set()

    def test_what_is_not_there_protects_nothing(self, shore: Shore, running: tuple[Digest, Digest]) -> None:
        elsewhere = Claims(keep_digests={Digest.of(b"in another repository"): IN_USE})
        assert going(shore, Tagged(shore.registry_name), elsewhere) == {running[1]}

    @pytest.mark.parametrize("trouble", [Unreachable("500"), Unreachable("garbage")])
    def test_what_cannot_be_read_protects_everything(
        self, shore: Shore, running: tuple[Digest, Digest], trouble: Exception
    ) -> None:
        registry = Tagged(shore.registry_name)
        registry.reading = {running[0]: trouble}
        assert going(shore, registry, Claims(keep_digests={running[0]: IN_USE})) == set()

    def test_a_refusal_of_the_repository_is_raised(self, shore: Shore, running: tuple[Digest, Digest]) -> None:
        registry = Tagged(shore.registry_name)
        registry.reading = {running[0]: Denied("no right to pull")}
        with pytest.raises(Denied):
            looked_up(registry, registry.inventory(shore.repository), [running[0]])

    def test_a_missing_child_is_known_to_be_missing(self, shore: Shore, running: tuple[Digest, Digest]) -> None:
        registry = Tagged(shore.registry_name)
        registry.reading = {running[1]: NotFound("gone")}
        seen = looked_up(registry, Moody(shore.registry_name).inventory(shore.repository), [running[0]])
        assert running[0] in seen.manifests


def test_dates_are_asked_for_candidates_alone(shore: Shore) -> None:
    push(shore.registry, shore.repository, image(layer("a")), "old-1")
    push(shore.registry, shore.repository, image(layer("b")), "kept")
    planner = shore.planner(OLD)
    assert {tag.text for tag, digest in planner.inventory.tags.items() if planner.inventory.manifests[digest].dated} >= {"old-1"}


class Terse(Moody):
    """A registry whose listing does not say of tagged images what they belong to."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.revealed: list[Digest] = []

    def inventory(self, repository: Repository) -> Inventory:
        seen = super().inventory(repository)
        tagged = set(seen.tags.values())
        return seen.with_manifests(
            Stored(digest, stored.media_type, date=stored.date, dated=stored.dated, unread=True)
            for digest, stored in seen.manifests.items()
            if digest in tagged and not stored.children
        )

    def reveal(self, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
        wanted = list(digests)
        self.revealed += wanted
        told = super().inventory(inventory.repository).manifests
        return inventory.with_manifests(inventory.manifests[digest].with_bytes_of(told[digest]) for digest in wanted)


class TestUnread:
    def survey(self, shore: Shore, registry: Terse) -> Planner:
        return complete(registry, registry.inventory(shore.repository), Question(OLD, NOW, Claims()))

    def test_only_what_may_go_is_read(self, shore: Shore) -> None:
        old = image(layer("old"))
        push(shore.registry, shore.repository, old, "old")
        push(shore.registry, shore.repository, image(layer("kept")), "kept")
        registry = Terse(shore.registry_name)
        planner = self.survey(shore, registry)
        assert {item.digest for item in planner.plan().items if item.goes} == {old.digest}
        assert old.digest in registry.revealed
        assert len(registry.revealed) == 2, "and one that stays, to know that an image does"

    def test_what_belongs_to_something_that_stays_is_found_out_before_it_goes(self, shore: Shore) -> None:
        kept = image(layer("kept"))
        push(shore.registry, shore.repository, kept, "kept")
        push(shore.registry, shore.repository, artifact(kept), "old-sbom")
        assert not [item for item in self.survey(shore, Terse(shore.registry_name)).plan().items if item.goes]

    def test_a_registry_that_leaves_images_unread_has_to_read_them(self, shore: Shore) -> None:
        push(shore.registry, shore.repository, image(), "old")
        seen = Terse(shore.registry_name).inventory(shore.repository)
        with pytest.raises(TypeError):
            revealed(shore.registry, seen, seen.manifests)

    def test_what_was_read_for_the_plan_holds_when_the_repository_is_seen_again(self, shore: Shore) -> None:
        """A tag comes to an image after the plan: it stays, and with it what belongs to it."""
        app = image(layer("app"))
        sbom = artifact(app)
        push(shore.registry, shore.repository, app, "old-app")
        push(shore.registry, shore.repository, sbom, "old-sbom")
        push(shore.registry, shore.repository, image(layer("kept")), "kept")
        registry = Terse(shore.registry_name)
        planner = self.survey(shore, registry)
        items = [item for item in planner.plan().items if item.goes]
        assert {item.digest for item in items} == {app.digest, sbom.digest}
        push(shore.registry, shore.repository, app, "release")
        before = list(registry.revealed)
        again = seen_again(registry, planner.inventory, {item.digest for item in items if item.digest})
        assert registry.revealed == before
        held = {digest for _, tag, digest in reconcile(items, again, Claims()) if tag is None}
        assert held == {app.digest, sbom.digest}

    def test_what_was_not_read_for_the_plan_is_read_when_it_is_to_go(self, shore: Shore) -> None:
        old = image(layer("old"))
        push(shore.registry, shore.repository, old, "old")
        registry = Terse(shore.registry_name)
        again = seen_again(registry, registry.inventory(shore.repository), {old.digest})
        assert registry.revealed == [old.digest]
        assert not again.manifests[old.digest].unread
