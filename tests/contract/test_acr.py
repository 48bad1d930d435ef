"""Azure Container Registry."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.core.credentials import AccessToken, TokenCredential
from tests import images
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.contract.command import moorage
from tests.contract.least import Least, looks, pages
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import artifact, attestation, image, index, layer
from tests.scripted_server import Reply, ScriptedServer
from tests.simulators.acr import EXCHANGE, MANIFESTS, READER, TAGS, TOKEN, WRITER, AcrSimulator
from tests.simulators.entra import EntraSimulator
from tests.simulators.serving import serving

from moorage.auth.credential import Basic, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import (
    ConfigurationError,
    Contradiction,
    Denied,
    ItemRefused,
    NotFound,
    RegistryError,
    Unauthorized,
    Unsupported,
)
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Kind, Outcome
from moorage.registries.acr import VENDOR
from moorage.registries.acr.registry import AcrRegistry
from moorage.registries.acr.workload import NO_USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account
    from tests.simulators.fixtures import NetworkFactory

V2 = "/v2/manifests"
ASSERTION = "sham-federated-token-of-the-platform"


def _login(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the Docker config"))


def _scene(simulator: AcrSimulator, host: str) -> Scene:
    stranger = Login(Basic(WRITER.name, Secret("sham-and-wrong-secret"), "the Docker config"))
    path = f"acme/team/{uuid.uuid4().hex}"
    return Scene(VENDOR, repository_at(host, path), simulator, _login(WRITER), _login(READER), stranger)


class TestAcr(VendorContract):
    abilities = Abilities(
        dates=Dates.VENDOR,
        lists_untagged=True,
        locks=True,
        switches_deletion_off=False,
        finds_tags=True,
        deletes_repositories=Emptying.EMPTY,
    )

    least = Least(
        inventory=lambda tags: 2 * pages(tags, 1000),
        changing=lambda going: going,
        reading=lambda tags, going: going + looks(tags, going, 1000) + pages(tags, 1000),
        why="no call deletes or reads several; a list of manifests and one of tags",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(AcrSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host)
            yield scene
            scene.close()


class Acr:
    """A scene with its simulator at hand."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(AcrSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host)
            yield scene
            scene.close()

    @pytest.fixture
    def acr(self, scene: Scene) -> AcrSimulator:
        assert isinstance(scene.simulator, AcrSimulator)
        return scene.simulator

    @pytest.fixture
    def opened(self, scene: Scene) -> AcrRegistry:
        return _opened(scene)


def _opened(scene: Scene, login: Login | None = None) -> AcrRegistry:
    registry = scene.open(login)
    assert isinstance(registry, AcrRegistry)
    return registry


