"""Quay: with an OAuth token, as a robot, and as a robot of a Quay from before 2024-08."""

from __future__ import annotations

import io
import json
import subprocess
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import quayio_sdk
from quayio_sdk.rest import ApiException
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.cleaning import MONTH, WEEK, clean, outcomes, policy
from tests.contract.command import moorage
from tests.contract.deletion import DeletionPromises
from tests.contract.least import Least, looks, pages
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.stories import CleanupStories
from tests.contract.suite import VendorContract
from tests.images import artifact, image, index, layer, push
from tests.simulators.quay import TAG, TAGS, QuaySimulator
from tests.simulators.quay_tokens import READER, READING_ROBOT, ROBOT, WRITER
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, Unauthorized, Unsupported
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.claims import Claims
from moorage.policy.plan import Kind, Outcome
from moorage.policy.reason import Code, Reason
from moorage.registries.default import VENDOR as DEFAULT
from moorage.registries.interface import Ability, Examiner, RepositoryDeleter, RepositoryLister, TagDeleter, Writer
from moorage.registries.quay import VENDOR
from moorage.registries.quay.registry import QuayRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account
    from tests.simulators.fixtures import NetworkFactory


class QuayOfRobots(QuaySimulator):
    members = (ROBOT, READING_ROBOT)
    disables_pushes = True


class OldQuay(QuayOfRobots):
    """Before 2024-08: /v2 deletes by digest alone, and there are no referrers."""

    deletes_tags = False
    lists_referrers = False


def _docker(account: Account) -> Basic:
    return Basic(account.name, Secret(account.password), "the Docker config")


def _by_token(simulator: QuaySimulator, host: str) -> Scene:
    """The token is an option; docker has it too, as pushes are its part."""
    writer, reader = (Login(_docker(one), {"quay-token": Secret(one.password)}) for one in (WRITER, READER))
    stranger = Login(None, {"quay-token": Secret("sham-and-wrong-token")})
    return Scene(VENDOR, repository_at(host, f"acme/{uuid.uuid4().hex}"), simulator, writer, reader, stranger)


def _by_robot(simulator: QuaySimulator, host: str) -> Scene:
    stranger = Login(Basic(ROBOT.name, Secret("SHAMANDWRONGROBOTTOKEN"), "the Docker config"))
    repository = repository_at(host, f"acme/{uuid.uuid4().hex}")
    return Scene(VENDOR, repository, simulator, Login(_docker(ROBOT)), Login(_docker(READING_ROBOT)), stranger)


