"""JFrog Artifactory."""

from __future__ import annotations

import base64
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import artifactory  # type: ignore[import-untyped]  # ships no annotations
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
from tests.simulators.accounts import PULL, Account
from tests.simulators.jfrog import AQL, ITEM, READER, TAGS, WRITER, JFrogSimulator
from tests.simulators.serving import serving

from moorage.auth.credential import Basic, Bearer, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, Denied, ItemRefused, NotFound, Unauthorized, Unsupported
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Outcome
from moorage.registries.jfrog import VENDOR
from moorage.registries.jfrog.registry import JFrogRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.fixtures import NetworkFactory

    from moorage.registries.interface import Ability

BEHIND_A_PORT = {"jfrog-repository": "docker-local"}


@contextmanager
def _served(simulator: JFrogSimulator) -> Iterator[Scene]:
    """The repository stands in the path, or is meant by the port."""
    with serving(simulator) as (_, host):
        path = f"docker-local/team/{uuid.uuid4().hex}" if simulator.routed else f"team/{uuid.uuid4().hex}"
        scene = _scene(simulator, host, path, {} if simulator.routed else BEHIND_A_PORT)
        yield scene
        scene.close()


def _scene(simulator: JFrogSimulator, host: str, path: str, options: Mapping[str, object]) -> Scene:
    stranger = Login(Basic(WRITER.name, Secret("sham-and-wrong-secret"), "the Docker config"))
    return Scene(VENDOR, repository_at(host, path), simulator, _login(WRITER), _login(READER), stranger, options)


