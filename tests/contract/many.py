"""What is asked of many manifests at once is as true as what is asked of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.images import image, layer

from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Outcome
from moorage.registries.interface import BatchReader, Revealer, TagFinder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.contract.abilities import Abilities
    from tests.contract.scene import Scene

    from moorage.registries.interface import Registry


class ManyPromises:
    abilities: Abilities

    def test_every_tag_on_many_manifests_is_told_as_of_right_now(self, scene: Scene) -> None:
        made = [image(layer(f"{number}")) for number in range(4)]
        for number, one in enumerate(made):
            scene.push(one, f"v{number}")
        registry = scene.open()
        registry.inventory(scene.repository)
        self._tells_the_truth(scene, registry, [one.digest for one in made])
        scene.push(made[0], "release", "latest")
        scene.push(made[1], "v2")  # moves from one to the other
        self._tells_the_truth(scene, registry, [one.digest for one in made])
        registry.delete_manifest(scene.repository, made[3].digest)
        scene.settle()
        found = self._tags_on(scene, registry, [one.digest for one in made])
        assert not found.get(made[3].digest)

    def test_a_tag_that_comes_to_a_manifest_after_the_plan_saves_it(self, scene: Scene, tmp_path: Path) -> None:
        promoted = image(layer("promoted"))
        scene.push(promoted, "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        if not self.abilities.finds_tags:  # then comparing names right before the run has to find it
            scene.push(promoted, "release")
            assert Tag("release") in scene.open().tag_names(scene.repository)
            return
        run = clean(scene, policy("old"), tmp_path, meanwhile=lambda: scene.push(promoted, "release"))
        scene.settle()
        assert outcomes(run) == {"old": Outcome.CHANGED}
        assert scene.tags()["release"] == promoted.digest

    def test_many_manifests_come_with_the_bytes_of_each(self, scene: Scene) -> None:
        made = [image(layer(f"{number}")) for number in range(3)]
        for number, one in enumerate(made):
            scene.push(one, f"v{number}")
        registry, absent = scene.open(), Digest.of(b"never pushed")
        if isinstance(registry, BatchReader) and self.abilities.reads_many:
            scene.unreadable(made[2].digest)
            found = registry.manifests(scene.repository, [*(one.digest for one in made), absent])
            assert found == {made[0].digest: (made[0].content, made[0].media_type),
                             made[1].digest: (made[1].content, made[1].media_type), absent: None}  # fmt: skip
        elif isinstance(registry, BatchReader):
            assert registry.manifests(scene.repository, [one.digest for one in made]) == {}
        else:
            assert not self.abilities.reads_many

    def test_what_a_listing_leaves_unread_is_read_on_request_and_nothing_else_changes(self, scene: Scene) -> None:
        fine, damaged, gone, left = (scene.push(image(layer(name)), name) for name in ("fine", "damaged", "gone", "left"))
        registry = scene.open()
        before = registry.inventory(scene.repository)
        unread = {digest for digest, stored in before.manifests.items() if stored.unread}
        if not isinstance(registry, Revealer) or not unread:
            assert not unread
            return
        assert unread == {fine, damaged, gone, left}
        scene.unreadable(damaged)
        registry.delete_manifest(scene.repository, gone)
        scene.settle()
        after = registry.reveal(before, [fine, damaged, gone])
        assert Digest.of(after.manifests[fine].content) == fine
        assert after.manifests[fine].date == before.manifests[fine].date
        assert after.unreadable.keys() == {damaged}
        assert after.missing == {gone}
        assert after.dangling.keys() == {Tag("gone")}
        assert after.tags.keys() == {Tag("fine"), Tag("damaged"), Tag("left")}
        assert after.manifests[left] == before.manifests[left]

    def _tells_the_truth(self, scene: Scene, registry: Registry, digests: list[Digest]) -> None:
        found = self._tags_on(scene, registry, digests)
        truth = scene.tags()
        for digest, tags in found.items():
            assert {tag.text for tag in tags} == {tag for tag, target in truth.items() if target == digest}
        assert set(found) == (set(digests) if self.abilities.finds_tags else set())

    def _tags_on(self, scene: Scene, registry: Registry, digests: list[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        return registry.tags_on(scene.repository, digests) if isinstance(registry, TagFinder) else {}
