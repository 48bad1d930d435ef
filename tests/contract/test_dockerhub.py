"""Docker Hub."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from dxf import DXF
from tests import images
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.cleaning import MONTH, clean, complaints, outcomes, policy
from tests.contract.command import moorage
from tests.contract.least import Least, pages
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import artifact, attestation, cosign, image, index, layer
from tests.simulators.dockerhub import LOGIN, NAMESPACE, READER, REPOSITORY, TAG, TAGS, WRITER, DockerHubSimulator
from tests.simulators.serving import serving

from moorage.auth.credential import Basic, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import (
    ConfigurationError,
    Contradiction,
    Denied,
    ItemRefused,
    NotFound,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Kind, Outcome
from moorage.registries.dockerhub import VENDOR
from moorage.registries.dockerhub.registry import DockerHubRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account
    from tests.simulators.fixtures import NetworkFactory

MANIFESTS = "/v2/manifests"


def _login(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the Docker config"))


def _scene(simulator: DockerHubSimulator, host: str) -> Scene:
    stranger = Login(Basic(WRITER.name, Secret("dckr_pat_sham-and-wrong"), "the Docker config"))
    options = {"docker-hub-api-url": f"http://{host}"}
    path = f"acme/{uuid.uuid4().hex}"
    return Scene(VENDOR, repository_at(host, path), simulator, _login(WRITER), _login(READER), stranger, options)


class TestDockerHub(VendorContract):
    abilities = Abilities(
        dates=Dates.VENDOR, locks=True, switches_deletion_off=False, late=True, deletes_repositories=Emptying.EMPTY
    )

    least = Least(
        inventory=lambda tags: pages(tags, 100) + 1,
        changing=lambda going: 2 * going,
        reading=lambda _, going: 2 * going + 1,
        why="a tag by the Hub's API, then its manifest; tags go by name, so each is looked at by itself",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(DockerHubSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host)
            yield scene
            scene.close()


class Hub:
    """A scene with its simulator at hand."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(DockerHubSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host)
            yield scene
            scene.close()

    @pytest.fixture
    def hub(self, scene: Scene) -> DockerHubSimulator:
        assert isinstance(scene.simulator, DockerHubSimulator)
        return scene.simulator

    @pytest.fixture
    def opened(self, scene: Scene) -> DockerHubRegistry:
        return _opened(scene)


def _opened(scene: Scene, login: Login | None = None) -> DockerHubRegistry:
    registry = scene.open(login)
    assert isinstance(registry, DockerHubRegistry)
    return registry


