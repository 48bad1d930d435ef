"""Google Artifact Registry, and gcr.io which it serves."""

from __future__ import annotations

import io
import json
import subprocess
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.contract.abilities import Abilities, Dates
from tests.contract.cleaning import MONTH, clean, complaints, outcomes, policy
from tests.contract.command import moorage
from tests.contract.costs import costs
from tests.contract.least import Least, pages
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import artifact, image, index, layer, push
from tests.provision.places import CRANE
from tests.realparts.environment import cleaned
from tests.simulators.gcr import CODED, PERSON, READER, WRITER, GoogleSimulator
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, Unauthorized
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Kind, Outcome
from moorage.registries.gcr import VENDOR
from moorage.registries.gcr.application_default import VARIABLE
from moorage.registries.gcr.registry import GoogleRegistry
from moorage.registries.interface import Examiner, Reader, TagDeleter, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account
    from tests.simulators.fixtures import NetworkFactory


def _docker(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the Docker config"))


def _scene(simulator: GoogleSimulator, host: str, path: str = "acme/images") -> Scene:
    stranger = Login(Basic(WRITER.name, Secret('{"private_key": "sham-and-wrong"}'), "the Docker config"))
    repository = repository_at(host, f"{path}/{uuid.uuid4().hex}")
    return Scene(VENDOR, repository, simulator, _docker(WRITER), _docker(READER), stranger)


class TestGoogle(VendorContract):
    abilities = Abilities(dates=Dates.VENDOR, lists_untagged=True, switches_deletion_off=False)

    least = Least(
        inventory=lambda tags: pages(tags, 10_000),
        changing=lambda going: 2 * going,
        reading=lambda tags, going: 2 * going + pages(tags, 10_000),
        why="/v2 deletes a tag, then its manifest; tags go by name, so each is looked at by itself",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(GoogleSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host)
            yield scene
            scene.close()


class TestGooglesWays:
    """What only Google does."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(GoogleSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host)
            yield scene
            scene.close()

    def test_dockers_images_cost_one_request_all_together(self, scene: Scene) -> None:
        for number in range(12):
            scene.push(image(layer(f"{number}", docker=True), docker=True), f"v{number}", f"again-{number}")
        scene.simulator.counts.clear()
        assert len(scene.open().inventory(scene.repository).tags) == 24
        assert scene.simulator.counts["GET", "/v2/tags"] == 1
        assert scene.simulator.counts["GET", "/v2/manifests"] == 0

    def test_only_what_may_lead_further_is_read(self, scene: Scene) -> None:
        """An index, and an OCI manifest without a tag that is part of none: it may belong to an image."""
        both = index(image(layer("amd")), image(layer("arm"), platform="linux/arm64"))
        alone = image(layer("alone"))
        scene.push(both, "both")
        scene.push(alone, "alone")
        scene.push(artifact(alone))
        scene.simulator.counts.clear()
        inventory = scene.open().inventory(scene.repository)
        assert scene.simulator.counts["GET", "/v2/manifests"] == 2
        assert len(inventory.manifests) == 5
        assert [stored.digest for stored in inventory.manifests.values() if stored.unread] == [alone.digest]

    def test_an_untagged_sbom_stays_with_its_image_and_goes_with_it(self, scene: Scene, tmp_path: Path) -> None:
        """Google refuses to delete an image before what belongs to it."""
        kept, gone = image(layer("kept")), image(layer("gone"))
        scene.push(kept, "keep", age=MONTH)
        scene.push(gone, "old", age=MONTH)
        stays, goes = (scene.push(artifact(one), age=MONTH) for one in (kept, gone))
        run = clean(scene, policy("old*"), tmp_path)
        assert set(outcomes(run, Kind.MANIFEST).values()) == {Outcome.DELETED}
        assert scene.has(stays)
        assert not scene.has(goes)
        assert not scene.has(gone.digest)

    def test_tags_go_before_their_manifest_and_each_is_looked_at_once(self, scene: Scene, tmp_path: Path) -> None:
        scene.push(image(layer("one")), "old-1", "old-2", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        scene.simulator.counts.clear()
        run = clean(scene, policy("old*"), tmp_path)
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.simulator.counts["DELETE", "/v2/manifests"] == 3
        assert scene.simulator.counts["HEAD", "/v2/manifests"] == 2

    def test_a_tag_that_was_put_on_it_since_keeps_the_manifest_and_all_its_tags(self, scene: Scene) -> None:
        one = image(layer("one"))
        scene.push(one, "v1", "v2")
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.push(one, "v3")
        with pytest.raises(ItemRefused, match="its tags v1, v2 were put back"):
            registry.delete_manifest(scene.repository, one.digest)
        assert scene.tags() == dict.fromkeys(["v1", "v2", "v3"], one.digest)
        registry.delete_manifest(scene.repository, _relisted(registry, scene, one.digest))
        assert scene.tags() == {}

    def test_a_tag_that_moved_since_is_left_where_it_is(self, scene: Scene) -> None:
        before, after = image(layer("before")), image(layer("after"))
        scene.push(before, "v1", "v2")
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.push(after, "v2")
        registry.delete_manifest(scene.repository, before.digest)
        assert scene.tags() == {"v2": after.digest}
        assert not scene.broken(after.digest)

    def test_a_tag_that_is_gone_since_is_no_trouble(self, scene: Scene) -> None:
        one = image(layer("one"))
        scene.push(one, "v1", "v2")
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.simulator.shelf(scene.path).tags.pop("v2")
        registry.delete_manifest(scene.repository, one.digest)
        assert not scene.has(one.digest)

    def test_a_tag_that_goes_at_the_last_moment_is_no_trouble(self, scene: Scene) -> None:
        one = image(layer("one"))
        scene.push(one, "v1", "v2")
        registry = scene.open()
        registry.inventory(scene.repository)
        for tag in ("v1", "v2"):
            registry.resolve(scene.repository, Tag(tag))
        scene.simulator.shelf(scene.path).tags.pop("v2")
        registry.delete_manifest(scene.repository, one.digest)
        assert not scene.has(one.digest)

    def test_a_manifest_that_goes_with_its_last_tag_is_gone(self, scene: Scene) -> None:
        one = image(layer("one"))
        scene.push(one, "v1")
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.simulator.faults.burst(202, times=1, method="DELETE")
        scene.simulator.faults.burst(404, times=1, method="DELETE")
        registry.delete_manifest(scene.repository, one.digest)
        assert scene.simulator.counts["DELETE", "/v2/manifests"] == 2

    def test_what_an_index_needs_is_tried_again_and_then_stays_with_its_tags(self, scene: Scene) -> None:
        child = image(layer("child"))
        scene.push(index(child), "an-index")
        scene.push(child, "v1")
        registry = scene.open()
        registry.inventory(scene.repository)
        with pytest.raises(ItemRefused, match="DANGLING_PARENT_IMAGE") as refused:
            registry.delete_manifest(scene.repository, child.digest)
        assert "were put back" in refused.value.message
        assert "index" in refused.value.remedy
        assert scene.tags()["v1"] == child.digest
        assert len(scene.clock.slept) == 2

    def test_google_may_be_late_to_see_that_an_index_went(self, scene: Scene, tmp_path: Path) -> None:
        assert isinstance(scene.simulator, GoogleSimulator)
        scene.push(index(image(layer("a"), docker=True), image(layer("b"), docker=True)), "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        registry = scene.open()
        run = clean(scene, policy("old"), tmp_path, registry, meanwhile=lambda: setattr(scene.simulator, "lags", 2))
        assert set(outcomes(run, Kind.MANIFEST).values()) == {Outcome.DELETED}

    def test_tags_that_cannot_be_put_back_are_named(self, scene: Scene) -> None:
        one = image(layer("one"))
        scene.push(one, "v1")
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.push(one, "v2")
        scene.simulator.faults.burst(403, times=1, method="PUT")
        with pytest.raises(ItemRefused, match="its tags v1 are gone and could not be put back"):
            registry.delete_manifest(scene.repository, one.digest)

    def test_a_right_to_delete_tags_alone_costs_no_tag(self, scene: Scene) -> None:
        one = image(layer("one"))
        scene.push(one, "v1")
        registry = scene.open()
        registry.resolve(scene.repository, Tag("v1"))
        registry.inventory(scene.repository)
        assert isinstance(scene.simulator, GoogleSimulator)
        scene.simulator.keeps_versions = True
        with pytest.raises(Denied, match="were put back") as refused:
            registry.delete_manifest(scene.repository, one.digest)
        assert "roles/artifactregistry.repoAdmin" in refused.value.remedy
        assert scene.tags() == {"v1": one.digest}

    def test_immutable_tags_fail_alone_and_are_asked_for_once(self, scene: Scene, tmp_path: Path) -> None:
        assert isinstance(scene.simulator, GoogleSimulator)
        for number in range(4):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        stray = scene.push(image(layer("stray")), age=MONTH)
        scene.simulator.immutable.add(scene.path)
        run = clean(scene, policy("old*"), tmp_path)
        assert run.halted is None
        assert set(outcomes(run).values()) == {Outcome.FAILED}
        assert all("immutability" in complaint for complaint in complaints(run))
        assert len(scene.tags()) == 4
        assert not scene.has(stray)
        assert scene.simulator.counts["DELETE", "/v2/manifests"] <= 5  # four at once before the first answer, and the stray

    def test_numbers_may_be_numbers(self, scene: Scene) -> None:
        assert isinstance(scene.simulator, GoogleSimulator)
        scene.simulator.numbers_as_strings = False
        digest = scene.push(image(layer("one")), "v1", age=MONTH)
        date = scene.open().inventory(scene.repository).manifests[digest].date
        assert date is not None
        assert abs(scene.now() - date - MONTH).total_seconds() < 300

    def test_a_server_without_googles_list_is_read_as_any_other(self, scene: Scene, tmp_path: Path) -> None:
        assert isinstance(scene.simulator, GoogleSimulator)
        scene.simulator.plain = True
        digest = scene.push(image(layer("one")), "old-1", "old-2", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        inventory = scene.open().inventory(scene.repository)
        assert not inventory.lists_untagged
        assert inventory.tags[Tag("old-1")] == digest
        assert set(outcomes(clean(scene, policy("old*"), tmp_path)).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep"}

    def test_a_tag_at_two_manifests_is_no_listing(self, scene: Scene) -> None:
        one, two = (str(Digest.of(word)) for word in (b"one", b"two"))
        entry = {"imageSizeBytes": "1", "mediaType": "", "tag": ["v1"]}
        document = {"name": scene.path, "tags": ["v1"], "manifest": {one: entry, two: entry}}
        scene.simulator.faults.burst(200, times=1, route="/v2/tags", document=document)
        with pytest.raises(Contradiction, match="listed at two manifests"):
            scene.open().inventory(scene.repository)

    def test_a_tag_without_its_manifest_is_looked_up(self, scene: Scene) -> None:
        digest = scene.push(image(layer("one")), "v1")
        listed = {"name": scene.path, "tags": ["v1", "gone"], "manifest": {}}
        scene.simulator.faults.burst(200, times=1, route="/v2/tags", document=listed)
        inventory = scene.open().inventory(scene.repository)
        assert inventory.tags == {Tag("v1"): digest}
        assert digest in inventory.manifests

    def test_a_tag_that_nobody_can_look_up_is_named(self, scene: Scene) -> None:
        scene.push(image(layer("one")), "v1")
        listed = {"name": scene.path, "tags": ["v1"], "manifest": {}}
        scene.simulator.faults.burst(200, times=1, route="/v2/tags", document=listed)
        scene.simulator.faults.burst(500, times=100, method="HEAD")
        assert Tag("v1") in scene.open().inventory(scene.repository).unresolved

    @pytest.mark.parametrize("account", [CODED, PERSON])
    def test_every_kind_of_login_serves(self, scene: Scene, account: Account) -> None:
        scene.push(image(), "v1")
        registry = scene.open(_docker(account))
        assert isinstance(registry, TagDeleter)
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {}

    def test_a_key_in_the_environment_serves_where_docker_has_nothing(
        self, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digest = scene.push(image(), "v1")
        document = json.loads(WRITER.password)
        file = tmp_path / "key.json"
        file.write_text(json.dumps(document, indent=2))
        scene.simulator.accounts.everybody[0] = replace(WRITER, password=json.dumps(document))
        monkeypatch.setenv(VARIABLE, str(file))
        registry = scene.open(Login())
        assert isinstance(registry, GoogleRegistry)
        assert registry.resolve(scene.repository, Tag("v1")) == digest
        login = registry.docker_login()
        assert login is not None
        assert (login.username, login.source) == ("_json_key", VARIABLE)
        with_docker = scene.open()
        assert isinstance(with_docker, GoogleRegistry)
        assert with_docker.docker_login() is None

    def test_nobody_is_told_how_to_log_in(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Unauthorized) as refused:
            scene.open(Login()).inventory(scene.repository)
        assert f"gcloud auth configure-docker {scene.repository.registry}" in refused.value.remedy

    def test_a_missing_role_is_named(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open(scene.reader)
        assert isinstance(registry, Writer)
        with pytest.raises(Denied) as refused:
            push(registry, scene.repository, image(layer("new")), "v2")
        assert "roles/artifactregistry.writer" in refused.value.remedy
        assert "may not exist" in refused.value.message

    def test_repositories_below_repositories_are_found(self, scene: Scene) -> None:
        below = repository_at(scene.repository.registry.name, f"{scene.path}/team/app")
        scene.push(image(), "v1")
        replace(scene, repository=below).push(image(), "v1")
        registry = scene.open()
        assert isinstance(registry, GoogleRegistry)
        assert registry.repositories(scene.path) == [scene.repository, below]
        assert registry.repositories(f"{scene.path}/team") == [below]
        assert {scene.repository, below} <= set(registry.repositories())

    def test_names_that_no_client_has_are_passed_over(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.shelf("ACME/Upper")
        registry = scene.open()
        assert isinstance(registry, GoogleRegistry)
        assert scene.repository in registry.repositories()
        scene.simulator.faults.burst(404, times=1, route="/v2/_catalog")
        assert registry.repositories() == []

    def test_a_blob_that_was_seen_elsewhere_is_mounted(self, scene: Scene) -> None:
        digest, content = next(iter(image(layer("shared")).all_blobs().items()))
        registry = scene.open()
        assert isinstance(registry, Writer)
        other = repository_at(scene.repository.registry.name, f"{scene.path}-other")
        assert not registry.has_blob(scene.repository, digest)
        registry.put_blob(scene.repository, Blob(digest, len(content)), lambda: io.BytesIO(content))
        assert registry.has_blob(scene.repository, digest)
        scene.simulator.counts.clear()
        registry.put_blob(other, Blob(digest, len(content)), lambda: io.BytesIO(content))
        assert scene.simulator.counts["PUT", "/v2/blobs"] == 0
        assert isinstance(registry, Reader)
        assert registry.blob(other, Blob(digest, len(content))).read() == content

    def test_the_doctor_says_what_can_be_known(self, scene: Scene) -> None:
        registry = scene.open()
        assert isinstance(registry, Examiner)
        found = {ability.name: ability for ability in registry.examine(scene.repository)}
        assert found["list"].possible is None
        scene.push(image(), "v1")
        found = {ability.name: ability for ability in registry.examine(scene.repository)}
        assert found["login"].detail == "the Docker config"
        assert found["pull"].possible is True
        assert "repoAdmin" in found["delete"].detail
        stranger = scene.open(scene.stranger)
        assert isinstance(stranger, Examiner)
        assert {one.name: one for one in stranger.examine(scene.repository)}["list"].possible is False

    def test_a_cleanup_costs_two_deletions_an_image(self, scene: Scene, tmp_path: Path) -> None:
        found = costs(scene, tmp_path, tags=6, going=2)
        assert found.deletions == 4

    def test_another_client_tells_the_same_story(
        self, scene: Scene, tag_deleting_registry: RunningRegistry, tmp_path: Path
    ) -> None:
        """crane is of the authors of Google's registry, and lists and deletes as they mean it."""
        kept = scene.push(image(layer("kept")), "v1", "v2")
        gone = scene.push(image(layer("gone")), "v3")
        login = json.dumps({"auths": {scene.repository.registry.name: {"username": WRITER.name, "password": WRITER.password}}})
        (tmp_path / "config.json").write_text(login)
        environment = {**cleaned({}, tmp_path), "DOCKER_CONFIG": str(tmp_path)}
        place = f"{scene.repository.registry}/{scene.path}"

        def crane(*arguments: str) -> subprocess.CompletedProcess[str]:
            argv = [str(CRANE), *arguments]
            return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=environment)

        assert crane("ls", place).stdout.split() == ["v1", "v2", "v3"]
        refused = crane("delete", f"{place}@{gone}")
        assert "GOOGLE_MANIFEST_DANGLING_TAG" in refused.stderr
        for reference in (f"{place}:v1", f"{place}:v3", f"{place}@{gone}"):
            done = crane("delete", reference)
            assert done.returncode == 0, done.stderr
        assert scene.tags() == {"v2": kept}
        assert not scene.has(gone)


class TestGoogleByItsNames:
    """The command as a user runs it, with TLS and under Google's own names."""

    @pytest.mark.parametrize(("host", "path"), [("gcr.io", "acme"), ("europe-west1-docker.pkg.dev", "acme/images")])
    def test_a_cleanup(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path, host: str, path: str
    ) -> None:
        simulator = GoogleSimulator(registry.host, made=None if host == "gcr.io" else {"acme/images"})
        network = vendor_network({host: simulator})
        scene = _scene(simulator, host, path)
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"{host}/{scene.path}", "--delete-tags", "old-*",
            "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_USERNAME=WRITER.name, MOORAGE_PASSWORD=WRITER.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep"}
        assert "sham-private-key" not in done.stdout + done.stderr
        scene.close()

    def test_a_repository_that_nobody_made_comes_with_the_command_to_make_it(
        self, registry: RunningRegistry, vendor_network: NetworkFactory
    ) -> None:
        vendor_network({"us-docker.pkg.dev": (simulator := GoogleSimulator(registry.host, made=set()))})
        scene = _scene(simulator, "us-docker.pkg.dev", "example.com/acme/images")
        registry_of_google = scene.open()
        with pytest.raises(NotFound) as missing:
            registry_of_google.inventory(scene.repository)
        assert "create images --project=example.com:acme --location=us --repository-format=docker" in missing.value.remedy
        assert isinstance(registry_of_google, Writer)
        with pytest.raises(NotFound, match="not found") as missing:
            registry_of_google.put_manifest(scene.repository, Tag("v1"), image().content, image().media_type)
        assert "gcloud artifacts repositories create" in missing.value.remedy
        scene.close()


def _relisted(registry: object, scene: Scene, digest: Digest) -> Digest:
    assert isinstance(registry, GoogleRegistry)
    registry.inventory(scene.repository)
    return digest
