"""`default`: distribution 2.8, which only deletes whole manifests, and a registry that deletes single tags."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from tests.contract.abilities import Abilities
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.contract.least import Least
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import image, layer
from tests.simulators.distribution_v3 import DistributionV3
from tests.simulators.passthrough import READER, WRITER, Passthrough
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.oci.reference import Tag
from moorage.policy.plan import Outcome
from moorage.registries.default import VENDOR
from moorage.registries.interface import TagDeleter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account


def _login(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the test"))


def _scene(simulator: Passthrough) -> Iterator[Scene]:
    with serving(simulator) as (_, host):
        stranger = Login(Basic("writer", Secret("sham-and-wrong-password"), "the test"))
        repository = repository_at(host, f"contract/{uuid.uuid4().hex}")  # the registry is shared, and keeps what it is told
        scene = Scene(VENDOR, repository, simulator, _login(WRITER), _login(READER), stranger)
        yield scene
        scene.close()


LEAST = Least(
    inventory=lambda tags: 1 + tags,
    changing=lambda going: going,
    reading=lambda _, going: going + 1,
    why="the distribution API lists names alone, and says digests tag by tag",
)


class TestDistribution2(VendorContract):
    """Debian's docker-registry as it is: single tags go by the roundabout way."""

    abilities = Abilities()
    least = LEAST

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        yield from _scene(Passthrough(registry.host))


class TestDistribution3(VendorContract):
    """Single tags go by DELETE, listings come in pages."""

    abilities = Abilities()
    least = LEAST

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        yield from _scene(DistributionV3(registry.host))


class TestRegistryThatKeepsTagsOfDeletedManifests:
    """go-containerregistry's: DELETE by digest leaves the tags, and they still resolve (0.20.1, seen 2026-11)."""

    @pytest.fixture
    def scene(self, tag_deleting_registry: RunningRegistry) -> Iterator[Scene]:
        yield from _scene(Passthrough(tag_deleting_registry.host))

    def test_a_tag_goes_and_its_siblings_stay(self, scene: Scene) -> None:
        digest = scene.push(image(layer("shared")), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, TagDeleter)
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {"v2": digest}
        assert scene.simulator.counts["DELETE", "/v2/manifests"] == 1

    def test_nothing_is_said_to_be_deleted_that_is_still_there(self, scene: Scene, tmp_path: Path) -> None:
        scene.push(image(layer("stubborn")), "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        run = clean(scene, policy("old"), tmp_path)
        assert (outcomes(run)["old"] is Outcome.DELETED) is ("old" not in scene.tags())
