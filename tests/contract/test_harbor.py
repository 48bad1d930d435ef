"""Harbor."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING

import pytest
from harborapi import HarborAsyncClient
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.contract.command import moorage
from tests.contract.least import Least, looks, pages
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import artifact, cosign, image, index, layer
from tests.simulators.harbor import ARTIFACTS, READER, WRITER, HarborSimulator
from tests.simulators.serving import serving

from moorage.auth.credential import Basic, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Denied, ItemRefused
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Kind, Outcome
from moorage.registries.harbor import VENDOR
from moorage.registries.harbor.registry import HarborRegistry
from moorage.registries.interface import RepositoryDeleter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.fixtures import NetworkFactory


class TestHarbor(VendorContract):
    abilities = Abilities(
        dates=Dates.VENDOR,
        lists_untagged=True,
        reads_manifests=False,
        deletes_repositories=Emptying.EMPTY,
        locks=True,
        takes_children=True,
        switches_deletion_off=False,
        finds_tags=True,
    )

    least = Least(
        inventory=lambda tags: 1 + pages(tags, 100),
        changing=lambda going: going,
        reading=lambda tags, going: going + looks(tags, going, 100) + 1,
        why="no call deletes or reads several; accessories' tags stand in /v2's list alone",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(HarborSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host, f"acme/team/{uuid.uuid4().hex}")
            yield scene
            scene.close()


def _scene(simulator: HarborSimulator, host: str, path: str) -> Scene:
    writer, reader = (Login(Basic(one.name, Secret(one.password), "the Docker config")) for one in (WRITER, READER))
    stranger = Login(Basic(WRITER.name, Secret("sham-and-wrong-secret"), "the Docker config"))
    return Scene(VENDOR, repository_at(host, path), simulator, writer, reader, stranger)


class TestHarborsWays:
    """What only Harbor does."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(HarborSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host, f"acme/team/{uuid.uuid4().hex}")
            yield scene
            scene.close()

    def test_a_thousand_tags_cost_a_page_per_hundred_images_and_one_list_of_names(self, scene: Scene) -> None:
        for number in range(12):
            scene.push(image(layer(f"{number}")), f"v{number}", f"again-{number}")
        scene.simulator.faults.page_size = 5
        scene.simulator.counts.clear()
        assert len(scene.open().inventory(scene.repository).tags) == 24
        assert scene.simulator.counts["GET", ARTIFACTS] == 3
        assert scene.simulator.counts["GET", "/v2/tags"] == 1
        assert not [key for key in scene.simulator.counts if key[1] == "/v2/manifests"]

    def test_the_api_never_sees_a_tag_where_a_digest_belongs(self, scene: Scene) -> None:
        """`DELETE artifacts/TAG` would take the whole artifact; the specification of the tests forbids it altogether."""
        digest = scene.push(image(layer("both")), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, HarborRegistry)
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.simulator.counts["DELETE", ARTIFACTS + "/{reference}"] == 0
        assert scene.tags() == {"v2": digest}

    def test_what_an_index_refers_to_cannot_go_before_it(self, scene: Scene) -> None:
        child = image(layer("child"))
        scene.push(index(child), "v1")
        with pytest.raises(ItemRefused, match="VIOLATE_FOREIGN_KEY"):
            scene.open().delete_manifest(scene.repository, child.digest)
        assert scene.has(child.digest)

    def test_children_that_harbor_takes_along_count_as_deleted(self, scene: Scene, tmp_path: Path) -> None:
        parent = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        scene.push(parent, "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        run = clean(scene, policy("old"), tmp_path)
        assert set(outcomes(run, Kind.MANIFEST)) == {str(one.digest) for one in parent.manifests()}
        assert set(outcomes(run, Kind.MANIFEST).values()) == {Outcome.DELETED}

    def test_an_image_stays_while_its_signature_keeps_a_tag(self, scene: Scene, tmp_path: Path) -> None:
        """Harbor would delete the signature along with the image, whatever tag it has."""
        signed = image(layer("signed"))
        scene.push(signed, "old-signed", age=MONTH)
        signature = scene.push(artifact(signed), "keep-signature", age=MONTH)
        run = clean(scene, policy("old*"), tmp_path)
        assert scene.tags()["keep-signature"] == signature
        assert not scene.broken(signature)
        assert outcomes(run) == {"old-signed": Outcome.DELETED}
        assert scene.has(signed.digest)

    def test_tags_that_a_listing_hides_are_found_all_the_same(self, scene: Scene) -> None:
        assert isinstance(scene.simulator, HarborSimulator)
        scene.simulator.hides_late = True
        for number in range(6):
            signed = image(layer(f"{number}"))
            scene.push(signed, f"v{number}")
            tag, signature = cosign(signed)
            scene.push(signature, tag.text)
        scene.simulator.faults.page_size = 4
        inventory = scene.open().inventory(scene.repository)
        assert {tag.text: digest for tag, digest in inventory.tags.items()} == scene.tags()
        assert inventory.manifests.keys() >= set(scene.tags().values())

    def test_immutable_tags_are_known_before_anything_is_planned(self, scene: Scene) -> None:
        scene.push(image(layer("one")), "v1")
        scene.simulator.lock(scene.path, "v1")
        assert Tag("v1") in scene.open().inventory(scene.repository).locked_tags

    def test_read_only_mode_is_told_from_a_missing_right(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        scene.simulator.faults.read_only = True
        with pytest.raises(Denied) as refused:
            scene.open().delete_manifest(scene.repository, digest)
        assert "read-only mode" in refused.value.remedy
        assert "Grant" not in refused.value.remedy

    def test_an_empty_repository_can_be_deleted_and_no_other(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = scene.open()
        assert isinstance(registry, RepositoryDeleter)
        with pytest.raises(ItemRefused):
            registry.delete_repository(scene.repository)
        registry.delete_manifest(scene.repository, digest)
        registry.delete_repository(scene.repository)
        assert scene.path not in scene.simulator.shelves

    def test_credentials_come_from_the_options_before_docker(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        options = {"harbor-username": WRITER.name, "harbor-password": Secret(WRITER.password)}
        both = Login(scene.stranger.docker, options)
        assert scene.open(both).inventory(scene.repository).tags.keys() == {Tag("v1")}

    def test_half_a_login_is_a_mistake_of_the_options(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="--images-repo-harbor-password is not"):
            scene.open(Login(None, {"harbor-username": "robot$acme+ci"}))
        with pytest.raises(ConfigurationError, match="--images-repo-harbor-username is not"):
            scene.open(Login(None, {"harbor-password": Secret("sham-secret")}))

    def test_a_token_is_no_login_for_harbors_api(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open(Login(IdentityToken(Secret("sham-identity-token"), "docker-credential-oidc")))
        with pytest.raises(ConfigurationError, match="docker-credential-oidc holds a token"):
            registry.delete_manifest(scene.repository, scene.tags()["v1"])

    def test_a_repository_outside_of_any_project_is_a_mistake_of_the_address(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="lies in a project"):
            scene.open().delete_manifest(repository_at(scene.repository.registry.name, "alone"), Digest.of(b""))

    def test_the_doctor_names_what_to_grant(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open(scene.reader)
        assert isinstance(registry, HarborRegistry)
        found = {ability.name: ability for ability in registry.examine(scene.repository)}
        assert found["server"].detail.startswith("v2.11")
        assert found["pull"].possible is True
        assert found["delete"].possible is False
        assert "artifact:delete" in found["delete"].detail
        assert "tag:delete" in found["delete tags"].detail

    def test_another_client_tells_the_same_story(self, scene: Scene) -> None:
        """harborapi (PyPI) parses every answer into models of its own, made from Harbor's description."""
        scene.push(index(image(layer("child"))), "v1", "v2")
        scene.push(image(layer("other")), "v3")
        project, name = scene.path.split("/", 1)

        async def story() -> tuple[set[str], set[str], int]:
            client = HarborAsyncClient(f"http://{scene.repository.registry}/api/v2.0", WRITER.name, WRITER.password, retry=None)
            before = await client.get_artifacts(project, name, with_accessory=True)
            await client.delete_artifact_tag(project, name, "v1", "v1")
            after = await client.get_artifacts(project, name)
            digest = next(one.digest for one in after if one.references)
            await client.delete_artifact(project, name, str(digest))
            tags = [{tag.name for one in listed for tag in one.tags or ()} for listed in (before, after)]
            left = await client.get_artifacts(project, name)
            await client.client.aclose()
            return {str(tag) for tag in tags[0]}, {str(tag) for tag in tags[1]}, len(left)

        assert asyncio.run(story()) == ({"v1", "v2", "v3"}, {"v2", "v3"}, 1)
        assert scene.tags().keys() == {"v3"}
        scene.simulator.forgive("no query parameter with_signature")  # of Harbor 1.x; version 2 passes over it


class TestHarborByItsName:
    """The command as a user runs it, with TLS and under a name that Moorage recognises by itself."""

    def test_a_cleanup_at_harbor_example_com(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = HarborSimulator(registry.host)
        network = vendor_network({"harbor.example.com": simulator})
        scene = _scene(simulator, "harbor.example.com", f"acme/{uuid.uuid4().hex}")
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"harbor.example.com/{scene.path}", "--delete-tags", "old-*",
            "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_IMAGES_REPO_HARBOR_USERNAME=WRITER.name, MOORAGE_IMAGES_REPO_HARBOR_PASSWORD=WRITER.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep"}
        assert WRITER.password not in done.stdout + done.stderr
        scene.close()