class TestListing(Hub):
    def test_images_cost_a_page_per_hundred_tags_and_no_pull(self, scene: Scene, hub: DockerHubSimulator) -> None:
        for number in range(6):
            scene.push(image(layer(f"{number}")), f"v{number}", f"again-{number}")
        hub.faults.page_size = 5
        hub.counts.clear()
        assert len(scene.open().inventory(scene.repository).tags) == 12
        assert hub.counts["GET", TAGS] == 3
        assert hub.counts["GET", REPOSITORY] == hub.counts["POST", LOGIN] == 1
        assert not [key for key in hub.counts if key[1] == MANIFESTS]

    def test_an_index_is_pulled_once_and_its_parts_are_not(self, scene: Scene, hub: DockerHubSimulator) -> None:
        plain = image(layer("amd64"))
        parent = index(plain, image(layer("arm64"), platform="linux/arm64"), attestation(plain))
        scene.push(parent, "v1", "v2", "v3")
        hub.counts.clear()
        inventory = scene.open().inventory(scene.repository)
        assert inventory.manifests.keys() == {one.digest for one in parent.manifests()}
        assert inventory.manifests[parent.digest].content == parent.content
        assert hub.counts["GET", MANIFESTS] == 1

    def test_a_signature_is_known_by_its_tag_and_an_sbom_is_read(self, scene: Scene, hub: DockerHubSimulator) -> None:
        signed = image(layer("signed"))
        tag, signature = cosign(signed)
        scene.push(signed, "v1")
        scene.push(signature, tag.text)
        sbom = scene.push(artifact(signed), "sbom")
        hub.counts.clear()
        assert scene.open().inventory(scene.repository).manifests[sbom].subject == signed.digest
        assert hub.counts["GET", MANIFESTS] == 1

    def test_a_listing_without_digests_costs_a_head_per_tag(self, scene: Scene, hub: DockerHubSimulator) -> None:
        scene.push(image(layer("one")), "v1")
        scene.push(index(image(layer("two"))), "v2")
        hub.hides_digests = True
        assert {tag.text: digest for tag, digest in scene.open().inventory(scene.repository).tags.items()} == scene.tags()

    def test_a_tag_of_which_nobody_knows_what_it_is_is_said_to_be_so(self, scene: Scene, hub: DockerHubSimulator) -> None:
        for name in ("v1", "v2", "v3"):
            scene.push(image(layer(name)), name)
        hub.hides_digests = True
        hub.faults.burst(404, times=1, method="HEAD")
        hub.faults.burst(409, times=1, method="HEAD")
        inventory = scene.open(parallel=1).inventory(scene.repository)
        assert len(inventory.tags) == len(inventory.unresolved) == 1

    def test_a_listed_tag_with_nothing_behind_it_dangles(self, scene: Scene, hub: DockerHubSimulator) -> None:
        gone = scene.push(index(image(layer("gone"))), "gone")
        scene.push(image(layer("stays")), "stays")
        hub.upstream.delete(scene.path, gone)
        inventory = scene.open().inventory(scene.repository)
        assert inventory.tags.keys() == {Tag("stays")}
        assert inventory.dangling.keys() == {Tag("gone")}

    def test_a_page_on_another_host_is_not_asked(self, scene: Scene, hub: DockerHubSimulator) -> None:
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"v{number}")
        hub.faults.page_size = 2
        hub.next_page_at = "https://hub.example.com"
        with pytest.raises(Contradiction, match="another host"):
            scene.open().inventory(scene.repository)

    def test_the_wait_that_docker_hub_asks_for_ends_at_a_moment(self, scene: Scene, hub: DockerHubSimulator) -> None:
        digest = scene.push(image(), "v1")
        until = str(int(scene.now().timestamp()) + 90)
        hub.faults.burst(429, times=1, route=TAGS, headers={"X-Retry-After": until})
        assert scene.open().inventory(scene.repository).tags == {Tag("v1"): digest}
        assert 80 < sum(hub.clock.slept) <= 90

    def test_immutable_tags_are_known_before_anything_is_planned(self, scene: Scene, hub: DockerHubSimulator) -> None:
        scene.push(image(layer("one")), "v1.0", "edge")
        hub.rules[scene.path] = [r"^v\d+", "("]
        assert scene.open().inventory(scene.repository).locked_tags.keys() == {Tag("v1.0")}

    def test_labels_of_an_index_cost_its_parts_and_no_second_look_at_itself(self, scene: Scene, hub: DockerHubSimulator) -> None:
        parts = [image(layer(name), platform=f"linux/{name}", labels={"a": "b", "n": name}) for name in ("amd64", "arm64")]
        digest = scene.push(index(*parts), "v1")
        nested = scene.push(index(index(image(layer("deep"), labels={"deep": "yes"}))), "v2")
        registry = _opened(scene)
        inventory = registry.inventory(scene.repository)
        hub.counts.clear()
        (described,) = registry.describe(inventory, [digest])
        assert described.labels == {"a": "b"}
        assert hub.counts["GET", MANIFESTS] == 2
        (described,) = registry.describe(inventory, [nested])
        assert described.labels == {"deep": "yes"}

    def test_repositories_are_listed_by_account(self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator) -> None:
        for name in ("acme/one", "acme/two", "acme/No-Client-Could", "others/three"):
            hub.shelf(name)
        hub.faults.page_size = 1
        assert [found.path for found in opened.repositories("acme")] == ["acme/one", "acme/two"]
        assert [found.path for found in opened.repositories("acme/two")] == ["acme/two"]
        assert hub.counts["GET", NAMESPACE] == 6
        with pytest.raises(Unsupported):
            opened.repositories()