def _login(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the Docker config"))


def _jfrog(scene: Scene) -> JFrogSimulator:
    assert isinstance(scene.simulator, JFrogSimulator)
    return scene.simulator


def _opened(scene: Scene, login: Login | None = None) -> JFrogRegistry:
    registry = scene.open(login)
    assert isinstance(registry, JFrogRegistry)
    return registry


def _examined(scene: Scene, login: Login | None = None) -> dict[str, Ability]:
    return {ability.name: ability for ability in _opened(scene, login).examine(scene.repository)}


class TestJFrog(VendorContract):
    """The repository key in the path, and Basic."""

    abilities = Abilities(dates=Dates.VENDOR, lists_untagged=True, switches_deletion_off=False, tokens=False)

    least = Least(
        inventory=lambda tags: pages(tags, 1000) + 1,
        changing=lambda going: going,
        reading=lambda tags, going: 2 * going + pages(tags, 1000),
        why="folders go by the names of tags, so each is looked at by itself",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with _served(JFrogSimulator(registry.host, routed=True)) as scene:
            yield scene


class TestJFrogBehindAPort(VendorContract):
    """A repository that the port means, tokens on /v2, no properties, and 404 for missing rights."""

    abilities = Abilities(dates=Dates.VENDOR, lists_untagged=True, switches_deletion_off=False, tokens=True)

    least = Least(
        inventory=lambda tags: pages(tags, 1000) + 1 + tags,
        changing=lambda going: going,
        reading=lambda tags, going: going + pages(tags, 1000),
        why="where a login sees no properties, each manifest is read to know its kind",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        simulator = JFrogSimulator(registry.host)
        simulator.bearer = simulator.hides_rights = simulator.plain = simulator.lists_digests = True
        with _served(simulator) as scene:
            yield scene


class Setting:
    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with _served(JFrogSimulator(registry.host)) as scene:
            yield scene


class TestListing(Setting):
    """What an inventory of Artifactory costs, and what it makes of less than it hoped for."""

    def test_costs(self, scene: Scene) -> None:
        """One query and one list of tags, however many; two requests per deletion of one tag's image."""
        costs = measure(scene, tags=12, deletions=5)
        assert costs.inventory["POST", AQL] == 1
        assert costs.inventory["GET", TAGS] == 1
        assert costs.inventory["GET", "/v2/manifests"] == 0
        assert costs.deletion["DELETE", ITEM] == 5
        assert costs.deletion["HEAD", "/v2/manifests"] == 5
        assert costs.deletion["POST", AQL] == 0

    def test_dockers_own_manifests_are_not_read(self, scene: Scene) -> None:
        parts = [image(layer(name, docker=True), platform=f"linux/{name}", docker=True) for name in ("amd64", "arm64")]
        scene.push(index(*parts, docker=True), "multi")
        scene.push(image(layer("single", docker=True), docker=True, labels={"org.example": "yes"}), "v1", "v2")
        scene.push(image(layer("marker")), "moorage-image.app")
        scene.simulator.counts.clear()
        registry = _opened(scene)
        inventory = registry.inventory(scene.repository)
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1
        (described,) = registry.describe(inventory, [inventory.tags[Tag("v1")]])
        assert described.labels == {"org.example": "yes"}

    def test_pages_are_not_looked_for_where_artifactory_thinks_it_is(self, scene: Scene) -> None:
        """Links lead to localhost:8081, as in an Artifactory that does not know of its proxy."""
        for number in range(5):
            scene.push(image(), f"v{number}")
        scene.simulator.faults.page_size = 2
        assert len(_opened(scene).inventory(scene.repository).tags) == 5
        assert scene.simulator.counts["GET", TAGS] == 3

    def test_images_whose_names_begin_alike_are_left_out(self, scene: Scene) -> None:
        scene.push(image(layer("ours")), "v1")
        below = _scene(_jfrog(scene), scene.repository.registry.name, f"{scene.path}/below", scene.options)
        theirs = below.push(image(layer("theirs")), "v1")
        inventory = _opened(scene).inventory(scene.repository)
        assert theirs not in inventory.manifests
        assert inventory.tags.keys() == {Tag("v1")}
        below.close()

    def test_tags_that_the_query_misses_are_asked_for(self, scene: Scene) -> None:
        """500,000 rows are the most that a query gives; what is beyond is left out without a word."""
        digest = scene.push(image(), "v1", "beyond", "broken", "gone")
        _jfrog(scene).unsaid = {"beyond", "broken", "gone"}
        scene.simulator.faults.burst(412, times=1, method="HEAD")
        scene.simulator.faults.burst(404, times=1, method="HEAD")
        inventory = _opened(scene, None).inventory(scene.repository)
        assert len(inventory.tags) == 2
        assert set(inventory.tags.values()) == {digest}
        assert len(inventory.unresolved) == 1

    def test_who_may_not_query_gets_what_the_tags_lead_to(self, scene: Scene) -> None:
        puller = Account("puller", "sham-secret-of-the-puller", frozenset({PULL, "delete"}))
        scene.simulator.accounts.everybody.append(puller)
        whole = index(image(layer("part")))
        scene.push(whole, "v1", "v2")
        registry = _opened(scene, _login(puller))
        inventory = registry.inventory(scene.repository)
        assert inventory.manifests.keys() == {one.digest for one in whole.manifests()}
        assert not inventory.lists_untagged
        registry.delete_manifest(scene.repository, whole.digest)
        registry.delete_manifest(scene.repository, whole.children[0].digest)
        assert scene.tags() == {}
        assert not scene.has(whole.children[0].digest)

    def test_a_query_that_concerns_something_else_is_no_missing_right(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.faults.burst(409, times=1, route=AQL)
        with pytest.raises(ItemRefused):
            _opened(scene).inventory(scene.repository)

    def test_answers_that_cannot_be_are_contradictions(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        wrong: tuple[tuple[str, object], ...] = (
            (AQL, []),
            (AQL, {"results": [{"path": f"{scene.path}/v1"}]}),
            (AQL, {"results": [{"path": f"{scene.path}/-", "name": "manifest.json"}]}),
            (TAGS, {"tags": "v1"}),
            (TAGS, {"tags": ["-"]}),
        )
        for where, document in wrong:
            scene.simulator.faults.burst(200, times=1, route=where, document=document)
            with pytest.raises(Contradiction):
                _opened(scene).inventory(scene.repository)

    def test_an_emptied_image_has_no_tags(self, scene: Scene) -> None:
        scene.simulator.faults.burst(200, times=1, route=TAGS, document={"name": scene.path, "tags": None})
        assert _opened(scene).tag_names(scene.repository) == frozenset()

    def test_names_that_nobody_can_push_are_no_repositories(self, scene: Scene) -> None:
        registry = _opened(scene)
        document = {"repositories": ["team/app", "team/Not-A-Name", "other"]}
        scene.simulator.faults.burst(200, times=2, route="_catalog", document=document)
        assert [one.path for one in registry.repositories("team")] == ["team/app"]
        assert [one.path for one in registry.repositories()] == ["other", "team/app"]
        assert registry.repositories("Not-A-Name") == []


class TestDeleting(Setting):
    """Folders: one per tag, one per push by digest."""

    def test_a_tag_that_has_moved_on_is_not_taken_with_the_manifest(self, scene: Scene) -> None:
        digest = scene.push(image(layer("before")), "v1", "v2")
        registry = _opened(scene)
        registry.inventory(scene.repository)
        after = scene.push(image(layer("after")), "v1")
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {"v1": after}
        assert not scene.has(digest)

    def test_every_folder_goes(self, scene: Scene) -> None:
        digest = scene.push(image(layer("both ways")))
        scene.push(image(layer("both ways")), "v1", "v2")
        _opened(scene).delete_manifest(scene.repository, digest)
        assert not scene.has(digest)
        assert scene.tags() == {}

    def test_folders_that_came_later_are_found_when_those_that_were_known_are_gone(self, scene: Scene) -> None:
        digest = scene.push(image(layer("one")), "v1")
        registry = _opened(scene)
        registry.inventory(scene.repository)
        scene.push(image(layer("other")), "v1")
        scene.push(image(layer("one")), "later")
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags().keys() == {"v1"}

    def test_a_part_of_an_index_survives_its_own_last_tag(self, scene: Scene) -> None:
        """Somebody pushed the part under a tag alone; the index finds it there, and needs it still when the tag is gone."""
        part = image(layer("part"))
        scene.push(part, "part")
        content = index(part)
        docker = scene.open()
        assert isinstance(docker, JFrogRegistry)
        docker.put_manifest(scene.repository, Tag("whole"), content.content, content.media_type)
        docker.inventory(scene.repository)
        docker.delete_tag(scene.repository, Tag("part"))
        assert scene.tags().keys() == {"whole"}
        assert not scene.broken(content.digest)

    def test_two_tags_that_go_at_once_do_not_count_on_each_other(self, scene: Scene) -> None:
        digest = scene.push(image(layer("kept")), "v1", "v2")
        registry = _opened(scene)
        registry.inventory(scene.repository)
        for tag in ("v1", "v2"):
            registry.delete_tag(scene.repository, Tag(tag))
        assert scene.tags() == {}
        assert scene.has(digest)

    def test_a_deletion_that_is_refused_leaves_what_is_known_as_it_was(self, scene: Scene) -> None:
        digest = scene.push(image(layer("kept")), "v1", "v2")
        registry = _opened(scene)
        registry.inventory(scene.repository)
        scene.simulator.faults.burst(403, times=1, method="DELETE")
        with pytest.raises(Denied):
            registry.delete_tag(scene.repository, Tag("v1"))
        scene.simulator.counts.clear()
        registry.delete_tag(scene.repository, Tag("v2"))
        assert scene.simulator.counts["PUT", "/v2/manifests"] == 0
        assert scene.tags() == {"v1": digest}

    def test_a_404_for_missing_rights_is_not_taken_for_gone(self, scene: Scene, tmp_path: Path) -> None:
        """Where Artifactory hides what somebody may not touch."""
        _jfrog(scene).hides_rights = True
        stray = scene.push(image(layer("untagged")))
        scene.push(image(layer("tagged")), "old-1", "old-2", age=MONTH)
        registry = _opened(scene, scene.reader)
        with pytest.raises(Denied, match="is still there") as refused:
            registry.delete_tag(scene.repository, Tag("old-1"))
        assert f"Delete/Overwrite on docker-local/{scene.path}/**" in refused.value.remedy
        with pytest.raises(Denied, match="is still there"):
            registry.delete_manifest(scene.repository, stray)
        run = clean(scene, policy("old*"), tmp_path, registry)
        assert run.halted is not None
        assert Outcome.DELETED not in outcomes(run).values()

    def test_what_somebody_else_deleted_meanwhile_is_gone(self, registry: RunningRegistry) -> None:
        class Faster(JFrogSimulator):
            def answer(self, request: Request) -> Reply:
                reply = super().answer(request)
                return Reply(404) if request.method == "DELETE" and reply.status == 204 else reply

        with _served(Faster(registry.host)) as scene:
            digest = scene.push(image(layer("tagged")), "v1", "v2")
            opened = _opened(scene)
            opened.inventory(scene.repository)
            with pytest.raises(NotFound, match="v1 is not there"):
                opened.delete_tag(scene.repository, Tag("v1"))
            with pytest.raises(NotFound):
                opened.delete_manifest(scene.repository, digest)
            assert scene.tags() == {}

    def test_a_deletion_whose_answer_was_lost_is_done(self, registry: RunningRegistry) -> None:
        class Hiccup(JFrogSimulator):
            def answer(self, request: Request) -> Reply:
                reply = super().answer(request)
                return Reply(502) if request.method == "DELETE" and reply.status == 204 else reply

        with _served(Hiccup(registry.host)) as scene:
            scene.push(image(layer("tagged")), "v1", "v2")
            _opened(scene).delete_tag(scene.repository, Tag("v1"))
            assert scene.tags().keys() == {"v2"}

    @pytest.mark.parametrize("kind", ["VIRTUAL", "REMOTE"])
    def test_virtual_and_remote_repositories_delete_nothing(self, scene: Scene, kind: str) -> None:
        digest = scene.push(image(), "v1", "v2")
        _jfrog(scene).type = kind
        registry = _opened(scene)
        before = scene.changes()
        assert kind.lower() in registry.cannot_untag(scene.repository)
        with pytest.raises(Unsupported) as refused:
            registry.delete_tag(scene.repository, Tag("v1"))
        assert "local repository" in refused.value.remedy
        with pytest.raises(Unsupported):
            registry.delete_manifest(scene.repository, digest)
        assert scene.changes() == before

    def test_a_405_says_the_same_where_the_kind_is_not_shown(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = _opened(scene)
        scene.simulator.faults.burst(403, times=1, route="/api/repositories")
        registry.inventory(scene.repository)
        scene.simulator.faults.burst(405, times=1, method="DELETE")
        with pytest.raises(Unsupported) as refused:
            registry.delete_manifest(scene.repository, digest)
        assert "local repository" in refused.value.remedy


class TestAddressesAndLogins(Setting):
    def test_the_wrong_address_is_told_from_a_wrong_key(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        wrong = {"jfrog-repository": "docker-locale"}
        with pytest.raises(Unsupported, match="no repository docker-locale"):
            _opened(scene, Login(scene.writer.docker, wrong)).inventory(scene.repository)
        with pytest.raises(Unsupported, match="holds maven"):
            _opened(scene, Login(scene.writer.docker, {"jfrog-repository": "libs-release"})).inventory(scene.repository)
        elsewhere = {"jfrog-api-url": f"http://{scene.repository.registry}/elsewhere"}
        with pytest.raises(Unsupported, match="no Artifactory answers") as refused:
            _opened(scene, Login(scene.writer.docker, elsewhere)).inventory(scene.repository)
        assert "--jfrog-api-url" in refused.value.remedy
        scene.simulator.forgive("is no route of this simulator")
        scene.simulator.faults.burst(404, times=1, route=AQL)
        with pytest.raises(Unsupported, match="no Artifactory answers"):
            _opened(scene).inventory(scene.repository)

    def test_an_address_that_does_not_say_the_key_asks_for_it(self, scene: Scene) -> None:
        alone = repository_at(scene.repository.registry.name, "app")
        with pytest.raises(ConfigurationError, match="does not say which repository") as refused:
            _opened(scene, Login(scene.writer.docker, {"jfrog-repository": ""})).inventory(alone)
        assert "--jfrog-repository" in refused.value.remedy

    def test_the_api_may_be_elsewhere(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        for url in (f"http://{scene.repository.registry}", f"http://{scene.repository.registry}/artifactory"):
            registry = _opened(scene, Login(scene.writer.docker, {"jfrog-api-url": url}))
            assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}

    @pytest.mark.parametrize("bearer", [False, True])
    def test_an_access_token_names_its_user_for_docker(self, scene: Scene, bearer: bool) -> None:
        """/v2 takes it as a password, and Artifactory's own API as it is."""
        _jfrog(scene).bearer = bearer
        token = _access_token("jfac@01/users/machine")
        scene.simulator.accounts.everybody.append(Account("machine", token, WRITER.rights))
        scene.push(image(), "v1")
        registry = _opened(scene, Login(scene.stranger.docker, {"jfrog-token": Secret(token)}))
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {}
        assert registry.docker_login() == Basic("machine", Secret(token), "--images-repo-jfrog-token")

    def test_a_reference_token_goes_along_with_dockers_login(self, scene: Scene) -> None:
        token = "sham-reference-token"
        scene.simulator.accounts.everybody.append(Account("nobody", token, WRITER.rights))
        scene.push(image(), "v1", "v2")
        for login in (scene.reader.docker, None):
            _jfrog(scene).bearer = login is None
            registry = _opened(scene, Login(login, {"jfrog-token": Secret(token)}))
            assert registry.inventory(scene.repository).tags
            assert registry.docker_login() is None
        for other in (IdentityToken(Secret("sham-identity-token"), "a helper"), None):
            _jfrog(scene).bearer = True
            registry = _opened(scene, Login(other, {"jfrog-token": Secret(token)}))
            registry.delete_tag(scene.repository, next(iter(registry.tag_names(scene.repository))))
        assert scene.tags() == {}

    def test_a_ready_token_of_docker_serves_both(self, scene: Scene) -> None:
        token = "sham-registry-token"
        scene.simulator.accounts.everybody.append(Account("nobody", token, WRITER.rights))
        scene.push(image(), "v1")
        _jfrog(scene).bearer = True
        registry = _opened(scene, Login(Bearer(Secret(token), "the Docker config")))
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}

    def test_a_token_of_another_kind_is_no_login_for_artifactory(self, scene: Scene) -> None:
        registry = _opened(scene, Login(IdentityToken(Secret("sham-identity-token"), "docker-credential-oidc")))
        with pytest.raises(ConfigurationError, match="docker-credential-oidc holds neither") as refused:
            registry.tag_names(scene.repository)
        assert "--images-repo-jfrog-token" in refused.value.remedy

    def test_nobody_is_told_to_log_in(self, scene: Scene) -> None:
        with pytest.raises(Unauthorized, match="no credentials") as refused:
            _opened(scene, Login()).tag_names(scene.repository)
        assert "--images-repo-jfrog-token" in refused.value.remedy

    def test_an_image_is_published_and_shares_blobs_with_another(self, scene: Scene) -> None:
        registry = _opened(scene)
        both = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        for path in (scene.repository, repository_at(scene.repository.registry.name, f"{scene.path}/deeper")):
            push(registry, path, both, "v1")
            assert registry.resolve(path, Tag("v1")) == both.digest
        assert registry.manifest(scene.repository, both.digest) == (both.content, both.media_type)
        digest, content = next(iter(both.children[0].blobs.items()))
        assert registry.has_blob(scene.repository, digest)
        assert not registry.has_blob(scene.repository, Digest.of(b"never pushed"))
        with registry.blob(scene.repository, Blob(digest, len(content))) as stream:
            assert stream.read() == content


class TestDoctor(Setting):
    def test_it_says_what_artifactory_says(self, scene: Scene) -> None:
        assert _examined(scene)["list"].possible is None
        scene.push(image(), "v1")
        found = _examined(scene)
        assert found["server"].detail == "Artifactory 7.98.9"
        assert found["list"].possible is True
        assert found["query (AQL)"].possible is True
        assert f"Delete/Overwrite on docker-local/{scene.path}/**" in found["delete"].detail
        _jfrog(scene).type = "REMOTE"
        assert _examined(scene)["delete"].possible is False

    def test_it_says_what_is_missing(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        puller = Account("puller", "sham-secret-of-the-puller", frozenset({PULL}))
        scene.simulator.accounts.everybody.append(puller)
        found = _examined(scene, _login(puller))
        assert found["query (AQL)"].possible is False
        assert "Grant Read on" in found["query (AQL)"].detail
        scene.simulator.faults.burst(403, times=1, route="/api/system/version")
        assert _examined(scene)["server"].possible is None
        scene.simulator.faults.burst(200, times=1, route="/api/system/version", document=[])
        assert _examined(scene)["server"].possible is None

    def test_it_says_that_nobody_answers(self, scene: Scene) -> None:
        elsewhere = {"jfrog-api-url": f"http://{scene.repository.registry}/elsewhere"}
        found = _examined(scene, Login(scene.writer.docker, elsewhere))
        assert {found[name].possible for name in ("server", "list", "delete")} == {False}
        assert "--jfrog-api-url" in found["list"].detail
        scene.simulator.forgive("is no route of this simulator")

    def test_a_listing_that_cannot_be_is_said(self, scene: Scene) -> None:
        scene.simulator.faults.burst(200, times=1, route="/api/repositories", document={})
        assert _examined(scene)["list"].possible is False


class TestJFrogByItsNames:
    """The command as a user runs it, with TLS, and each of the ways in which a host leads to a repository."""

    def test_a_cleanup_at_acme_jfrog_io(self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path) -> None:
        simulator = JFrogSimulator(registry.host, routed=True)
        network = vendor_network({"acme.jfrog.io": simulator})
        scene = _scene(simulator, "acme.jfrog.io", f"docker-local/{uuid.uuid4().hex}", {})
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        kept = image(layer("stays"))
        scene.push(kept, "keep")
        scene.push(artifact(kept), "keep-sbom")
        token = _access_token("jfrt@01/users/machine")
        simulator.accounts.everybody.append(Account("machine", token, WRITER.rights))
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"acme.jfrog.io/{scene.path}", "--delete-tags", "old-*",
            "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_IMAGES_REPO_JFROG_TOKEN=token,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep", "keep-sbom"}
        assert token not in done.stdout + done.stderr
        scene.close()

    @pytest.mark.parametrize("host", ["acme-docker-local.jfrog.io", "docker-local.example.com"])
    def test_a_name_of_its_own_for_the_repository(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, host: str
    ) -> None:
        simulator = JFrogSimulator(registry.host)
        vendor_network({host: simulator})
        scene = _scene(simulator, host, f"team/{uuid.uuid4().hex}", BEHIND_A_PORT)
        digest = scene.push(image(), "v1")
        opened = _opened(scene)
        assert opened.inventory(scene.repository).tags == {Tag("v1"): digest}
        opened.delete_manifest(scene.repository, digest)
        assert not scene.has(digest)
        scene.close()


class TestAnotherClient(Setting):
    def test_it_tells_the_same_story(self, scene: Scene) -> None:
        """dohq-artifactory (PyPI): a query, and folders that go."""
        digest = scene.push(index(image(layer("child"))), "v1", "v2")
        root = artifactory.ArtifactoryPath(f"http://{scene.repository.registry}/artifactory", auth=(WRITER.name, WRITER.password))
        criteria = {"repo": "docker-local", "path": {"$match": f"{scene.path}/*"}, "name": "list.manifest.json"}
        found = root.aql("items.find", criteria, ".include", ["repo", "path", "name", "sha256"])
        assert {item["path"].rpartition("/")[2] for item in found} == {"v1", "v2"}
        assert {item["sha256"] for item in found} == {digest.hex}
        (root / "docker-local" / scene.path / "v1").unlink()
        assert scene.tags() == {"v2": digest}
        assert not (root / "docker-local" / scene.path / "v1").exists()
        scene.simulator.forgive("a body of no type is not known")  # it sends queries without a Content-Type


def _access_token(subject: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode().rstrip("=")
    return f"sham-header.{claims}.sham-signature"
