"""What a deletion promises: it takes what was named and nothing else, and says so when it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.images import image, index, layer

from moorage.errors import ItemRefused, NotFound, Unsupported
from moorage.oci.reference import Digest, Tag
from moorage.registries.interface import BatchDeleter, TagDeleter

if TYPE_CHECKING:
    from tests.contract.abilities import Abilities
    from tests.contract.scene import Scene


class DeletionPromises:
    abilities: Abilities

    def test_a_tag_goes_and_its_siblings_stay(self, scene: Scene) -> None:
        shared = image(layer("shared"))
        scene.push(shared, "v1", "v2", "latest")
        registry = scene.open()
        if self.abilities.untags:
            assert isinstance(registry, TagDeleter)
            assert registry.cannot_untag(scene.repository) == ""
            registry.delete_tag(scene.repository, Tag("v1"))
            assert scene.tags() == {"v2": shared.digest, "latest": shared.digest}
        else:
            self._refuses_to_untag(scene, registry)
            assert scene.tags() == dict.fromkeys(["v1", "v2", "latest"], shared.digest)
        assert not scene.broken(shared.digest)

    def _refuses_to_untag(self, scene: Scene, registry: object) -> None:
        before = scene.changes()
        if isinstance(registry, TagDeleter):
            assert registry.cannot_untag(scene.repository)
            with pytest.raises(Unsupported):
                registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.changes() == before

    def test_all_tags_of_an_image_can_go_one_by_one(self, scene: Scene) -> None:
        scene.push(image(layer("leaves")), "v1", "v2")
        other = scene.push(image(layer("stays")), "other")
        registry = scene.open()
        if isinstance(registry, TagDeleter) and self.abilities.untags:
            for name in ("v1", "v2"):
                registry.delete_tag(scene.repository, Tag(name))
        else:
            registry.delete_manifest(scene.repository, registry.resolve(scene.repository, Tag("v1")))
        scene.settle()
        assert scene.tags() == {"other": other}
        assert registry.tag_names(scene.repository) == {Tag("other")}

    def test_a_tag_that_is_not_there_is_not_found(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open()
        if isinstance(registry, TagDeleter) and self.abilities.untags:
            with pytest.raises(NotFound):
                registry.delete_tag(scene.repository, Tag("never-pushed"))
        assert scene.tags().keys() == {"v1"}

    def test_a_manifest_goes_with_all_its_tags_and_no_other(self, scene: Scene) -> None:
        leaves, stays = image(layer("leaves")), image(layer("stays"))
        scene.push(leaves, "v1", "v2")
        scene.push(stays, "v3")
        registry = scene.open()
        registry.delete_manifest(scene.repository, leaves.digest)
        scene.settle()
        assert scene.tags() == {"v3": stays.digest}
        assert not scene.broken(stays.digest)
        with pytest.raises(NotFound):
            registry.resolve(scene.repository, Tag("v1"))

    def test_a_manifest_without_tags_can_go(self, scene: Scene) -> None:
        scene.push(image(layer("stays")), "v1")
        stray = scene.push(image(layer("untagged")))
        if self.abilities.deletes_untagged:
            scene.open().delete_manifest(scene.repository, stray)
        else:
            with pytest.raises(ItemRefused):
                scene.open().delete_manifest(scene.repository, stray)
        scene.settle()
        assert scene.has(stray) is not self.abilities.deletes_untagged
        assert scene.tags().keys() == {"v1"}

    def test_a_manifest_that_is_not_there_is_not_found(self, scene: Scene) -> None:
        gone = scene.push(image(layer("gone")), "v1")
        scene.push(image(layer("stays")), "v2")
        registry = scene.open()
        registry.delete_manifest(scene.repository, gone)
        scene.settle()
        with pytest.raises(NotFound):
            registry.delete_manifest(scene.repository, gone)
        with pytest.raises(NotFound):
            registry.delete_manifest(scene.repository, Digest.of(b"never pushed"))

    def test_an_index_leaves_children_that_others_need(self, scene: Scene) -> None:
        shared, alone, tagged = image(layer("shared")), image(layer("alone")), image(layer("tagged"))
        leaves, stays = index(shared, alone, tagged), index(shared, image(layer("other")))
        scene.push(leaves, "leaves")
        scene.push(stays, "stays")
        scene.push(tagged, "tagged")
        scene.open().delete_manifest(scene.repository, leaves.digest)
        scene.settle()
        assert scene.tags() == {"stays": stays.digest, "tagged": tagged.digest}
        assert not scene.broken(stays.digest)
        assert not scene.broken(tagged.digest)
        assert scene.has(alone.digest) is not self.abilities.takes_children

    def test_a_batch_takes_what_it_names_and_says_what_it_could_not(self, scene: Scene) -> None:
        registry = scene.open()
        going = [scene.push(image(layer(f"leaves {number}")), f"v{number}") for number in range(5)]
        stays = scene.push(image(layer("stays")), "stays")
        if isinstance(registry, BatchDeleter):
            absent = Digest.of(b"never pushed")
            said = registry.delete_manifests(scene.repository, [*going, absent])
            assert {digest for digest, error in said.items() if error is None} >= set(going)
            assert said[absent] is None or isinstance(said[absent], NotFound)
        else:
            for digest in going:
                registry.delete_manifest(scene.repository, digest)
        scene.settle()
        assert scene.tags() == {"stays": stays}