class TestListing(Acr):
    def test_images_cost_two_listings_and_no_manifest(self, scene: Scene, acr: AcrSimulator) -> None:
        for number in range(12):
            scene.push(image(layer(f"{number}")), f"v{number}")
        scene.push(image(layer("many")), *(f"many-{number}" for number in range(15)))  # of which the listing shows ten
        scene.push(image(layer("untagged"), docker=True))
        acr.counts.clear()
        inventory = scene.open().inventory(scene.repository)
        assert len(inventory.tags) == 27
        assert len(inventory.manifests) == 14
        assert acr.counts["GET", TAGS] == acr.counts["GET", MANIFESTS] == 1
        assert not [key for key in acr.counts if key[1] == V2]

    def test_an_index_is_read_and_its_parts_are_not(self, scene: Scene, acr: AcrSimulator) -> None:
        plain = image(layer("amd64"))
        parent = index(plain, image(layer("arm64"), platform="linux/arm64"), attestation(plain))
        scene.push(parent, "v1", "v2")
        acr.counts.clear()
        inventory = scene.open().inventory(scene.repository)
        assert inventory.manifests.keys() == {one.digest for one in parent.manifests()}
        assert inventory.manifests[parent.digest].content == parent.content
        assert acr.counts["GET", V2] == 1

    def test_an_untagged_sbom_belongs_to_its_image(self, scene: Scene) -> None:
        subject = image(layer("subject"))
        scene.push(subject, "v1")
        sbom = scene.push(artifact(subject))
        assert scene.open().inventory(scene.repository).manifests[sbom].subject == subject.digest

    def test_a_part_that_acr_was_told_not_to_list_is_read(self, scene: Scene, acr: AcrSimulator) -> None:
        hidden = index(image(layer("deep")))
        parent = index(hidden)
        scene.push(parent, "v1")
        acr.unlisted.add(hidden.digest)
        assert scene.open().inventory(scene.repository).manifests[hidden.digest].children == (hidden.children[0].digest,)

    def test_a_listed_manifest_that_is_not_there_is_missing(self, scene: Scene, acr: AcrSimulator) -> None:
        gone = scene.push(index(image(layer("gone"))))
        scene.push(image(layer("stays")), "v1")
        acr.upstream.delete(scene.path, gone)
        inventory = scene.open().inventory(scene.repository)
        assert gone in inventory.missing
        assert gone not in inventory.manifests

    @pytest.mark.parametrize("attribute", ["deleteEnabled", "writeEnabled"])
    def test_locks_are_known_before_anything_is_planned(self, scene: Scene, acr: AcrSimulator, attribute: str) -> None:
        digest = scene.push(image(layer("one")), "v1")
        other = scene.push(image(layer("two")), "v2")
        acr.shelf(scene.path).tags["v1"].locked = attribute
        acr.shelf(scene.path).manifests[other].locked = attribute
        inventory = scene.open().inventory(scene.repository)
        assert inventory.locked_tags.keys() == {Tag("v1")}
        assert attribute in inventory.locked_tags[Tag("v1")]
        assert attribute in inventory.manifests[other].locked
        assert not inventory.manifests[digest].locked

    def test_the_catalog_needs_a_right_of_its_own(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        """With ABAC, no role in a repository brings it."""
        acr.accounts.everybody[:] = [type(WRITER)(WRITER.name, WRITER.password, WRITER.rights - {"*"})]
        with pytest.raises(Denied) as refused:
            opened.repositories()
        assert "Catalog Lister" in refused.value.remedy

    def test_repositories_come_in_pages(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        for name in ("acme/one", "acme/two", "acme/two/deeper", "acme/No-Client-Could", "other/three"):
            acr.shelf(name)
        acr.faults.page_size = 2
        assert [found.path for found in opened.repositories("acme/two")] == ["acme/two", "acme/two/deeper"]
        assert len(opened.repositories()) == 4

    @pytest.mark.parametrize(
        "answer", [[], {"tags": 1}, {"tags": [{"name": "v1"}]}, {"tags": [{"name": "-", "digest": "sha256:0"}]}, {"tags": ["v1"]}]
    )
    def test_a_listing_that_cannot_be_is_a_contradiction(self, scene: Scene, acr: AcrSimulator, answer: Any) -> None:
        scene.push(image(), "v1")
        acr.faults.burst(200, times=1, route=TAGS, document=answer)
        with pytest.raises(Contradiction, match="list of tags"):
            scene.open().inventory(scene.repository)


class TestDeletion(Acr):
    def test_a_tag_never_stands_where_a_digest_belongs(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        """`DELETE /v2/…/manifests/TAG` would take all tags of the image; the specification of the tests forbids it altogether."""
        digest = scene.push(image(layer("both")), "v1", "v2")
        opened.delete_tag(scene.repository, Tag("v1"))
        assert acr.counts["DELETE", V2] == 0
        assert scene.tags() == {"v2": digest}

    def test_a_tag_that_appeared_since_the_listing_saves_the_manifest(self, scene: Scene, opened: AcrRegistry) -> None:
        both = image(layer("both"))
        scene.push(both, "v1")
        opened.inventory(scene.repository)
        scene.push(both, "new")
        with pytest.raises(ItemRefused, match="ACR would delete new with it"):
            opened.delete_manifest(scene.repository, both.digest)
        assert scene.tags() == {"v1": both.digest, "new": both.digest}

    def test_a_tag_that_is_locked_since_the_listing_saves_the_manifest(
        self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator
    ) -> None:
        """ACR might take it along."""
        digest = scene.push(image(layer("both")), "v1", "v2")
        opened.inventory(scene.repository)
        acr.lock(scene.path, "v2")
        with pytest.raises(ItemRefused, match="its tag v2 is locked") as refused:
            opened.delete_manifest(scene.repository, digest)
        assert f"--image {scene.path}:v2" in refused.value.remedy
        assert acr.counts["DELETE", V2] == 0

    def test_what_is_locked_stays_and_stops_nothing_else(self, scene: Scene, acr: AcrSimulator, tmp_path: Path) -> None:
        locked = scene.push(image(layer("locked")), "old-locked", age=MONTH)
        scene.push(image(layer("other")), "old-other", age=MONTH)
        held = acr.shelf(scene.path).manifests[locked]
        run = clean(scene, policy("old*"), tmp_path, meanwhile=lambda: setattr(held, "locked", "deleteEnabled"))
        assert run.halted is None
        assert outcomes(run) == {"old-locked": Outcome.FAILED, "old-other": Outcome.DELETED}
        assert scene.tags() == {"old-locked": locked}

    def test_a_tag_of_a_locked_manifest_is_refused_alone(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        digest = scene.push(image(), "v1", "v2")
        acr.shelf(scene.path).manifests[digest].locked = "writeEnabled"
        with pytest.raises(ItemRefused, match=":v1 is locked"):
            opened.delete_tag(scene.repository, Tag("v1"))

    def test_a_locked_repository_stops_as_a_whole(self, scene: Scene, acr: AcrSimulator, tmp_path: Path) -> None:
        for number in range(6):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        acr.locked.add(scene.path)
        run = clean(scene, policy("old*"), tmp_path)
        assert isinstance(run.halted, Denied)
        assert f"--repository {scene.path}" in run.halted.remedy
        assert len(scene.tags()) == 6

    def test_a_registry_that_disallows_it_says_where_to_look(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        digest = scene.push(image(), "v1")
        acr.faults.read_only = True
        with pytest.raises(Unsupported) as refused:
            opened.delete_manifest(scene.repository, digest)
        assert "aka.ms/acr/faq" in refused.value.remedy
        acr.faults.burst(403, times=3, method="GET")  # who may not look does not learn what is locked
        with pytest.raises(Unsupported):
            opened.delete_tag(scene.repository, Tag("v1"))

    def test_what_went_before_the_answer_was_lost_is_gone(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        digest = scene.push(image(), "v1")
        for status in (500, 404):
            acr.faults.burst(status, times=1, method="DELETE", route=TAGS)
            acr.faults.burst(status, times=1, method="DELETE", route=V2)
        opened.delete_tag(scene.repository, Tag("v1"))
        opened.delete_manifest(scene.repository, digest)

    def test_parts_of_an_index_that_nothing_needs_go_in_the_same_run(self, scene: Scene, tmp_path: Path) -> None:
        parent = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        scene.push(parent, "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        run = clean(scene, policy("old"), tmp_path)
        assert set(outcomes(run, Kind.MANIFEST)) == {str(one.digest) for one in parent.manifests()}
        assert not [one for one in parent.manifests() if scene.has(one.digest)]

    def test_a_refusal_of_one_item_stays_one(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        scene.push(image(), "v1")
        acr.faults.burst(409, times=1, method="DELETE", route=TAGS)
        with pytest.raises(ItemRefused):
            opened.delete_tag(scene.repository, Tag("v1"))

    def test_a_login_that_may_not_delete_learns_scope_and_role(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        with pytest.raises(Denied) as refused:
            _opened(scene, scene.reader).delete_manifest(scene.repository, digest)
        assert f"repository:{scene.path}:delete" in refused.value.remedy
        assert "AcrDelete" in refused.value.remedy
        assert "content/delete" in refused.value.remedy

    def test_an_empty_repository_can_be_deleted_and_no_other(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        digest = scene.push(image(), "v1")
        with pytest.raises(ItemRefused, match="holds 1 manifests"):
            opened.delete_repository(scene.repository)
        opened.delete_manifest(scene.repository, digest)
        opened.delete_repository(scene.repository)
        assert scene.path not in acr.shelves
        with pytest.raises(NotFound):
            opened.delete_repository(scene.repository)

    def test_a_look_at_many_serves_the_deletions_that_follow(self, scene: Scene, acr: AcrSimulator, opened: AcrRegistry) -> None:
        digests = [scene.push(image(layer(f"{number}")), f"v{number}") for number in range(3)]
        opened.inventory(scene.repository)
        acr.counts.clear()
        assert opened.tags_on(scene.repository, digests[:2]).keys() == set(digests[:2])
        for digest in digests:
            opened.delete_manifest(scene.repository, digest)
        assert acr.counts["GET", TAGS] == 2, "one for the two, and one for the third"
        assert scene.tags() == {}

    def test_a_look_at_many_sees_a_lock_too(self, scene: Scene, acr: AcrSimulator, opened: AcrRegistry) -> None:
        digest = scene.push(image(layer("locked")), "v1")
        opened.inventory(scene.repository)
        acr.lock(scene.path, "v1")
        opened.tags_on(scene.repository, [digest])
        with pytest.raises(ItemRefused):
            opened.delete_manifest(scene.repository, digest)
        assert scene.tags() == {"v1": digest}


class TestLogin(Acr):
    def test_the_options_come_before_docker(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        options = {"acr-username": WRITER.name, "acr-password": Secret(WRITER.password)}
        registry = _opened(scene, Login(scene.stranger.docker, options))
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}
        found = registry.docker_login()
        assert found is not None
        assert found.username == WRITER.name

    @pytest.mark.parametrize("kept", ["identitytoken", "password"])
    def test_what_az_acr_login_left_with_docker_is_a_refresh_token(self, scene: Scene, acr: AcrSimulator, kept: str) -> None:
        digest = scene.push(image(), "v1")
        token = Secret(acr.desk.give_refresh_token(WRITER))
        found = IdentityToken(token, "docker") if kept == "identitytoken" else Basic(NO_USER, token, "docker")
        acr.counts.clear()
        registry = _opened(scene, Login(found))
        registry.inventory(scene.repository)
        acr.expire_tokens()
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {}
        assert acr.counts["GET", TOKEN] == 0
        assert registry.docker_login() is None

    def test_half_a_login_is_a_mistake_of_the_options(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="--images-repo-acr-password is not"):
            scene.open(Login(None, {"acr-username": "app"}))
        with pytest.raises(ConfigurationError, match="--images-repo-acr-username is not"):
            scene.open(Login(None, {"acr-password": Secret("sham-secret")}))

    def test_nobody_is_told_to_log_in(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(RegistryError) as refused:
            scene.open(Login()).inventory(scene.repository)
        assert isinstance(refused.value, Unauthorized)
        assert "no credentials" in refused.value.message or "token service" in refused.value.message


class TestWorkloadIdentity(Acr):
    @pytest.fixture
    def entra(self, scene: Scene, acr: AcrSimulator) -> Iterator[str]:
        simulator = EntraSimulator(acr, client_id="app-1", assertion=ASSERTION, audience="https://containerregistry.azure.net")
        with serving(simulator) as (_, host):
            yield f"http://{host}"

    @pytest.fixture
    def options(self, entra: str, tmp_path: Path) -> dict[str, Any]:
        file = tmp_path / "token"
        file.write_text(f"{ASSERTION}\n")
        return {"acr-client-id": "app-1", "acr-tenant-id": "t-1", "acr-federated-token-file": file, "acr-authority": entra}

    def test_the_platforms_token_becomes_a_login(self, scene: Scene, acr: AcrSimulator, options: dict[str, Any]) -> None:
        digest = scene.push(image(), "v1")
        registry = _opened(scene, Login(None, options))
        registry.inventory(scene.repository)
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {}
        assert acr.counts["POST", EXCHANGE] == 1

    def test_docker_gets_a_refresh_token_by_its_user(self, scene: Scene, acr: AcrSimulator, options: dict[str, Any]) -> None:
        registry = _opened(scene, Login(None, options))
        found = registry.docker_login()
        assert found is not None
        assert found.username == NO_USER
        assert found.password.reveal() in acr.desk.refresh_tokens
        assert registry.docker_login() == found

    def test_what_docker_has_comes_first(self, scene: Scene, acr: AcrSimulator, options: dict[str, Any]) -> None:
        scene.push(image(), "v1")
        registry = _opened(scene, Login(scene.writer.docker, options))
        registry.inventory(scene.repository)
        assert registry.docker_login() is None
        assert acr.counts["POST", EXCHANGE] == 0

    def test_an_application_that_does_not_trust_the_token_is_told(
        self, scene: Scene, options: dict[str, Any], tmp_path: Path
    ) -> None:
        options["acr-client-id"] = "another-app"
        with pytest.raises(Unauthorized, match="workload identity another-app is refused") as refused:
            scene.open(Login(None, options)).inventory(scene.repository)
        assert "federated credential" in refused.value.remedy

    def test_entra_and_acr_may_refuse_in_other_ways(self, scene: Scene, acr: AcrSimulator, options: dict[str, Any]) -> None:
        for status, wanted in ((401, Unauthorized), (404, Unauthorized), (200, Contradiction)):
            acr.faults.burst(status, times=1, route=EXCHANGE, document={})
            with pytest.raises(wanted):
                _opened(scene, Login(None, options)).docker_login()

    @pytest.mark.parametrize("status", [400, 403])
    def test_entra_also_refuses_with_400(self, scene: Scene, options: dict[str, Any], status: int) -> None:
        with ScriptedServer(lambda _: Reply.of({"error": "unauthorized_client"}, status)) as server:
            registry = _opened(scene, Login(None, {**options, "acr-authority": server.url}))
            with pytest.raises(Unauthorized, match="unauthorized_client"):
                registry.docker_login()

    def test_an_entra_that_does_not_answer_is_unreachable_and_no_refusal(self, scene: Scene, options: dict[str, Any]) -> None:
        with ScriptedServer(lambda _: Reply(503)) as server, pytest.raises(RegistryError) as refused:
            _opened(scene, Login(None, {**options, "acr-authority": server.url})).docker_login()
        assert not isinstance(refused.value, Unauthorized)

    def test_a_token_file_that_cannot_be_read_is_named(self, scene: Scene, options: dict[str, Any], tmp_path: Path) -> None:
        for name, content in (("empty", b"\n"), ("binary", b"\xff\xfe"), ("large", b"a" * 70000)):
            file = tmp_path / name
            file.write_bytes(content)
            with pytest.raises(ConfigurationError, match=f"--acr-federated-token-file .*{name}"):
                _opened(scene, Login(None, {**options, "acr-federated-token-file": file})).docker_login()
        with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
            _opened(scene, Login(None, {**options, "acr-federated-token-file": tmp_path / "none"})).docker_login()

    def test_all_that_a_token_file_needs_is_asked_for_at_once(self, scene: Scene, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError) as refused:
            scene.open(Login(None, {"acr-federated-token-file": tmp_path / "token"}))
        assert len(refused.value.problems) == 2
        assert "$AZURE_TENANT_ID" in refused.value.message

    def test_ids_alone_are_no_workload_identity(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        login = Login(scene.writer.docker, {"acr-client-id": "app-1", "acr-tenant-id": "t-1"})
        assert scene.open(login).inventory(scene.repository).tags


class TestPublishing(Acr):
    def test_the_first_push_makes_the_repository(self, scene: Scene, opened: AcrRegistry) -> None:
        app = image(layer("hello"))
        images.push(opened, scene.repository, app, "v1")
        assert scene.tags() == {"v1": app.digest}
        digest, content = next(iter(app.blobs.items()))
        assert opened.has_blob(scene.repository, digest)
        assert not opened.has_blob(scene.repository, Digest.of(b"never pushed"))
        with opened.blob(scene.repository, Blob(digest, len(content))) as stream:
            assert stream.read() == content


class TestDoctor(Acr):
    def test_it_reads_what_tokens_grant(self, scene: Scene, acr: AcrSimulator) -> None:
        scene.push(image(), "v1")
        acr.locked.add(scene.path)
        writer = {ability.name: ability for ability in _opened(scene).examine(scene.repository)}
        assert {name: writer[name].possible for name in ("list", "pull", "push", "delete")} == dict.fromkeys(
            ("list", "pull", "push", "delete"), True
        )
        assert writer["delete from a locked repository"].possible is False
        reader = {ability.name: ability for ability in _opened(scene, scene.reader).examine(scene.repository)}
        assert reader["push"].possible is reader["delete"].possible is False
        assert "AcrDelete" in reader["delete"].detail

    def test_it_says_why_it_cannot_look(self, scene: Scene, opened: AcrRegistry, acr: AcrSimulator) -> None:
        assert {ability.name: ability.possible for ability in opened.examine(scene.repository)}["list"] is None
        scene.push(image(), "v1")
        refused = {ability.name: ability for ability in _opened(scene, scene.stranger).examine(scene.repository)}
        assert {name: ability.possible for name, ability in refused.items()} == dict.fromkeys(refused, False)
        acr.faults.burst(200, times=9, route=TOKEN, document={"access_token": "opaque"})
        unsaid = {ability.name: ability for ability in _opened(scene).examine(scene.repository)}
        assert unsaid["delete"].possible is None
        assert "AcrDelete" in unsaid["delete"].detail


@pytest.fixture
def network_scene(registry: RunningRegistry) -> Iterator[Scene]:
    """Filled through a port of its own; who then comes by ACR's names finds the same."""
    with serving(AcrSimulator(registry.host)) as (simulator, host):
        scene = _scene(simulator, host)
        yield scene
        scene.close()


class Credential(TokenCredential):
    """A token of Entra's, as azure-identity would give it."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://containerregistry.azure.net/.default",)
        return AccessToken("sham-token-of-entra", 4_000_000_000)


class TestAcrByItsNames:
    """With TLS, in each of Azure's clouds, and on a domain of one's own."""

    @pytest.mark.parametrize("host", ["acme.azurecr.io", "images.example.com"])
    def test_a_cleanup(self, network_scene: Scene, vendor_network: NetworkFactory, tmp_path: Path, host: str) -> None:
        scene = network_scene
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(index(image(layer("stays"))), "keep")
        own = ["--images-repo-implementation", "acr"] if host == "images.example.com" else []
        done = moorage(
            vendor_network({host: scene.simulator}), tmp_path, "cleanup", "--images-repo", f"{host}/{scene.path}", *own,
            "--delete-tags", "old-*", "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_IMAGES_REPO_ACR_USERNAME=WRITER.name, MOORAGE_IMAGES_REPO_ACR_PASSWORD=WRITER.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep"}
        assert WRITER.password not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("host", "authority", "audience"),
        [
            ("acme.azurecr.io", "login.microsoftonline.com", "https://containerregistry.azure.net"),
            ("acme.azurecr.cn", "login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
            ("acme.azurecr.us", "login.microsoftonline.us", "https://management.usgovcloudapi.net"),
        ],
    )
    def test_a_workload_identity_in_each_cloud(
        self, network_scene: Scene, vendor_network: NetworkFactory, tmp_path: Path, host: str, authority: str, audience: str
    ) -> None:
        scene = network_scene
        assert isinstance(scene.simulator, AcrSimulator)
        scene.push(image(layer("leaves")), "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        entra = EntraSimulator(scene.simulator, client_id="app-1", assertion=ASSERTION, audience=audience)
        file = tmp_path / "token"
        file.write_text(ASSERTION)
        done = moorage(
            vendor_network({host: scene.simulator, authority: entra}), tmp_path, "cleanup", "--images-repo",
            f"{host}/{scene.path}", "--delete-tags", "old", "--git-history-based-cleanup=false",
            AZURE_CLIENT_ID="app-1", AZURE_TENANT_ID="t-1", AZURE_FEDERATED_TOKEN_FILE=str(file),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert scene.tags().keys() == {"keep"}
        assert ASSERTION not in done.stdout + done.stderr

    def test_azures_own_client_tells_the_same_story(self, network_scene: Scene, vendor_network: NetworkFactory) -> None:
        """azure-containerregistry (PyPI): Entra's token exchanged, tags and manifests listed, one untagged, one deleted."""
        scene = network_scene
        assert isinstance(scene.simulator, AcrSimulator)
        scene.simulator.entra_tokens["sham-token-of-entra"] = WRITER
        parent = scene.push(index(image(layer("child"))), "v1", "v2")
        other = scene.push(image(layer("other")), "v3")
        vendor_network({"acme.azurecr.io": scene.simulator})
        with ContainerRegistryClient("https://acme.azurecr.io", Credential()) as client:
            assert scene.path in list(client.list_repository_names())
            tags = {tag.name: tag.digest for tag in client.list_tag_properties(scene.path)}
            assert tags == {"v1": str(parent), "v2": str(parent), "v3": str(other)}
            manifests = {one.digest: one for one in client.list_manifest_properties(scene.path, results_per_page=2)}
            assert len(manifests) == 3
            assert manifests[str(other)].can_delete
            assert manifests[str(other)].last_updated_on is not None
            client.delete_tag(scene.path, "v1")
            client.delete_tag(scene.path, "v1")  # a 404 is success to it
            assert scene.tags().keys() == {"v2", "v3"}
            client.delete_manifest(scene.path, str(parent))
            assert scene.tags().keys() == {"v3"}
            client.delete_repository(scene.path)
        assert scene.tags() == {}