class TestDeletion(Hub):
    def test_tags_go_before_their_manifest_and_the_parts_after_it(
        self, scene: Scene, hub: DockerHubSimulator, tmp_path: Path
    ) -> None:
        parent = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        scene.push(parent, "old", "old-too", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        hub.counts.clear()
        run = clean(scene, policy("old*"), tmp_path)
        assert set(outcomes(run, Kind.MANIFEST)) == {str(one.digest) for one in parent.manifests()}
        assert set(outcomes(run, Kind.MANIFEST).values()) == {Outcome.DELETED}
        assert hub.counts["DELETE", TAG] == 2
        assert hub.counts["DELETE", MANIFESTS] == 3

    def test_a_tag_that_moved_is_left_alone(self, scene: Scene, opened: DockerHubRegistry) -> None:
        leaves, stays = image(layer("leaves")), image(layer("stays"))
        scene.push(leaves, "v1", "moved")
        opened.inventory(scene.repository)
        scene.push(stays, "moved")
        opened.delete_manifest(scene.repository, leaves.digest)
        assert scene.tags() == {"moved": stays.digest}
        assert not scene.has(leaves.digest)

    def test_a_tag_that_appeared_saves_the_manifest(self, scene: Scene, opened: DockerHubRegistry) -> None:
        both = image(layer("both"))
        scene.push(both, "v1")
        opened.inventory(scene.repository)
        scene.push(both, "new")
        with pytest.raises(ItemRefused, match="still needed"):
            opened.delete_manifest(scene.repository, both.digest)
        assert scene.tags() == {"new": both.digest}

    def test_what_an_unlisted_index_needs_stays_and_stops_nothing_else(self, scene: Scene, tmp_path: Path) -> None:
        part = image(layer("part"))
        scene.push(index(part))  # pushed by digest, so that nobody lists it
        scene.push(part, "old-part", age=MONTH)
        scene.push(image(layer("other")), "old-other", age=MONTH)
        run = clean(scene, policy("old*"), tmp_path)
        assert run.halted is None
        assert outcomes(run)["old-other"] is Outcome.DELETED
        assert outcomes(run, Kind.MANIFEST)[str(part.digest)] is Outcome.FAILED
        assert outcomes(run)["old-part"] is Outcome.DELETED  # before Docker Hub said that the manifest is needed
        assert scene.tags() == {}
        assert not scene.broken(part.digest)

    def test_a_manifest_that_an_index_holds_for_a_moment_is_asked_for_again(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(layer("held")))
        hub.faults.burst(403, times=2, method="DELETE", route=MANIFESTS)
        opened.delete_manifest(scene.repository, digest)
        assert not scene.has(digest)
        assert len(hub.clock.slept) == 2

    def test_a_500_that_goes_on_in_the_background_is_not_repeated(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(layer("slow")))
        hub.faults.burst(500, times=1, method="DELETE", route=MANIFESTS)
        hub.faults.deletes_late = 3
        hub.remove(scene.path, digest)
        opened.delete_manifest(scene.repository, digest)
        assert not scene.has(digest)
        assert hub.counts["DELETE", MANIFESTS] == 1

    def test_a_500_without_an_effect_is_no_success(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(layer("stubborn")))
        hub.faults.burst(500, times=1, method="DELETE", route=MANIFESTS)
        with pytest.raises(Unreachable, match="may be at it still"):
            opened.delete_manifest(scene.repository, digest)
        assert hub.counts["DELETE", MANIFESTS] == 1

    def test_a_tag_that_went_before_the_answer_was_lost_is_gone(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        scene.push(image(), "v1", "v2")
        hub.faults.burst(500, times=1, method="DELETE", route=TAG)
        hub.faults.burst(404, times=1, method="DELETE", route=TAG)
        opened.delete_tag(scene.repository, Tag("v1"))
        assert hub.counts["DELETE", TAG] == 2

    def test_a_manifest_that_went_with_its_last_tag_is_gone(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(), "v1")
        hub.faults.burst(404, times=1, method="DELETE", route=MANIFESTS)
        opened.delete_manifest(scene.repository, digest)
        assert scene.tags() == {}

    def test_a_tag_that_somebody_else_deletes_in_between_is_no_trouble(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(), "v1")
        opened.inventory(scene.repository)
        hub.shelf(scene.path).tags.clear()
        opened.delete_manifest(scene.repository, digest)
        assert not scene.has(digest)

    def test_a_tag_that_somebody_else_deletes_a_moment_before_is_no_trouble(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(), "v1", "v2")
        opened.inventory(scene.repository)
        hub.shelf(scene.path).tags.pop("v1")
        hub.faults.burst(200, times=1, method="HEAD", headers={"Docker-Content-Digest": str(digest)})  # what v1 was just now
        opened.delete_manifest(scene.repository, digest)
        assert not scene.has(digest)

    def test_a_404_for_what_is_there_is_a_missing_right(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        scene.push(image(), "v1")
        hub.faults.burst(404, times=1, method="DELETE", route=TAG)
        with pytest.raises(Denied, match="is there"):
            opened.delete_tag(scene.repository, Tag("v1"))

    def test_a_404_that_nobody_can_confirm_is_no_success(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        scene.push(image(), "v1")
        hub.faults.burst(404, times=1, method="DELETE", route=TAG)
        hub.faults.burst(400, times=1, method="HEAD")
        with pytest.raises(Contradiction, match="not known"):
            opened.delete_tag(scene.repository, Tag("v1"))

    def test_an_immutable_tag_concerns_itself_alone(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(), "v1", "v2")
        hub.lock(scene.path, "v1")
        with pytest.raises(ItemRefused, match="immutable"):
            opened.delete_tag(scene.repository, Tag("v1"))
        opened.delete_tag(scene.repository, Tag("v2"))
        assert scene.tags() == {"v1": digest}

    def test_a_refusal_for_another_reason_is_what_it_is(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        scene.push(image(), "v1")
        hub.faults.burst(409, times=1, method="DELETE", route=TAG)
        with pytest.raises(ItemRefused):
            opened.delete_tag(scene.repository, Tag("v1"))
        hub.faults.burst(403, times=1, method="DELETE", route=TAG)
        hub.faults.burst(403, times=1, method="GET", route=REPOSITORY)
        with pytest.raises(Denied):
            opened.delete_tag(scene.repository, Tag("v1"))

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_a_token_that_may_not_delete_is_told_which_may(
        self, scene: Scene, hub: DockerHubSimulator, tmp_path: Path, wrapped: bool
    ) -> None:
        """403 as of 2020, a 500 around a 401 as of 2024."""
        hub.wraps_refusals = wrapped
        digests = {f"old-{n}": scene.push(image(layer(f"{n}")), f"old-{n}", age=MONTH) for n in range(6)}
        run = clean(scene, policy("old*"), tmp_path, scene.open(scene.reader))
        assert isinstance(run.halted, Denied)
        assert "Read, Write, Delete" in run.halted.remedy
        assert complaints(run)
        assert scene.tags() == digests

    def test_the_registry_too_names_the_permission(self, scene: Scene, hub: DockerHubSimulator) -> None:
        digest = scene.push(image())
        hub.shelf(scene.path)
        with pytest.raises(Denied) as refused:
            _opened(scene, scene.reader).delete_manifest(scene.repository, digest)
        assert "Read, Write, Delete" in refused.value.remedy

    def test_a_403_of_a_token_that_grants_no_deletion_is_not_about_the_manifest(
        self, scene: Scene, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image())
        hub.faults.burst(403, times=1, method="DELETE", route=MANIFESTS)
        with pytest.raises(Denied) as refused:
            _opened(scene, scene.reader).delete_manifest(scene.repository, digest)
        assert not isinstance(refused.value, ItemRefused)
        assert not hub.clock.slept

    def test_an_empty_repository_can_be_deleted_and_no_other(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        digest = scene.push(image(), "v1")
        with pytest.raises(ItemRefused, match="bytes"):
            opened.delete_repository(scene.repository)
        opened.delete_tag(scene.repository, Tag("v1"))
        with pytest.raises(ItemRefused, match="bytes"):  # the image lies there without a tag
            opened.delete_repository(scene.repository)
        opened.delete_manifest(scene.repository, digest)
        opened.delete_repository(scene.repository)
        assert scene.path not in hub.shelves


class TestLogin(Hub):
    @pytest.mark.parametrize("option", ["docker-hub-password", "docker-hub-token"])
    def test_a_name_with_a_secret_comes_before_docker(self, scene: Scene, option: str) -> None:
        scene.push(image(), "v1")
        options = {"docker-hub-username": WRITER.name, option: Secret(WRITER.password)}
        registry = scene.open(Login(scene.stranger.docker, options))
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}
        assert registry.tag_names(scene.repository) == {Tag("v1")}

    def test_docker_gets_the_login_of_the_options(self, scene: Scene) -> None:
        assert _opened(scene).docker_login() is None
        options = {"docker-hub-username": WRITER.name, "docker-hub-token": Secret(WRITER.password)}
        found = _opened(scene, Login(None, options)).docker_login()
        assert found is not None
        assert (found.username, found.password.reveal()) == (WRITER.name, WRITER.password)

    def test_a_token_alone_is_shown_to_the_api_as_it_is(self, scene: Scene, hub: DockerHubSimulator) -> None:
        scene.push(image(), "v1", "v2")
        hub.sessions["sham-bearer-token-of-the-hub"] = WRITER
        options = {"docker-hub-token": Secret("sham-bearer-token-of-the-hub")}
        registry = _opened(scene, Login(scene.writer.docker, options))
        registry.inventory(scene.repository)
        registry.delete_tag(scene.repository, Tag("v1"))
        assert hub.counts["POST", LOGIN] == 0
        hub.expire_tokens()
        with pytest.raises(Unauthorized) as refused:
            registry.delete_tag(scene.repository, Tag("v2"))
        assert "--images-repo-docker-hub-username" in refused.value.remedy

    def test_half_a_login_is_a_mistake_of_the_options(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="--images-repo-docker-hub-username is given"):
            scene.open(Login(None, {"docker-hub-username": "acme"}))
        with pytest.raises(ConfigurationError, match="--images-repo-docker-hub-username is not"):
            scene.open(Login(None, {"docker-hub-password": Secret("sham-password")}))

    def test_another_kind_of_token_is_no_login_for_the_api(self, scene: Scene) -> None:
        registry = scene.open(Login(IdentityToken(Secret("sham-identity-token"), "docker-credential-desktop")))
        with pytest.raises(ConfigurationError, match="docker-credential-desktop holds a token of another kind"):
            registry.inventory(scene.repository)

    def test_a_visitor_is_told_to_log_in(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Unauthorized) as refused:
            scene.open(Login()).inventory(scene.repository)
        assert "--images-repo-docker-hub-token" in refused.value.remedy

    def test_a_wrong_token_is_told_what_docker_hub_wants(self, scene: Scene) -> None:
        with pytest.raises(Unauthorized) as refused:
            scene.open(scene.stranger).inventory(scene.repository)
        assert "the Docker config" in refused.value.message
        assert "access token" in refused.value.remedy

    def test_a_login_for_another_host_is_not_shown_to_docker_hub(self, scene: Scene) -> None:
        scene.options = {}
        with pytest.raises(ConfigurationError, match=r"not shown to https://hub\.docker\.com") as refused:
            scene.open()
        assert "--docker-hub-api-url" in refused.value.remedy

    def test_one_token_serves_all_threads_and_is_renewed_once(
        self, scene: Scene, hub: DockerHubSimulator, tmp_path: Path
    ) -> None:
        for number in range(8):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        clean(scene, policy("old*"), tmp_path, meanwhile=hub.expire_tokens)
        assert scene.tags().keys() == {"keep"}
        assert hub.counts["POST", LOGIN] == 2

    @pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": "of\u00fc"}, []])
    def test_an_answer_without_a_token_is_none(self, scene: Scene, hub: DockerHubSimulator, answer: Any) -> None:
        hub.faults.burst(200, times=1, route=LOGIN, document=answer)
        with pytest.raises(Contradiction, match="without a token"):
            scene.open().inventory(scene.repository)

    def test_exactly_two_segments_are_a_repository(self, scene: Scene, opened: DockerHubRegistry) -> None:
        for path in ("alone", "one/too/many"):
            with pytest.raises(ConfigurationError, match="ACCOUNT/REPOSITORY"):
                opened.inventory(repository_at(scene.repository.registry.name, path))


class TestPublishing(Hub):
    def test_the_first_push_makes_the_repository(self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator) -> None:
        assert opened.tag_names(scene.repository) == frozenset()
        assert not opened.has_blob(scene.repository, Digest.of(b"new"))
        with pytest.raises(NotFound):
            opened.manifest(scene.repository, Tag("v1"))
        app = image(layer("hello"))
        images.push(opened, scene.repository, app, "v1")
        assert scene.tags() == {"v1": app.digest}
        digest, content = next(iter(app.blobs.items()))
        assert opened.has_blob(scene.repository, digest)
        with opened.blob(scene.repository, Blob(digest, len(content))) as stream:
            assert stream.read() == content

    def test_a_refusal_for_a_repository_that_is_there_stays_one(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        scene.push(image(), "v1")
        hub.faults.burst(403, times=1, route="/v2/tags")
        with pytest.raises(Denied):
            opened.tag_names(scene.repository)
        hub.faults.burst(403, times=1, route="/v2/tags")
        hub.faults.burst(403, times=1, route=REPOSITORY)
        with pytest.raises(Denied):
            opened.tag_names(scene.repository)


class TestDoctor(Hub):
    def test_it_reads_what_the_registrys_token_grants(self, scene: Scene, hub: DockerHubSimulator) -> None:
        scene.push(image(), "v1")
        hub.rules[scene.path] = ["^v"]
        found = {ability.name: ability for ability in _opened(scene, scene.reader).examine(scene.repository)}
        assert found["login to the API"].possible is True
        assert found["pull"].possible is True
        assert found["push"].possible is False
        assert "Read, Write, Delete" in found["delete"].detail
        assert "'^v'" in found["delete immutable tags"].detail

    def test_it_says_why_it_cannot_look(self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator) -> None:
        assert {ability.name: ability.possible for ability in opened.examine(scene.repository)}["list"] is None
        refused = {ability.name: ability for ability in _opened(scene, scene.stranger).examine(scene.repository)}
        assert refused["login to the API"].possible is refused["list"].possible is False
        scene.push(image(), "v1")
        visitor = {ability.name: ability for ability in _opened(scene, Login()).examine(scene.repository)}
        assert "visitor" in visitor["login to the API"].detail
        assert visitor["list"].possible is False
        assert visitor["delete"].possible is False
        hub.faults.burst(403, times=1, method="GET", route="/token")
        assert {ability.name: ability.possible for ability in _opened(scene).examine(scene.repository)}["push"] is False

    def test_a_token_that_says_nothing_leaves_the_rights_open(
        self, scene: Scene, opened: DockerHubRegistry, hub: DockerHubSimulator
    ) -> None:
        scene.push(image(), "v1")
        hub.faults.burst(200, times=1, method="GET", route="/token", document={"token": "opaque"})
        found = {ability.name: ability for ability in opened.examine(scene.repository)}
        assert found["delete"].possible is None
        assert "Read, Write, Delete" in found["delete"].detail


@pytest.fixture
def network_scene(registry: RunningRegistry) -> Iterator[Scene]:
    """Filled through a port of its own; who then comes by Docker Hub's names finds the same."""
    with serving(DockerHubSimulator(registry.host)) as (simulator, host):
        scene = _scene(simulator, host)
        yield scene
        scene.close()


HOSTS = ("hub.docker.com", "registry-1.docker.io", "auth.docker.io")


class TestDockerHubByItsNames:
    """With TLS, under the three names that Docker Hub has, whichever of its aliases the address uses."""

    @pytest.mark.parametrize("address", ["", "docker.io/", "index.docker.io/", "registry.hub.docker.com/"])
    def test_a_cleanup(self, network_scene: Scene, vendor_network: NetworkFactory, tmp_path: Path, address: str) -> None:
        scene = network_scene
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(index(image(layer("stays"))), "keep")
        network = vendor_network(dict.fromkeys(HOSTS, scene.simulator))
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"{address}{scene.path}", "--delete-tags", "old-*",
            "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_IMAGES_REPO_DOCKER_HUB_USERNAME=WRITER.name, MOORAGE_IMAGES_REPO_DOCKER_HUB_TOKEN=WRITER.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep"}
        assert WRITER.password not in done.stdout + done.stderr

    def test_another_client_tells_the_registrys_half_of_the_story(
        self, network_scene: Scene, vendor_network: NetworkFactory
    ) -> None:
        """python-dxf: a token from auth.docker.io, tags, digests, and a manifest that cannot go before its tag."""
        scene = network_scene
        child = image(layer("child"))
        parent = index(child)
        scene.push(parent, "v1")
        vendor_network(dict.fromkeys(HOSTS, scene.simulator))

        def authenticate(dxf: Any, response: Any) -> None:
            dxf.authenticate(WRITER.name, WRITER.password, actions=["pull", "push", "delete"], response=response)

        client: Any = DXF("registry-1.docker.io", scene.path, authenticate)
        assert client.list_aliases() == ["v1"]
        assert client.get_manifest_and_response("v1")[1].headers["docker-content-digest"] == str(parent.digest)
        with pytest.raises(Exception, match="403"):
            client._request("delete", f"manifests/{parent.digest}")
        _opened(scene).delete_tag(scene.repository, Tag("v1"))
        with pytest.raises(Exception, match="403"):
            client._request("delete", f"manifests/{child.digest}")
        for digest in (parent.digest, child.digest):
            assert client._request("delete", f"manifests/{digest}").status_code == 202
        assert not scene.has(child.digest)
