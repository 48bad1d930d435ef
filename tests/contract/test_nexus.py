"""Sonatype Nexus."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nexus_api_client
import nexus_api_client.exceptions
import pytest
from tests.contract.abilities import Abilities, Dates
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.contract.command import moorage
from tests.contract.costs import measure
from tests.contract.least import Least, pages
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import artifact, image, index, layer, push
from tests.scripted_server import Reply, Request
from tests.simulators.accounts import Account
from tests.simulators.nexus import ADMIN, COMPONENT, PAGE, READER, SEARCH, WRITER, NexusSimulator
from tests.simulators.server import Listener
from tests.simulators.serving import serving

from moorage.auth.credential import Basic, Bearer
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, Denied, ItemRefused, NotFound, Unauthorized, Unsupported
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Outcome
from moorage.registries.nexus import VENDOR
from moorage.registries.nexus.registry import NexusRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.fixtures import NetworkFactory

    from moorage.registries.interface import Ability

ABILITIES = Abilities(dates=Dates.VENDOR, lists_untagged=True, switches_deletion_off=False, tokens=False)


@contextmanager
def _behind_a_connector(simulator: NexusSimulator) -> Iterator[Scene]:
    """Docker speaks to one port, the REST API answers on another."""
    with serving(simulator) as (_, connector), Listener(simulator, {}) as main:
        simulator.connector = connector
        options = {"nexus-api-url": f"http://{main.host}", "nexus-repository": "images"}
        scene = _scene(simulator, connector, f"acme/{uuid.uuid4().hex}", options)
        yield scene
        scene.close()


@contextmanager
def _routed_by_path(simulator: NexusSimulator) -> Iterator[Scene]:
    with serving(simulator) as (_, host):
        scene = _scene(simulator, host, f"images/team/{uuid.uuid4().hex}", {})
        yield scene
        scene.close()


def _scene(simulator: NexusSimulator, host: str, path: str, options: Mapping[str, object]) -> Scene:
    stranger = Login(Basic(WRITER.name, Secret("sham-and-wrong-secret"), "the Docker config"))
    return Scene(VENDOR, repository_at(host, path), simulator, _login(WRITER), _login(READER), stranger, options)


def _login(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the Docker config"))


def _administrator() -> Account:
    return Account("administrator", "sham-secret-of-the-administrator", WRITER.rights | {ADMIN})


def _nexus(scene: Scene) -> NexusSimulator:
    assert isinstance(scene.simulator, NexusSimulator)
    return scene.simulator


def _called(component: dict[str, Any], version: str, digest: str) -> dict[str, Any]:
    """The same component under another name, or over another manifest."""
    asset = {**component["assets"][0], "path": f"/v2/{component['name']}/manifests/{version}", "checksum": {"sha256": digest}}
    return {**component, "version": version, "assets": [asset]}


def _examined(scene: Scene, login: Login | None = None) -> dict[str, Ability]:
    registry = scene.open(login)
    assert isinstance(registry, NexusRegistry)
    return {ability.name: ability for ability in registry.examine(scene.repository)}


LEAST = Least(
    inventory=lambda tags: pages(tags, PAGE) + 1,
    changing=lambda going: 2 * going,
    reading=lambda _, going: 2 * going + 1,
    why="a component, then its manifest; components go by the names of tags, so each is looked at by itself",
)


class TestNexus(VendorContract):
    """A current version, and a connector with Basic."""

    abilities = ABILITIES

    least = LEAST

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with _behind_a_connector(NexusSimulator(registry.host)) as scene:
            yield scene


class TestOldNexus(VendorContract):
    """A version that deletes tags along with their manifest, routing by path, with the Docker Bearer Token Realm."""

    abilities = Abilities(dates=Dates.VENDOR, lists_untagged=True, switches_deletion_off=False, tokens=True)

    least = replace(
        LEAST,
        inventory=lambda tags: pages(2 * tags, PAGE) + 1,
        why="as for others; and each image is a component by its tag and one by its digest",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        simulator = NexusSimulator(registry.host, routed=True)
        simulator.old = simulator.bearer = simulator.names_all = True
        with _routed_by_path(simulator) as scene:
            yield scene


class TestNexusWays:
    """What only Nexus does."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with _behind_a_connector(NexusSimulator(registry.host)) as scene:
            yield scene

    def test_costs(self, scene: Scene) -> None:
        """A search of as many pages as Nexus makes of it; three requests per deletion."""
        scene.simulator.faults.page_size = 5
        costs = measure(scene, tags=15, deletions=5)
        assert costs.inventory["GET", SEARCH] == 3
        assert costs.inventory["GET", "/v2/tags"] == 1
        assert costs.inventory["GET", "/v2/manifests"] == 0
        assert costs.deletion["DELETE", COMPONENT] == 5
        assert costs.deletion["DELETE", "/v2/manifests"] == 5
        assert costs.deletion["HEAD", "/v2/manifests"] == 5
        assert costs.deletion["GET", SEARCH] == 0

    def test_dockers_own_manifests_are_not_read(self, scene: Scene) -> None:
        parts = [image(layer(name, docker=True), platform=f"linux/{name}", docker=True) for name in ("amd64", "arm64")]
        scene.push(index(*parts, docker=True), "multi")
        scene.push(image(layer("single", docker=True), docker=True, labels={"org.example": "yes"}), "v1", "v2")
        scene.simulator.counts.clear()
        registry = scene.open()
        assert isinstance(registry, NexusRegistry)
        inventory = registry.inventory(scene.repository)
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1
        assert len(inventory.manifests) == 4
        (described,) = registry.describe(inventory, [inventory.tags[Tag("v1")]])
        assert described.labels == {"org.example": "yes"}

    def test_images_that_their_index_names_are_not_read(self, scene: Scene) -> None:
        whole = index(*(image(layer(name), platform=f"linux/{name}") for name in ("amd64", "arm64")))
        scene.push(whole, "v1")
        scene.simulator.counts.clear()
        assert len(scene.open().inventory(scene.repository).manifests) == 3
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1

    def test_records_are_not_read(self, scene: Scene) -> None:
        scene.push(index(image(layer("image"))), "v1")
        scene.push(image(layer("marker")), "moorage-image.app")
        scene.simulator.counts.clear()
        scene.open().inventory(scene.repository)
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1

    def test_other_images_of_the_repository_are_not_touched(self, scene: Scene) -> None:
        """Two images with the same content share a digest, and so what a search for it finds."""
        registry = scene.open()
        digest = scene.push(image(layer("shared")), "v1")
        other = _scene(_nexus(scene), scene.repository.registry.name, f"{scene.path}-other", scene.options)
        other.push(image(layer("shared")), "v1")
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {}
        assert other.tags() == {"v1": digest}
        other.close()

    def test_a_tag_that_has_moved_on_is_not_taken_with_the_manifest(self, scene: Scene) -> None:
        digest = scene.push(image(layer("before")), "v1", "v2")
        registry = scene.open()
        registry.inventory(scene.repository)
        after = scene.push(image(layer("after")), "v1")
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {"v1": after}
        assert not scene.has(digest)

    def test_a_tag_that_was_pushed_anew_has_another_component(self, scene: Scene) -> None:
        scene.push(image(layer("before")), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, NexusRegistry)
        registry.inventory(scene.repository)
        scene.push(image(layer("before")), "v1")
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags().keys() == {"v2"}

    def test_a_deletion_whose_answer_was_lost_is_done(self, registry: RunningRegistry) -> None:
        class Hiccup(NexusSimulator):
            def answer(self, request: Request) -> Reply:
                reply = super().answer(request)
                return Reply(502) if reply.status == 204 else reply

        with _behind_a_connector(Hiccup(registry.host)) as scene:
            scene.push(image(layer("goes")), "v1", "v2")
            opened = scene.open()
            assert isinstance(opened, NexusRegistry)
            opened.inventory(scene.repository)
            opened.delete_tag(scene.repository, Tag("v1"))
            assert scene.tags().keys() == {"v2"}

    def test_a_manifest_that_went_with_its_last_tag_is_deleted(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        scene.simulator.faults.burst(404, times=1, method="DELETE", route="/v2/manifests")
        scene.open().delete_manifest(scene.repository, digest)
        assert scene.tags() == {}

    def test_a_conflict_concerns_one_manifest_alone(self, scene: Scene) -> None:
        digest = scene.push(image())
        scene.simulator.faults.burst(409, times=1, method="DELETE", route="/v2/manifests")
        with pytest.raises(ItemRefused):
            scene.open().delete_manifest(scene.repository, digest)

    def test_a_component_that_is_found_and_not_there_is_no_success(self, scene: Scene) -> None:
        scene.push(image(), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, NexusRegistry)
        scene.simulator.faults.burst(404, times=1, route=COMPONENT)
        with pytest.raises(ItemRefused, match="does not find it"):
            registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags().keys() == {"v1", "v2"}

    def test_an_image_is_published_and_shares_blobs_with_another(self, scene: Scene) -> None:
        registry = scene.open()
        assert isinstance(registry, NexusRegistry)
        both = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        for path in (scene.repository, repository_at(scene.repository.registry.name, f"{scene.path}/deeper")):
            push(registry, path, both, "v1")
            assert registry.resolve(path, Tag("v1")) == both.digest
        assert registry.manifest(scene.repository, both.digest) == (both.content, both.media_type)
        content = next(iter(both.children[0].blobs.items()))
        assert registry.has_blob(scene.repository, content[0])
        assert not registry.has_blob(scene.repository, Digest.of(b"never pushed"))
        with registry.blob(scene.repository, Blob(content[0], len(content[1]))) as stream:
            assert stream.read() == content[1]

    def test_trouble_with_one_tag_stays_with_that_one(self, scene: Scene) -> None:
        digest = scene.push(image(), "known", "hidden", "gone")
        _nexus(scene).unindexed = {"hidden"}
        scene.simulator.faults.burst(412, times=1, method="HEAD")
        inventory = scene.open().inventory(scene.repository)
        assert inventory.tags == {Tag("known"): digest, Tag("gone"): digest}
        assert inventory.unresolved.keys() == {Tag("hidden")}
        scene.simulator.faults.burst(404, times=1, method="HEAD")
        assert Tag("hidden") not in scene.open().inventory(scene.repository).tags

    def test_a_tag_that_the_search_does_not_know_is_listed_and_cannot_go(self, scene: Scene, tmp_path: Path) -> None:
        """Nexus's index lags behind or is broken: /v2 knows better, and nothing else stops."""
        scene.push(image(layer("hidden")), "old-hidden", age=MONTH)
        known = scene.push(image(layer("known")), "old-known", age=MONTH)
        _nexus(scene).unindexed = {"old-hidden"}
        registry = scene.open()
        inventory = registry.inventory(scene.repository)
        assert inventory.tags.keys() == {Tag("old-hidden"), Tag("old-known")}
        run = clean(scene, policy("old*"), tmp_path, registry)
        assert outcomes(run) == {"old-hidden": Outcome.FAILED, "old-known": Outcome.DELETED}
        assert not scene.has(known)
        assert isinstance(registry, NexusRegistry)
        with pytest.raises(ItemRefused, match="search does not find it") as refused:
            registry.delete_tag(scene.repository, Tag("old-hidden"))
        assert "Rebuild repository search" in refused.value.remedy

    def test_an_index_that_knows_nothing_yet_stops_nobody(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        _nexus(scene).unindexed = {"v1"}
        assert scene.open().inventory(scene.repository).tags == {Tag("v1"): digest}

    def test_what_the_index_remembers_too_long_is_not_believed(self, registry: RunningRegistry) -> None:
        class Stale(NexusSimulator):
            def _components(self, request: Request) -> Iterator[dict[str, Any]]:
                for component in super()._components(request):
                    yield component
                    yield _called(component, "gone", component["assets"][0]["checksum"]["sha256"])
                    yield _called(component, component["version"], "0" * 64)

        with _behind_a_connector(Stale(registry.host)) as scene:
            digest = scene.push(image(), "v1")
            inventory = scene.open().inventory(scene.repository)
            assert inventory.tags == {Tag("v1"): digest}
            assert inventory.manifests.keys() == {digest}

    def test_a_group_deletes_nothing_and_names_its_members(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, NexusRegistry)
        _nexus(scene).kind = "group"
        before = scene.changes()
        assert "group" in registry.cannot_untag(scene.repository)
        with pytest.raises(Unsupported) as refused:
            registry.delete_tag(scene.repository, Tag("v1"))
        assert "hosted repository" in refused.value.remedy
        with pytest.raises(Unsupported):
            registry.delete_manifest(scene.repository, digest)
        assert scene.changes() == before
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1"), Tag("v2")}

    def test_an_administrator_is_told_the_members_of_a_group(self, scene: Scene) -> None:
        _nexus(scene).kind = "group"
        scene.simulator.accounts.everybody.append(_administrator())
        with pytest.raises(Unsupported) as refused:
            scene.open(_login(_administrator())).delete_manifest(scene.repository, Digest.of(b"any"))
        assert "ours, theirs" in refused.value.remedy

    def test_a_proxy_deletes_nothing(self, scene: Scene) -> None:
        _nexus(scene).kind = "proxy"
        with pytest.raises(Unsupported, match="comes back"):
            scene.open().delete_manifest(scene.repository, Digest.of(b"any"))

    def test_the_wrong_address_is_told_from_a_wrong_name(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        connector = {"nexus-api-url": f"http://{scene.repository.registry}", "nexus-repository": "images"}
        with pytest.raises(Unsupported, match="no REST API of Nexus") as refused:
            scene.open(Login(scene.writer.docker, connector)).inventory(scene.repository)
        assert "--nexus-api-url" in refused.value.remedy
        scene.simulator.forgive("status 404 is not known")  # of the connector, which is no API
        with pytest.raises(Unsupported, match="no repository immages"):
            scene.open(Login(scene.writer.docker, {"nexus-repository": "immages"})).inventory(scene.repository)
        with pytest.raises(Unsupported, match="holds maven2"):
            scene.open(Login(scene.writer.docker, {"nexus-repository": "packages"})).inventory(scene.repository)

    def test_an_address_that_does_not_say_the_repository_asks_for_it(self, scene: Scene) -> None:
        alone = repository_at(scene.repository.registry.name, "app")
        for options in ({"nexus-repository": ""}, {"nexus-repository": "", "nexus-api-url": ""}):
            with pytest.raises(ConfigurationError, match="does not say which repository") as refused:
                scene.open(Login(scene.writer.docker, options)).inventory(alone)
            assert "--nexus-repository" in refused.value.remedy

    def test_half_a_login_is_a_mistake_of_the_options(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="--images-repo-nexus-password is not"):
            scene.open(Login(None, {"nexus-username": "ci"}))
        with pytest.raises(ConfigurationError, match="--images-repo-nexus-username is not"):
            scene.open(Login(None, {"nexus-password": Secret("sham-secret")}))

    def test_credentials_come_from_the_options_before_docker(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        options = {"nexus-username": WRITER.name, "nexus-password": Secret(WRITER.password)}
        registry = scene.open(Login(scene.stranger.docker, options))
        assert isinstance(registry, NexusRegistry)
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}
        assert registry.docker_login() == Basic(WRITER.name, Secret(WRITER.password), "--images-repo-nexus-username")

    def test_a_bearer_token_is_no_login_for_nexus(self, scene: Scene) -> None:
        registry = scene.open(Login(Bearer(Secret("sham-registry-token"), "docker-credential-oidc")))
        with pytest.raises(ConfigurationError, match="docker-credential-oidc holds a token"):
            registry.delete_manifest(scene.repository, Digest.of(b"any"))

    def test_nobody_is_told_to_log_in(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Unauthorized, match="no credentials") as refused:
            scene.open(Login()).delete_manifest(scene.repository, scene.tags()["v1"])
        assert "--images-repo-nexus-username" in refused.value.remedy

    def test_a_missing_privilege_is_named(self, scene: Scene) -> None:
        digest = scene.push(image())
        registry = scene.open(scene.reader)
        with pytest.raises(Denied) as refused:
            registry.delete_manifest(scene.repository, digest)
        assert "nx-repository-view-docker-images-delete" in refused.value.remedy

    def test_listings_that_cannot_be_are_contradictions(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        wrong: tuple[object, ...] = (
            [],
            {"items": None},
            {"items": [{"id": "1"}], "continuationToken": None},
            {"items": [], "continuationToken": 1},
        )
        for document in wrong:
            registry = scene.open()
            scene.simulator.faults.burst(200, times=1, route=SEARCH, document=document)
            with pytest.raises(Contradiction):
                registry.inventory(scene.repository)

    def test_components_without_a_manifest_are_no_images(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        v1 = {"id": "x", "repository": "images", "name": scene.path, "version": "ancient", "assets": []}
        scene.simulator.faults.burst(200, times=1, route=SEARCH, document={"items": [v1], "continuationToken": None})
        assert scene.open().inventory(scene.repository).tags.keys() == {Tag("v1")}

    def test_the_doctor_knows_what_administrators_may_know(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.accounts.everybody.append(_administrator())
        found = _examined(scene)
        assert found["server"].detail.startswith("Nexus/3.94")
        assert found["list"].possible is True
        assert "nx-repository-view-docker-images-delete" in found["delete"].detail
        for name, policy_name, expected in (
            ("push", "ALLOW_ONCE", None),
            ("push", "DENY", False),
            ("delete tags", "DENY", False),
        ):
            _nexus(scene).policy = policy_name
            ability = _examined(scene, _login(_administrator()))[name]
            assert ability.possible is expected
            assert policy_name in ability.detail
        _nexus(scene).kind = "group"
        assert _examined(scene)["delete"].possible is False

    def test_the_doctor_names_what_is_wrong_with_the_address(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        connector = Login(scene.writer.docker, {"nexus-api-url": f"http://{scene.repository.registry}"})
        found = _examined(scene, connector)
        assert found["server"].possible is False
        assert found["list"].possible is False
        assert "--nexus-api-url" in found["list"].detail
        scene.simulator.forgive("status 404 is not known")  # of the connector, which is no API

    def test_the_doctor_says_what_answers_oddly(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.faults.burst(200, times=1, route="/status")
        scene.simulator.faults.burst(200, times=2, route="/repositories/{name}", document={"name": "images"})
        found = _examined(scene)
        assert found["server"].possible is None
        assert found["list"].possible is False
        assert found["delete"].possible is False

    def test_the_doctor_looks_at_what_is_not_there_yet(self, scene: Scene) -> None:
        assert _examined(scene)["list"].possible is None

    def test_names_that_nobody_can_push_are_no_repositories(self, scene: Scene) -> None:
        registry = scene.open()
        assert isinstance(registry, NexusRegistry)
        document = {"repositories": ["acme/app", "acme/Not-A-Name", "other"]}
        scene.simulator.faults.burst(200, times=2, route="/v2/_catalog", document=document)
        assert [one.path for one in registry.repositories("acme")] == ["acme/app"]
        assert [one.path for one in registry.repositories()] == ["acme/app", "other"]
        assert registry.repositories("Not-A-Name") == []

    def test_another_client_tells_the_same_story(self, scene: Scene) -> None:
        """nexus-api-client (PyPI) is made from Nexus's own description and parses every answer into models."""
        digest = scene.push(index(image(layer("child"))), "v1", "v2")
        host = str(scene.options["nexus-api-url"])
        settings = nexus_api_client.Configuration(f"{host}/service/rest", username=WRITER.name, password=WRITER.password)
        with nexus_api_client.ApiClient(settings) as client:
            search, components = nexus_api_client.SearchApi(client), nexus_api_client.ComponentsApi(client)
            found = search.list_search(repository="images", name=scene.path).items or []
            tagged = {one.version: one for one in found if not (one.version or "").startswith("sha256:")}
            assert tagged.keys() == {"v1", "v2"}
            assert {(asset.checksum or {})["sha256"] for one in tagged.values() for asset in one.assets or ()} == {digest.hex}
            components.delete_components(tagged["v1"].id or "")
            assert scene.tags().keys() == {"v2"}
            with pytest.raises(nexus_api_client.exceptions.NotFoundException):
                components.delete_components(tagged["v1"].id or "")


class TestNexusByItsName:
    """The command as a user runs it, with TLS: docker at one name, Nexus at another."""

    def test_a_cleanup_at_docker_example_com(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = NexusSimulator(registry.host)
        simulator.connector = "docker.example.com"
        network = vendor_network({"docker.example.com": simulator, "nexus.example.com": simulator})
        scene = _scene(simulator, "docker.example.com", f"acme/{uuid.uuid4().hex}", {})
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        kept = image(layer("stays"))
        scene.push(kept, "keep")
        scene.push(artifact(kept), "keep-sbom")
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"docker.example.com/{scene.path}", "--delete-tags", "old-*",
            "--images-repo-implementation", "nexus", "--nexus-api-url", "https://nexus.example.com",
            "--nexus-repository", "images", "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_IMAGES_REPO_NEXUS_USERNAME=WRITER.name, MOORAGE_IMAGES_REPO_NEXUS_PASSWORD=WRITER.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep", "keep-sbom"}
        assert WRITER.password not in done.stdout + done.stderr
        scene.close()

    def test_path_routing_needs_no_option(self, registry: RunningRegistry, vendor_network: NetworkFactory) -> None:
        simulator = NexusSimulator(registry.host, routed=True)
        vendor_network({"nexus.example.com": simulator})
        scene = _scene(simulator, "nexus.example.com", f"images/{uuid.uuid4().hex}", {})
        digest = scene.push(image(), "v1")
        opened = scene.open()
        assert opened.inventory(scene.repository).tags == {Tag("v1"): digest}
        opened.delete_manifest(scene.repository, digest)
        with pytest.raises(NotFound):
            opened.resolve(scene.repository, Tag("v1"))
        scene.close()
