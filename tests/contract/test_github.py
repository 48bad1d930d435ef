"""GitHub's container registry."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.cleaning import MONTH, clean, empty, outcomes, plan_of, policy
from tests.contract.costs import measure
from tests.contract.github_scenes import docker, github, opened, scene_at
from tests.contract.least import Least, pages
from tests.contract.suite import VendorContract
from tests.images import attestation, image, index, layer
from tests.scripted_server import Reply
from tests.simulators.accounts import Account
from tests.simulators.github import (
    ADMIN,
    CLASSIC,
    DELETE,
    READ,
    VERSION,
    VERSIONS,
    WRITE,
    WRITER,
    GithubSimulator,
    ways,
)  # fmt: skip
from tests.simulators.serving import serving

from moorage.commands.emptied import emptied_in_journal
from moorage.commands.journal import entries_to_undo, read_journal
from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, Unsupported
from moorage.oci.reference import Tag
from moorage.policy.plan import Outcome
from moorage.policy.reason import Code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.scene import Scene
    from tests.realparts.registry import RunningRegistry
    from tests.simulators.memory import Held, Shelf
    from tests.simulators.simulator import Call

ORG = "/orgs/{owner}/packages"
PULLS = frozenset({"pull", "push"})


class Setting:
    """A package of an organization, with a classic token that may do everything."""

    @pytest.fixture
    def simulator(self, registry: RunningRegistry) -> GithubSimulator:
        return GithubSimulator(registry.host)

    @pytest.fixture
    def scene(self, simulator: GithubSimulator) -> Iterator[Scene]:
        yield from _served(simulator, f"acme/team/{uuid.uuid4().hex}")


def _served(simulator: GithubSimulator, path: str) -> Iterator[Scene]:
    with serving(simulator) as (_, host):
        scene = scene_at(simulator, host, path, github_api_url=f"http://{host}/api/v3")
        yield scene
        scene.close()


class TestContainers(Setting, VendorContract):
    abilities = Abilities(
        dates=Dates.VENDOR,
        lists_untagged=True,
        locks=True,
        switches_deletion_off=False,
        deletes_repositories=Emptying.WHOLE,
    )
    least = Least(
        inventory=lambda tags: pages(tags, 100) + tags,
        changing=lambda going: going,
        reading=lambda _, going: going + 1,
        why="no list tells an index from an image, and one that stays protects its parts: each is read",
    )


class TestVersions(Setting):
    """What a version is: a manifest with all its tags, and GitHub's reasons to keep it."""

    def test_the_plan_knows_that_the_last_tagged_version_stays(self, scene: Scene, tmp_path: Path) -> None:
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=(3 - number) * MONTH)
        scene.push(image(layer("untagged")))
        items = {str(item.tag): item for item in plan_of(scene, policy("old*", untagged=False)) if item.tag}
        assert items["old-2"].reasons[0].code is Code.LAST_TAGGED
        run = clean(scene, policy("old*", untagged=False), tmp_path)
        assert run.halted is None
        assert outcomes(run) == {"old-0": Outcome.DELETED, "old-1": Outcome.DELETED}
        assert scene.tags().keys() == {"old-2"}

    def test_the_last_tagged_version_is_refused_and_its_package_could_go(self, scene: Scene) -> None:
        digest = scene.push(image(layer("last")), "v1")
        scene.push(image(layer("untagged")))
        with pytest.raises(ItemRefused, match="last tagged version") as refused:
            opened(scene).delete_manifest(scene.repository, digest)
        assert "--delete-empty-repositories" in refused.value.remedy

    def test_the_last_version_stays_too(self, scene: Scene) -> None:
        digest = scene.push(image())
        with pytest.raises(ItemRefused, match="last version"):
            opened(scene).delete_manifest(scene.repository, digest)

    def test_a_package_that_went_whole_comes_back_with_all_that_went_before_it(self, scene: Scene, tmp_path: Path) -> None:
        for number in range(3):
            scene.push(index(image(layer(f"{number}")), image(layer("shared"))), f"old-{number}", age=MONTH)
        before = scene.tags()
        done = empty(scene, replace(policy("old*"), delete_empty=True), tmp_path).plan
        assert {item.outcome for item in done.items} == {item.outcome for item in done.empties} == {Outcome.DELETED}
        assert scene.tags() == {}
        (file,) = tmp_path.glob("journal-*.jsonl")
        assert emptied_in_journal(file, scene.repository.registry) == (scene.repository,)
        for entry in entries_to_undo(read_journal(file)[1]):
            if scene.has(entry.digest) and set(map(str, entry.tags)) <= scene.tags().keys():
                continue  # it came with the package
            opened(scene).restore(entry.repository, entry.digest, entry.vendor_id, entry.tags)
        assert scene.tags() == before
        assert [broken for digest in before.values() for broken in scene.broken(digest)] == []

    def test_records_go_with_the_package(self, scene: Scene, tmp_path: Path) -> None:
        """They are versions with tags, so that a package without images is not empty."""
        scene.push(image(layer("old")), "old", age=MONTH)
        scene.push(image(layer("record")), "moorage-image.app", age=MONTH)
        wanted = replace(policy("old"), delete_empty=True)
        done = empty(scene, wanted, tmp_path, images=frozenset({"app"})).plan
        assert [item.outcome for item in done.empties] == [Outcome.DELETED]
        assert scene.tags() == {}

    def test_a_popular_package_only_goes_by_githubs_support(self, scene: Scene) -> None:
        digest = scene.push(image(layer("last")), "v1")
        scene.simulator.lock(scene.path, "v1")
        with pytest.raises(ItemRefused, match="5000 downloads") as refused:
            opened(scene).delete_whole(scene.repository, {digest: {Tag("v1")}})
        assert "support" in refused.value.remedy
        assert scene.tags() == {"v1": digest}

    @pytest.mark.parametrize("other", ["another tag", "another version"])
    def test_a_package_is_not_deleted_with_anything_else_in_it(self, scene: Scene, other: str) -> None:
        digest = scene.push(image(layer("last")), "v1")
        scene.push(image(layer("last" if other == "another tag" else "more")), "v2")
        with pytest.raises(ItemRefused, match="other versions than planned"):
            opened(scene).delete_whole(scene.repository, {digest: {Tag("v1")}})
        assert scene.tags().keys() == {"v1", "v2"}

    def test_a_missing_role_is_told_from_a_package_that_is_gone(self, scene: Scene) -> None:
        member = Account("acme-member", "sham-token-of-a-member", WRITER.rights - {ADMIN})
        scene.simulator.accounts.everybody.append(member)
        digest = scene.push(image(layer("last")), "v1")
        with pytest.raises(Denied, match="still there"):
            opened(scene, docker(member)).delete_whole(scene.repository, {digest: {Tag("v1")}})
        assert scene.tags() == {"v1": digest}
        opened(scene).delete_whole(scene.repository, {digest: {Tag("v1")}})
        with pytest.raises(NotFound):
            opened(scene).delete_whole(scene.repository, {})

    def test_what_was_downloaded_too_often_only_goes_by_githubs_support(self, scene: Scene) -> None:
        digest = scene.push(image(layer("popular")), "v1")
        scene.push(image(layer("other")), "v2")
        scene.simulator.lock(scene.path, "v1")
        with pytest.raises(ItemRefused, match="5000 downloads") as refused:
            opened(scene).delete_manifest(scene.repository, digest)
        assert "support" in refused.value.remedy

    def test_a_deletion_whose_answer_was_lost_is_done(self, registry: RunningRegistry) -> None:
        """dataaxiom/ghcr-cleanup-action#74: an error of the server first, then 404."""

        class Hiccup(GithubSimulator):
            hiccups = 1

            @ways("DELETE", VERSION)
            def delete_version(self, call: Call) -> Reply:
                reply = super().delete_version(call)
                self.hiccups -= 1
                return reply if self.hiccups < 0 else Reply(502)

        for scene in _served(Hiccup(registry.host), f"acme/{uuid.uuid4().hex}"):
            scene.push(image(layer("stays")), "keep")
            digest = scene.push(image(layer("goes")), "old")
            opened(scene).delete_manifest(scene.repository, digest)
            assert scene.tags().keys() == {"keep"}
            github(scene).objections.clear()  # 502 is in nobody's description

    def test_a_404_for_a_missing_role_is_not_taken_for_gone(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        scene.push(image(layer("other")), "v2")
        no_admin = Account("acme-member", "sham-token-of-a-member", WRITER.rights - {ADMIN})
        scene.simulator.accounts.everybody.append(no_admin)
        registry = opened(scene, docker(no_admin))
        registry.inventory(scene.repository)
        with pytest.raises(Denied, match="it is still there") as refused:
            registry.delete_manifest(scene.repository, digest)
        assert not isinstance(refused.value, ItemRefused)
        assert "role Admin" in refused.value.remedy
        assert scene.tags().keys() == {"v1", "v2"}

    def test_what_somebody_else_deleted_is_gone(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        scene.push(image(layer("other")), "v2")
        registry = opened(scene)
        registry.inventory(scene.repository)
        scene.simulator.remove(scene.path, digest)
        with pytest.raises(NotFound):
            registry.delete_manifest(scene.repository, digest)

    def test_a_package_that_is_not_shown_any_more_is_no_proof_of_a_deletion(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = opened(scene)
        registry.inventory(scene.repository)
        del scene.simulator.shelves[scene.path]
        with pytest.raises(Denied, match="any more"):
            registry.delete_manifest(scene.repository, digest)

    def test_what_was_deleted_comes_back_with_its_tags(self, scene: Scene) -> None:
        content = image(layer("back"))
        digest = scene.push(content, "v1", "v2")
        scene.push(image(layer("other")), "v3")
        for comes_with_tags in (True, False):
            github(scene).restores_tags = comes_with_tags
            registry = opened(scene)
            stored = registry.inventory(scene.repository).manifests[digest]
            registry.delete_manifest(scene.repository, digest)
            registry.restore(scene.repository, digest, stored.vendor_id, [Tag("v1"), Tag("v2"), Tag("v3")])
            assert {name for name, target in scene.tags().items() if target == digest} == {"v1", "v2"}
            assert not scene.broken(digest)
        registry = opened(scene)
        stored = registry.inventory(scene.repository).manifests[digest]
        registry.delete_manifest(scene.repository, digest)
        scene.simulator.faults.burst(404, times=3, method="GET", route="/v2/manifests")  # it takes a moment
        registry.restore(scene.repository, digest, stored.vendor_id, [])
        assert not scene.broken(digest)
        with pytest.raises(NotFound, match="cannot be restored") as gone:
            opened(scene).restore(scene.repository, digest, "17", [])
        assert "30 days" in gone.value.remedy


class TestPages(Setting):
    """What an inventory costs, and what it does not need to ask."""

    def test_every_page_is_asked_for_once(self, scene: Scene) -> None:
        for number in range(9):
            scene.push(image(layer(f"{number}")), f"v{number}")
        scene.simulator.faults.page_size = 2
        scene.simulator.counts.clear()
        assert len(opened(scene).inventory(scene.repository).tags) == 9
        assert scene.simulator.counts["GET", ORG + VERSIONS] == 5

    def test_images_that_their_index_names_are_not_read(self, scene: Scene) -> None:
        """A tagged index with platforms and attestations, and an older one that lost its tag: one read for each."""
        pushed = set()
        for age in (MONTH, MONTH / 2):
            parts = [image(layer(f"{age}{number}"), platform=f"linux/{number}") for number in ("amd64", "arm64")]
            whole = index(*parts, *(attestation(part) for part in parts))
            for part in whole.manifests()[:-1]:
                scene.push(part, age=age)
            scene.push(whole, "latest", age=age)
            pushed |= {one.digest for one in whole.manifests()}
        scene.simulator.counts.clear()
        inventory = opened(scene, parallel=1).inventory(scene.repository)
        assert inventory.manifests.keys() == pushed
        assert scene.simulator.counts["GET", "/v2/manifests"] == 2

    def test_what_was_not_read_is_described_when_somebody_asks(self, scene: Scene) -> None:
        labelled = image(layer("child"), labels={"org.example": "yes"})
        whole = index(labelled, image(layer("other"), platform="linux/arm64"))
        scene.push(whole, "v1", age=MONTH)
        registry = opened(scene)
        inventory = registry.inventory(scene.repository)
        assert inventory.manifests[labelled.digest].content == b""
        child, parent = registry.describe(inventory, [labelled.digest, whole.digest])
        assert child.labels == parent.labels == {"org.example": "yes"}
        assert child.content == labelled.content
        assert (child.date, child.vendor_id) == (parent.date, inventory.manifests[labelled.digest].vendor_id)

    def test_an_index_whose_child_is_gone_says_so(self, scene: Scene) -> None:
        child = image(layer("child"))
        scene.push(index(child, image(layer("other"), platform="linux/arm64")), "v1")
        scene.simulator.remove(scene.path, child.digest)
        inventory = opened(scene).inventory(scene.repository)
        assert inventory.missing == {child.digest}
        assert child.digest not in inventory.manifests

    def test_records_are_named_and_not_read(self, scene: Scene) -> None:
        scene.push(image(layer("image")), "v1")
        scene.push(image(layer("marker")), "moorage-image.app", "moorage-image.worker")
        scene.simulator.counts.clear()
        inventory = opened(scene).inventory(scene.repository)
        assert {tag.text for tag in inventory.records} == {"moorage-image.app", "moorage-image.worker"}
        assert len(inventory.manifests) == 1
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1

    def test_a_tag_that_moved_between_two_pages_is_where_the_registry_says(self, registry: RunningRegistry) -> None:
        class Racing(GithubSimulator):
            def _version(self, call: Call, shelf: Shelf, held: Held) -> dict[str, Any]:
                found = super()._version(call, shelf, held)
                found["metadata"]["container"]["tags"] = ["latest"]
                return found

        for scene in _served(Racing(registry.host), f"acme/{uuid.uuid4().hex}"):
            scene.push(image(layer("before")), "latest")
            after = scene.push(image(layer("after")), "latest")
            assert opened(scene).inventory(scene.repository).tags == {Tag("latest"): after}

    def test_a_version_that_the_registry_denies_may_need_anything(self, scene: Scene, tmp_path: Path) -> None:
        """A hiccup of ghcr.io must not make orphans of an index's children."""
        child = image(layer("child"))
        parent = index(child)
        scene.push(parent, "keep", age=MONTH)
        scene.push(image(layer("old")), "old", age=MONTH)
        scene.simulator.upstream.delete(scene.path, parent.digest)
        inventory = opened(scene).inventory(scene.repository)
        assert inventory.unreadable.keys() == {parent.digest}
        assert inventory.tags[Tag("keep")] == parent.digest
        clean(scene, policy(older_than=MONTH / 2), tmp_path)
        assert scene.has(child.digest)

    def test_a_version_that_went_while_we_looked_is_gone(self, registry: RunningRegistry) -> None:
        class Racing(GithubSimulator):
            @ways("GET", VERSIONS)
            def versions(self, call: Call) -> Reply:
                reply = super().versions(call)
                shelf = self._shelf(call)
                if shelf and "gone" in shelf.tags:
                    self.remove(shelf.name, shelf.tags["gone"].digest)
                return reply

        for scene in _served(Racing(registry.host), f"acme/{uuid.uuid4().hex}"):
            scene.push(image(layer("gone")), "gone")
            scene.push(image(layer("there")), "there")
            inventory = opened(scene).inventory(scene.repository)
            assert inventory.tags.keys() == {Tag("there")}
            assert not inventory.unreadable

    def test_costs(self, scene: Scene) -> None:
        """A page per hundred versions and a GET per image; a deletion is one request."""
        costs = measure(scene, tags=12, deletions=5)
        assert costs.inventory["GET", ORG + VERSIONS] == 1
        assert costs.inventory["GET", "/v2/manifests"] == 12
        assert costs.deletion == {("DELETE", ORG + VERSION): 5}

    def test_listings_that_cannot_be_are_contradictions(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        for document in ({"message": "no list"}, [{"id": 1}], [{"id": 1, "name": "sha256:short"}]):
            registry = opened(scene)
            scene.simulator.faults.burst(200, times=1, route=VERSIONS, document=document)
            with pytest.raises(Contradiction):
                registry.inventory(scene.repository)


class TestUntagging(Setting):
    """One tag of several goes by way of a stub, which leaves no version behind."""

    def test_no_version_is_left_behind(self, scene: Scene) -> None:
        digest = scene.push(image(layer("both")), "v1", "v2")
        opened(scene).delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {"v2": digest}
        assert scene.simulator.shelves[scene.path].manifests.keys() == {digest}

    def test_without_the_stub_way_it_says_so_before_anything(self, scene: Scene) -> None:
        scene.push(image(layer("both")), "v1", "v2")
        registry = opened(scene, allow_stub=False)
        before = scene.changes()
        assert "--no-stub" in registry.cannot_untag(scene.repository)
        with pytest.raises(Unsupported, match="no call that removes one tag"):
            registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.changes() == before

    def test_the_only_tag_of_a_package_is_put_back(self, scene: Scene) -> None:
        digest = scene.push(image(layer("alone")), "v1")
        with pytest.raises(ItemRefused, match="put back"):
            opened(scene).delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {"v1": digest}
        assert scene.simulator.shelves[scene.path].manifests.keys() == {digest}

    def test_a_token_without_the_scope_changes_nothing(self, scene: Scene) -> None:
        scene.push(image(layer("both")), "v1", "v2")
        pusher = Account("acme-pusher", "sham-token-that-only-pushes", PULLS | {CLASSIC, READ, WRITE, ADMIN})
        scene.simulator.accounts.everybody.append(pusher)
        before = scene.changes()
        with pytest.raises(Denied, match=DELETE) as refused:
            opened(scene, docker(pusher)).delete_tag(scene.repository, Tag("v1"))
        assert "it has read:packages, write:packages" in refused.value.remedy
        assert scene.changes() == before

    def test_a_missing_role_is_found_out_once(self, scene: Scene) -> None:
        digest = scene.push(image(layer("both")), "v1", "v2", "v3")
        member = Account("acme-member", "sham-token-of-a-member", WRITER.rights - {ADMIN})
        scene.simulator.accounts.everybody.append(member)
        registry = opened(scene, docker(member))
        with pytest.raises(Denied, match="the tag was put back"):
            registry.delete_tag(scene.repository, Tag("v1"))
        before = scene.changes()
        with pytest.raises(Denied):
            registry.delete_tag(scene.repository, Tag("v2"))
        assert scene.changes() == before
        assert scene.tags() == dict.fromkeys(("v1", "v2", "v3"), digest)

    def test_a_version_that_is_listed_late_is_waited_for(self, registry: RunningRegistry) -> None:
        class Late(GithubSimulator):
            hidden = 3

            @ways("GET", VERSIONS)
            def versions(self, call: Call) -> Reply:
                self.hidden -= 1
                return super().versions(call) if self.hidden < 0 else Reply.of([])

        for scene in _served(Late(registry.host), f"acme/{uuid.uuid4().hex}"):
            digest = scene.push(image(layer("both")), "v1", "v2")
            opened(scene).delete_tag(scene.repository, Tag("v1"))
            assert scene.tags() == {"v2": digest}

    def test_a_stub_that_somebody_tagged_meanwhile_stays(self, registry: RunningRegistry) -> None:
        class Crowded(GithubSimulator):
            def _version(self, call: Call, shelf: Shelf, held: Held) -> dict[str, Any]:
                found = super()._version(call, shelf, held)
                if b"vnd.moorage.stub" in held.content:
                    found["metadata"]["container"]["tags"] = ["v1", "mine"]
                return found

        for scene in _served(Crowded(registry.host), f"acme/{uuid.uuid4().hex}"):
            digest = scene.push(image(layer("both")), "v1", "v2")
            with pytest.raises(Contradiction, match="has the tags v1, mine: it stays"):
                opened(scene).delete_tag(scene.repository, Tag("v1"))
            assert scene.tags() == {"v1": digest, "v2": digest}
            assert scene.simulator.counts["DELETE", ORG + VERSION] == 0

    def test_a_stub_that_is_never_listed_leaves_the_tag_as_it_was(self, registry: RunningRegistry) -> None:
        class Blind(GithubSimulator):
            @ways("GET", VERSIONS)
            def versions(self, call: Call) -> Reply:
                return Reply.of([])

        for scene in _served(Blind(registry.host), f"acme/{uuid.uuid4().hex}"):
            digest = scene.push(image(layer("both")), "v1", "v2")
            with pytest.raises(NotFound, match="put back"):
                opened(scene).delete_tag(scene.repository, Tag("v1"))
            assert scene.tags() == {"v1": digest, "v2": digest}