class TestQuayByToken(VendorContract):
    abilities = Abilities(
        dates=Dates.VENDOR,
        locks=True,
        takes_children=True,
        deletes_untagged=False,
        deletes_repositories=Emptying.EMPTY,
        dates_repositories=False,
        switches_deletion_off=False,
        finds_tags=True,
    )

    least = Least(
        inventory=lambda tags: pages(tags, 100),
        changing=lambda going: going,
        reading=lambda tags, going: going + looks(tags, going, 100) + pages(tags - going, 100),
        why="no call deletes several; what goes is read, since no list says what belongs to what",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(QuaySimulator(registry.host)) as (simulator, host):
            scene = _by_token(simulator, host)
            yield scene
            scene.close()


class TestQuayByRobot(VendorContract):
    abilities = Abilities(locks=True, takes_children=True, deletes_untagged=False)

    least = Least(
        inventory=lambda tags: pages(tags, 100) + tags,
        changing=lambda going: going,
        reading=lambda tags, going: going + pages(tags - going, 100),
        why="robots may not use the API; /v2 lists names alone, and says digests tag by tag",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(QuayOfRobots(registry.host)) as (simulator, host):
            scene = _by_robot(simulator, host)
            yield scene
            scene.close()

    def test_a_repository_that_is_not_there_is_not_found(self, scene: Scene) -> None:
        """Quay hides from robots what they may not read, and what is not there: the listing names both, publishing goes on."""
        scene.push(image(), "v1")
        registry = scene.open()
        nowhere = Repository(scene.repository.registry, f"{scene.path}-that-nobody-made")
        with pytest.raises(Denied, match="do not grant"):
            registry.inventory(nowhere)
        with pytest.raises(NotFound, match="is not there, or must not be seen"):
            registry.resolve(nowhere, Tag("v1"))
        assert registry.tag_names(nowhere) == frozenset()
        assert nowhere.path not in scene.simulator.shelves


class TestOldQuay(DeletionPromises, CleanupStories):
    """What may be deleted where only digests can be; everything else is as for other robots."""

    abilities = Abilities(locks=True, takes_children=True, deletes_untagged=False, untags=False)

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(OldQuay(registry.host)) as (simulator, host):
            scene = _by_robot(simulator, host)
            yield scene
            scene.close()

    def test_what_to_do_about_it_is_said(self, scene: Scene) -> None:
        scene.push(image(), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, TagDeleter)
        assert "--images-repo-quay-token" in registry.cannot_untag(scene.repository)
        with pytest.raises(Unsupported) as refused:
            registry.delete_tag(scene.repository, Tag("v1"))
        assert "--images-repo-quay-token" in refused.value.remedy
        assert scene.simulator.counts["OPTIONS", "/v2/manifests"] == 1

    def test_where_nobody_says_what_is_allowed_the_first_attempt_tells(self, scene: Scene) -> None:
        scene.push(image(), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, TagDeleter)
        scene.simulator.faults.burst(403, times=1, method="OPTIONS")
        assert registry.cannot_untag(scene.repository) == ""
        with pytest.raises(Unsupported, match="older than 2024-08"):
            registry.delete_tag(scene.repository, Tag("v1"))
        assert registry.cannot_untag(scene.repository)
        assert scene.tags().keys() == {"v1", "v2"}


class TestQuaysWays:
    """What only Quay does, seen with an OAuth token."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(QuaySimulator(registry.host)) as (simulator, host):
            scene = _by_token(simulator, host)
            yield scene
            scene.close()

    def test_a_listing_costs_a_page_per_hundred_tags_and_one_manifest_per_index(self, scene: Scene) -> None:
        for number in range(12):
            scene.push(image(layer(f"{number}")), f"v{number}", f"again-{number}")
        scene.push(index(image(layer("amd")), image(layer("arm"), platform="linux/arm64")), "index")
        scene.simulator.faults.page_size = 10
        scene.simulator.counts.clear()
        assert len(scene.open().inventory(scene.repository).tags) == 25
        assert scene.simulator.counts["GET", TAGS] == 3
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1
        assert scene.simulator.counts["GET", "/v2/tags"] == 0

    def test_an_image_with_many_tags_goes_in_one_request(self, scene: Scene) -> None:
        digest = scene.push(image(layer("many")), *(f"v{number}" for number in range(5)))
        scene.open().delete_manifest(scene.repository, digest)
        assert scene.tags() == {}
        assert sum(scene.simulator.counts[key] for key in scene.simulator.counts if key[0] == "DELETE") == 1

    def test_one_tag_goes_by_the_api(self, scene: Scene) -> None:
        digest = scene.push(image(layer("two")), "v1", "v2")
        _untag(scene, "v1")
        assert scene.tags() == {"v2": digest}
        assert scene.simulator.counts["DELETE", TAG] == 1

    def test_each_tag_is_as_old_as_its_own_push(self, scene: Scene, tmp_path: Path) -> None:
        both = image(layer("both"))
        scene.push(both, "old", age=MONTH)
        scene.push(both, "fresh")
        run = clean(scene, policy(older_than=WEEK), tmp_path)
        assert outcomes(run) == {"old": Outcome.DELETED}
        assert scene.tags() == {"fresh": both.digest}

    def test_immutable_tags_are_known_before_anything_is_planned(self, scene: Scene) -> None:
        digest = scene.push(image(layer("one")), "v1", "v2")
        scene.simulator.lock(scene.path, "v1")
        registry = scene.open()
        assert Tag("v1") in registry.inventory(scene.repository).locked_tags
        with pytest.raises(ItemRefused) as refused:
            registry.delete_manifest(scene.repository, digest)
        assert "immutable" in refused.value.remedy
        with pytest.raises(ItemRefused) as refused:
            _untag(scene, "v1")
        assert "immutable" in refused.value.remedy

    def test_parts_that_went_with_their_index_count_as_deleted(self, scene: Scene, tmp_path: Path) -> None:
        """Although Quay hands out for five minutes what was read right before, for the journal."""
        assert isinstance(scene.simulator, QuaySimulator)
        scene.simulator.remembers = True
        parent = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        scene.push(parent, "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        run = clean(scene, policy("old"), tmp_path)
        assert set(outcomes(run, Kind.MANIFEST)) == {str(one.digest) for one in parent.manifests()}
        assert set(outcomes(run, Kind.MANIFEST).values()) == {Outcome.DELETED}

    def test_an_index_keeps_its_tag_while_a_part_is_in_use(self, scene: Scene, tmp_path: Path) -> None:
        used = image(layer("used"), platform="linux/arm64")
        parent = index(used, image(layer("other")))
        scene.push(parent, "old-index", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        claims = Claims(keep_digests={used.digest: (Reason(Code.IN_USE, "runs in production"),)})
        assert clean(scene, policy("old*"), tmp_path, claims=claims).outcomes == {}
        assert scene.tags()["old-index"] == parent.digest

    def test_an_image_goes_though_its_sbom_keeps_a_tag(self, scene: Scene, tmp_path: Path) -> None:
        subject = image(layer("subject"))
        scene.push(subject, "old", age=MONTH)
        sbom = scene.push(artifact(subject), "keep-sbom", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        run = clean(scene, policy("old*"), tmp_path)
        assert outcomes(run) == {"old": Outcome.DELETED}
        assert scene.tags()["keep-sbom"] == sbom
        assert not scene.has(subject.digest)

    def test_a_listing_that_promises_more_and_gives_nothing_is_no_listing(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.faults.burst(200, times=1, route="/tag/", document={"tags": [], "page": 1, "has_additional": True})
        with pytest.raises(Contradiction, match="promised more"):
            scene.open().inventory(scene.repository)

    def test_a_mirror_takes_no_deletions_and_is_not_asked_again(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1", "v2")
        assert isinstance(scene.simulator, QuaySimulator)
        scene.simulator.mirrors.add(scene.path)
        with pytest.raises(Unsupported) as refused:
            _untag(scene, "v1")
        assert "mirror" in refused.value.remedy
        assert scene.simulator.counts["DELETE", TAG] == 1
        assert scene.tags() == {"v1": digest, "v2": digest}

    def test_a_busy_api_is_asked_again(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1", "v2")
        scene.simulator.faults.burst(503, times=2, method="DELETE")
        _untag(scene, "v1")
        assert scene.tags() == {"v2": digest}

    def test_a_tag_that_is_gone_at_the_second_attempt_went_with_the_first(self, scene: Scene) -> None:
        scene.push(image(), "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, TagDeleter)
        scene.simulator.faults.burst(500, times=1, method="DELETE")
        scene.simulator.faults.burst(404, times=1, method="DELETE")
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.simulator.counts["DELETE", TAG] == 2

    def test_the_time_machine_brings_back_what_went(self, scene: Scene) -> None:
        parent = index(image(layer("one")), image(layer("two"), platform="linux/arm64"))
        digest = scene.push(parent, "v1", "v2")
        registry = scene.open()
        assert isinstance(registry, QuayRegistry)
        stored = registry.inventory(scene.repository).manifests[digest]
        registry.delete_manifest(scene.repository, digest)
        assert scene.broken(digest)
        other = scene.push(image(layer("pushed since")), "v2")
        registry.restore(scene.repository, digest, stored.vendor_id, (Tag("v1"), Tag("v2")))
        assert scene.tags() == {"v1": digest, "v2": other}
        assert not scene.broken(digest)

    def test_what_the_time_machine_has_let_go_of_is_not_found(self, scene: Scene) -> None:
        digest = scene.push(image(layer("gone")), "v1")
        scene.push(image(layer("stays")), "v2")
        registry = scene.open()
        assert isinstance(registry, QuayRegistry)
        registry.delete_manifest(scene.repository, digest)
        assert isinstance(scene.simulator, QuaySimulator)
        scene.simulator.buried.clear()
        with pytest.raises(NotFound):
            registry.restore(scene.repository, digest, digest.text, (Tag("v1"),))
        with pytest.raises(ItemRefused, match="point elsewhere"):
            registry.restore(scene.repository, digest, digest.text, (Tag("v2"),))

    def test_an_empty_repository_can_be_deleted_and_no_other(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = scene.open()
        assert isinstance(registry, RepositoryDeleter)
        with pytest.raises(ItemRefused, match="not empty"):
            registry.delete_repository(scene.repository)
        registry.delete_manifest(scene.repository, digest)
        registry.delete_repository(scene.repository)
        assert scene.path not in scene.simulator.shelves

    def test_a_token_that_docker_has_serves_as_well(self, scene: Scene) -> None:
        scene.push(image(layer("one")), "v1")
        scene.simulator.lock(scene.path, "v1")
        assert scene.open(Login(_docker(WRITER))).inventory(scene.repository).locked_tags

    def test_docker_logs_in_with_the_token_of_the_options(self, scene: Scene) -> None:
        registry = scene.open(Login(None, {"quay-token": Secret(WRITER.password)}))
        assert isinstance(registry, QuayRegistry)
        login = registry.docker_login()
        assert login is not None
        assert (login.username, login.password.reveal()) == ("$oauthtoken", WRITER.password)

    def test_a_token_without_the_scope_says_which_one_is_needed(self, scene: Scene) -> None:
        scene.push(image(), "v1", "v2")
        with pytest.raises(Denied) as refused:
            _untag(scene, "v1", scene.reader)
        assert "repo:write" in refused.value.remedy

    def test_the_token_of_a_robot_is_no_token_for_the_api(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Unauthorized) as refused:
            scene.open(Login(None, {"quay-token": Secret(ROBOT.password)})).inventory(scene.repository)
        assert "robot" in refused.value.remedy
        assert "OAuth" in refused.value.remedy

    def test_the_api_may_have_another_address(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        elsewhere = f"http://{scene.repository.registry}/api/v1"
        for url in (elsewhere, elsewhere.removesuffix("/api/v1")):
            login = Login(scene.writer.docker, {**scene.writer.options, "quay-api-url": url})
            assert scene.open(login).inventory(scene.repository).tags.keys() == {Tag("v1")}

    def test_the_doctor_tells_scopes_apart(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        found = _examined(scene, scene.reader)
        assert found["pull"].possible is True
        assert found["push"].possible is False
        assert "repo:write" in found["delete"].detail
        assert "repo:admin" in found["delete repository"].detail
        assert {name: ability.possible for name, ability in _examined(scene, scene.writer).items()} == dict.fromkeys(found, True)

    def test_the_doctor_says_why_nobody_may_write(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        assert isinstance(scene.simulator, QuaySimulator)
        scene.simulator.mirrors.add(scene.path)
        assert "MIRROR" in _examined(scene, scene.writer)["delete"].detail
        scene.simulator.faults.burst(403, times=1, route="{namespace}/{name}", method="GET")
        assert _examined(scene, scene.writer)["delete"].possible is None

    def test_the_doctor_makes_no_repository(self, scene: Scene) -> None:
        found = _examined(scene, scene.writer)
        assert found["list"].possible is None
        assert scene.path not in scene.simulator.shelves

    def test_quays_own_client_tells_the_same_story(self, scene: Scene) -> None:
        """quayio-sdk (PyPI) is generated from what Quay serves at /api/v1/discovery."""
        kept = scene.push(image(layer("kept")), "v1", "v2")
        scene.push(image(layer("other")), "v3")
        configuration = quayio_sdk.Configuration()
        configuration.host = f"http://{scene.repository.registry}"
        configuration.safe_chars_for_path_param = "/"
        configuration.access_token = WRITER.password
        client = quayio_sdk.ApiClient(configuration)
        tags = quayio_sdk.TagApi(client)
        tags.list_repo_tags(scene.path, limit=100, page=1, only_active_tags=True)
        listed = json.loads(client.last_response.data)
        assert {tag["name"]: tag["manifest_digest"] for tag in listed["tags"]}.keys() == {"v1", "v2", "v3"}
        tags.delete_full_tag(scene.path, "v1")
        with pytest.raises(ApiException) as refused:
            tags.delete_full_tag(scene.path, "v1")
        assert refused.value.status == 404
        tags.restore_tag(scene.path, "v1", body={"manifest_digest": str(kept)})
        assert scene.tags()["v1"] == kept
        # Flask takes Python's spelling of true, and passes over bodies that nobody asked for.
        scene.simulator.forgive("'True' is not of type 'boolean'")
        scene.simulator.forgive("a body was sent where none is known")


class TestRobotsWays:
    """What Quay gives to whoever has no OAuth token."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(QuayOfRobots(registry.host)) as (simulator, host):
            scene = _by_robot(simulator, host)
            yield scene
            scene.close()

    def test_no_scope_is_asked_for_that_quay_does_not_know(self, scene: Scene, tmp_path: Path) -> None:
        """`delete` in a scope is a 400; the simulator answers so."""
        scene.push(image(layer("1")), "old-1", "keep-1")
        scene.push(image(layer("2")), "old-2")
        run = clean(scene, policy("old*"), tmp_path)
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert {key[1] for key in scene.simulator.counts if key[1].startswith("/api/")} == set()

    def test_the_plain_api_serves_as_well(self, scene: Scene, tmp_path: Path) -> None:
        """For the nested names of a self-hosted Quay: the implementation `default` gives in where its scope is refused."""
        scene.push(image(layer("1")), "old-1", "keep-1")
        scene.push(image(layer("2")), "old-2")
        plain = replace(scene, vendor=DEFAULT)
        run = clean(plain, policy("old*"), tmp_path, plain.open())
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep-1"}

    def test_publishing_makes_the_repository(self, scene: Scene) -> None:
        one = image(layer("new"))
        registry = scene.open()
        assert isinstance(registry, Writer)
        assert registry.tag_names(scene.repository) == frozenset()
        push(registry, scene.repository, one, "v1")
        assert registry.resolve(scene.repository, Tag("v1")) == one.digest

    def test_a_blob_that_was_seen_elsewhere_is_mounted(self, scene: Scene) -> None:
        one = image(layer("shared"))
        digest, content = next(iter(one.all_blobs().items()))
        registry = scene.open()
        assert isinstance(registry, Writer)
        other = repository_at(scene.repository.registry.name, f"{scene.path}-other")
        assert not registry.has_blob(scene.repository, digest)
        registry.put_blob(scene.repository, Blob(digest, len(content)), lambda: io.BytesIO(content))
        assert registry.has_blob(scene.repository, digest)
        scene.simulator.counts.clear()
        registry.put_blob(other, Blob(digest, len(content)), lambda: io.BytesIO(content))
        assert scene.simulator.counts["PUT", "/v2/blobs"] == 0
        assert registry.has_blob(other, digest)

    def test_repositories_that_no_client_can_name_are_passed_over(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.shelf("ACME/Upper_Case")
        registry = scene.open()
        assert isinstance(registry, RepositoryLister)
        assert registry.repositories() == [scene.repository]

    def test_a_part_that_another_index_holds_is_still_there(self, scene: Scene) -> None:
        shared = image(layer("shared"))
        leaves, stays = index(shared, image(layer("one"))), index(shared, image(layer("two")))
        scene.push(leaves, "leaves")
        scene.push(stays, "stays")
        registry = scene.open()
        registry.inventory(scene.repository)
        registry.delete_manifest(scene.repository, leaves.digest)
        assert registry.resolve(scene.repository, shared.digest) == shared.digest

    def test_rights_that_are_lost_on_the_way_are_no_absence(self, scene: Scene) -> None:
        """Quay then answers as for what is not there; what this run has seen does not count as gone."""
        scene.push(image(), "v1")
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.simulator.accounts.everybody[0] = replace(ROBOT, rights=frozenset())
        scene.simulator.expire_tokens()
        with pytest.raises(Denied):
            registry.resolve(scene.repository, Tag("v1"))
        with pytest.raises(Denied):
            registry.tag_names(scene.repository)

    def test_repositories_and_history_need_a_token(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = scene.open()
        assert isinstance(registry, QuayRegistry)
        with pytest.raises(Unsupported) as refused:
            registry.delete_repository(scene.repository)
        assert "repo:admin" in refused.value.remedy
        with pytest.raises(Unsupported, match="time machine"):
            registry.restore(scene.repository, digest, "", (Tag("v1"),))

    def test_the_doctor_reads_what_the_token_grants(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        found = _examined(scene, scene.reader)
        assert found["delete"].possible is False
        assert "Write" in found["delete"].detail
        assert found["api"].possible is None
        assert _examined(scene, scene.stranger)["list"].possible is False
        assert _examined(scene, scene.writer)["delete"].possible is True

    def test_another_client_reads_the_same(self, scene: Scene, skopeo: Path, tmp_path: Path) -> None:
        digest = scene.push(image(layer("one")), "v1")
        scene.push(image(layer("two")), "v2")
        place = f"docker://{scene.repository.registry}/{scene.path}"
        credentials = ["--tls-verify=false", "--creds", f"{ROBOT.name}:{ROBOT.password}"]

        def run(command: str, *arguments: str) -> bytes:
            argv = [str(skopeo), "--insecure-policy", "--tmpdir", str(tmp_path), command, *credentials, *arguments]
            return subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout

        assert json.loads(run("list-tags", place))["Tags"] == ["v1", "v2"]
        assert Digest.of(run("inspect", "--raw", f"{place}:v1")) == digest


class TestQuayByItsName:
    """The command as a user runs it, with TLS and under quay.io's own name."""

    @pytest.mark.parametrize("by_token", [True, False])
    def test_a_cleanup_at_quay_io(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path, by_token: bool
    ) -> None:
        simulator = QuaySimulator(registry.host) if by_token else QuayOfRobots(registry.host)
        network = vendor_network({"quay.io": simulator})
        scene = _by_token(simulator, "quay.io") if by_token else _by_robot(simulator, "quay.io")
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        secret = WRITER.password if by_token else ROBOT.password
        login = (
            {"MOORAGE_IMAGES_REPO_QUAY_TOKEN": secret}
            if by_token
            else {"MOORAGE_USERNAME": ROBOT.name, "MOORAGE_PASSWORD": secret}
        )
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"quay.io/{scene.path}", "--delete-tags", "old-*",
            "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json", **login,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep"}
        assert secret not in done.stdout + done.stderr
        scene.close()


def _examined(scene: Scene, login: Login) -> dict[str, Ability]:
    registry = scene.open(login)
    assert isinstance(registry, Examiner)
    return {ability.name: ability for ability in registry.examine(scene.repository)}


def _untag(scene: Scene, name: str, login: Login | None = None) -> None:
    registry = scene.open(login)
    assert isinstance(registry, TagDeleter)
    registry.delete_tag(scene.repository, Tag(name))
