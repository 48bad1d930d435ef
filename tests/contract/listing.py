"""What an inventory promises: every page, every tag, no invented dates, and trouble with one manifest stays with that one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.contract.abilities import Abilities, Dates
from tests.contract.cleaning import MONTH, WEEK, plan_of, policy
from tests.images import CREATED, artifact, cosign, image, index, layer

from moorage.errors import NotFound
from moorage.oci.manifest import parse_time
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Describer, RepositoryLister, Revealer

if TYPE_CHECKING:
    from tests.contract.scene import Scene

    from moorage.oci.inventory import Inventory


class ListingPromises:
    abilities: Abilities

    def test_every_tag_and_its_digest_is_listed(self, scene: Scene) -> None:
        for number in range(7):
            scene.push(image(layer(f"{number}")), f"v{number}", f"again-{number}")
        registry = scene.open()
        inventory = registry.inventory(scene.repository)
        assert {tag.text: digest for tag, digest in inventory.tags.items()} == scene.tags()
        assert len(inventory.tags) == 14
        assert registry.tag_names(scene.repository) == set(inventory.tags)
        assert not inventory.unreadable
        assert not inventory.unresolved

    def test_an_index_leads_to_its_children_at_any_depth(self, scene: Scene) -> None:
        leaves = [image(layer(f"{number}"), platform=f"linux/{number}") for number in ("amd64", "arm64")]
        inner = index(*leaves)
        outer = index(inner, image(layer("beside")))
        scene.push(outer, "v1")
        inventory = scene.open().inventory(scene.repository)
        assert _reach(inventory, outer.digest) == {one.digest for one in outer.manifests()}

    def test_signatures_and_other_tags_that_follow_a_digest_are_listed(self, scene: Scene) -> None:
        signed = image(layer("signed"))
        tag, signature = cosign(signed)
        scene.push(signed, "v1")
        scene.push(signature, tag.text)
        inventory = scene.open().inventory(scene.repository)
        assert inventory.tags[tag] == signature.digest
        assert inventory.tags[Tag("v1")] == signed.digest

    def test_what_has_no_tag_is_listed_where_the_vendor_can(self, scene: Scene) -> None:
        scene.push(image(layer("tagged")), "v1")
        stray = scene.push(image(layer("untagged")))
        inventory = scene.open().inventory(scene.repository)
        assert inventory.lists_untagged is self.abilities.lists_untagged
        assert (stray in inventory.manifests) is self.abilities.lists_untagged

    def test_an_artifact_that_refers_to_an_image_does_not_vanish_from_it(self, scene: Scene) -> None:
        subject = image(layer("subject"))
        scene.push(subject, "v1")
        referrer = scene.push(artifact(subject), "its-sbom")
        registry = scene.open()
        inventory = registry.inventory(scene.repository)
        if inventory.manifests[referrer].unread:
            assert isinstance(registry, Revealer)
            inventory = registry.reveal(inventory, [referrer])
        assert inventory.manifests[referrer].subject == subject.digest
        assert not inventory.manifests[referrer].unread

    def test_dates_are_the_vendors_own_or_the_configs(self, scene: Scene) -> None:
        digest = scene.push(image(layer("old"), created=CREATED), "v1", age=MONTH)
        registry = scene.open()
        inventory = registry.inventory(scene.repository)
        stored = inventory.manifests[digest]
        dates = [date for date in (stored.date, inventory.tag_dates.get(Tag("v1"))) if date]
        if self.abilities.dates is Dates.VENDOR:
            assert dates, "the vendor's listing has dates"
            assert all(abs(scene.now() - date - MONTH) < timedelta(minutes=5) for date in dates)
        else:
            assert not dates
            assert isinstance(registry, Describer)
            (described,) = registry.describe(inventory, [digest])
            assert described.date == parse_time(CREATED)

    def test_labels_come_from_the_config(self, scene: Scene) -> None:
        digest = scene.push(image(layer("labelled"), labels={"org.example": "yes"}), "v1")
        registry = scene.open()
        assert isinstance(registry, Describer)
        (described,) = registry.describe(registry.inventory(scene.repository), [digest])
        assert described.labels == {"org.example": "yes"}
        assert described.dated

    def test_what_has_no_date_is_never_old(self, scene: Scene) -> None:
        self.hide_dates(scene)
        scene.push(image(layer("undated"), created=None), "v1", "v2", age=MONTH)
        scene.push(image(layer("constant"), created="1970-01-01T00:00:00Z"), "v3", age=MONTH)
        assert not [item for item in plan_of(scene, policy(older_than=WEEK)) if item.goes]

    def test_a_repository_that_is_not_there_is_not_found(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open()
        nowhere = Repository(scene.repository.registry, f"{scene.path}-that-nobody-made")
        with pytest.raises(NotFound):
            registry.inventory(nowhere)
        with pytest.raises(NotFound):
            registry.resolve(nowhere, Tag("v1"))
        assert registry.tag_names(nowhere) == frozenset()

    def test_a_tag_is_resolved_anew_each_time(self, scene: Scene) -> None:
        first, second = image(layer("first")), image(layer("second"))
        scene.push(first, "v1")
        registry = scene.open()
        assert registry.resolve(scene.repository, Tag("v1")) == first.digest
        scene.push(second, "v1")
        assert registry.resolve(scene.repository, Tag("v1")) == second.digest
        assert registry.resolve(scene.repository, second.digest) == second.digest
        with pytest.raises(NotFound):
            registry.resolve(scene.repository, Tag("never-pushed"))
        with pytest.raises(NotFound):
            registry.resolve(scene.repository, Digest.of(b"never pushed"))

    def test_a_damaged_manifest_is_named_and_the_rest_is_listed(self, scene: Scene) -> None:
        damaged = index(image(layer("inside")))
        scene.push(damaged, "damaged")
        fine = scene.push(image(layer("fine")), "fine")
        scene.unreadable(damaged.digest)
        inventory = scene.open().inventory(scene.repository)
        assert inventory.tags[Tag("fine")] == fine
        if self.abilities.reads_manifests:
            assert damaged.digest in inventory.unreadable or Tag("damaged") in inventory.unresolved
        else:
            assert inventory.tags[Tag("damaged")] == damaged.digest

    def test_repositories_are_listed_below_a_prefix(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open()
        assert isinstance(registry, RepositoryLister) is self.abilities.lists_repositories
        if isinstance(registry, RepositoryLister):
            assert scene.repository in registry.repositories(scene.path)
            assert scene.repository in registry.repositories(scene.path.partition("/")[0])
            assert registry.repositories(f"{scene.path}-") == []

    def hide_dates(self, scene: Scene) -> None:
        """Make the vendor's listing come without dates, where it has any."""
        scene.simulator.faults.dateless = True


def _reach(inventory: Inventory, digest: Digest) -> set[Digest]:
    found, waiting = set(), [digest]
    while waiting:
        one = waiting.pop()
        found.add(one)
        if one in inventory.manifests:
            waiting += inventory.manifests[one].children
    return found
