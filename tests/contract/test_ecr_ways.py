"""What only AWS ECR does: last tags, parts of indexes, failures in good answers, archives, AWS's credentials."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.contract.cleaning import MONTH, clean, complaints, outcomes, plan_of, policy
from tests.contract.costs import costs
from tests.contract.ecr_scenes import AwsLogin, EcrScene, private_scene
from tests.contract.scene import Login
from tests.images import artifact, image, index, layer
from tests.simulators.accounts import Account
from tests.simulators.ecr import FOREIGNER, WRITER, EcrSimulator
from tests.simulators.memory import Held

from moorage.auth.credential import Basic
from moorage.errors import (
    ConfigurationError,
    Denied,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from moorage.oci import media_type
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.plan import Kind, Outcome
from moorage.registries.ecr.registry import EcrRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from tests.realparts.registry import RunningRegistry

DELETIONS = ("POST", "BatchDeleteImage")


@pytest.fixture
def scene(registry: RunningRegistry) -> Iterator[EcrScene]:
    with private_scene(registry.host) as scene:
        yield scene


def ecr(scene: EcrScene, login: Login | None = None, **changes: Any) -> EcrRegistry:
    registry = scene.open(login, **changes)
    assert isinstance(registry, EcrRegistry)
    return registry


def simulator(scene: EcrScene) -> EcrSimulator:
    assert isinstance(scene.simulator, EcrSimulator)
    return scene.simulator


def stock(scene: EcrScene, count: int) -> list[Digest]:
    """So many tagged images that the vendor knows of, without bringing each into the registry behind."""
    shelf, now = scene.simulator.shelf(scene.path), scene.now()
    for number in range(count):
        content = image(layer(f"{number}")).content
        shelf.put(Held(Digest.of(content), content, media_type.OCI_MANIFEST, now), f"v{number}")
    return list(shelf.manifests)


class TestWhatItCosts:
    def test_a_thousand_tags_are_one_call_and_three_hundred_deletions_three(self, scene: EcrScene) -> None:
        digests = stock(scene, 1000)
        registry, counts = ecr(scene), scene.simulator.counts
        assert len(registry.inventory(scene.repository).tags) == 1000
        assert counts == {("POST", "DescribeImages"): 1}
        said = registry.delete_manifests(scene.repository, digests[:300])
        assert set(said.values()) == {None}
        assert counts[DELETIONS] == 3
        assert len(registry.tag_names(scene.repository)) == 700
        assert counts["POST", "ListImages"] == 1

    def test_pages_of_a_thousand_are_followed(self, scene: EcrScene) -> None:
        stock(scene, 2001)
        assert len(ecr(scene).inventory(scene.repository).tags) == 2001
        assert scene.simulator.counts == {("POST", "DescribeImages"): 3}

    def test_only_indexes_are_read_a_hundred_a_call(self, scene: EcrScene) -> None:
        for number in range(3):
            scene.push(index(image(layer(f"{number}"))), f"index-{number}")
            scene.push(image(layer(f"plain {number}")), f"plain-{number}")
        scene.simulator.counts.clear()
        inventory = ecr(scene).inventory(scene.repository)
        assert scene.simulator.counts == {("POST", "DescribeImages"): 1, ("POST", "BatchGetImage"): 1}
        indexes = [stored for stored in inventory.manifests.values() if stored.children]
        assert [Digest.of(stored.content) for stored in indexes] == [stored.digest for stored in indexes]

    def test_a_whole_cleanup_deletes_in_one_call(self, scene: EcrScene, tmp_path: Path) -> None:
        found = costs(scene, tmp_path, tags=6, going=3)
        assert found.inventory == 1
        assert found.deletions == found.by_call[DELETIONS] == 1

    def test_labels_cost_a_call_per_hundred_images_and_a_config_each(self, scene: EcrScene) -> None:
        digests = [scene.push(image(layer(f"{n}"), labels={"n": f"{n}"}), f"v{n}") for n in range(4)]
        registry = ecr(scene)
        inventory = registry.inventory(scene.repository)
        scene.simulator.counts.clear()
        described = registry.describe(inventory, digests)
        assert [stored.labels for stored in described] == [{"n": f"{n}"} for n in range(4)]
        assert all(stored.date == inventory.manifests[stored.digest].date for stored in described)
        assert scene.simulator.counts["POST", "BatchGetImage"] == 1
        assert scene.simulator.counts["GET", "/v2/blobs"] == 4

    def test_labels_of_an_index_are_those_of_its_parts_and_it_is_not_read_again(self, scene: EcrScene) -> None:
        whole = scene.push(index(image(layer("part"), labels={"a": "b"})), "v1")
        registry = ecr(scene)
        inventory = registry.inventory(scene.repository)
        scene.simulator.counts.clear()
        (described,) = registry.describe(inventory, [whole])
        assert described.labels == {"a": "b"}
        assert scene.simulator.counts["POST", "BatchGetImage"] == 1, "its part"


class TestBatches:
    def test_an_index_and_its_parts_go_in_one_batch_whatever_its_order(self, scene: EcrScene) -> None:
        inner = index(image(layer("deep")))
        outer = index(inner, image(layer("beside")))
        scene.push(outer, "v1")
        digests = [one.digest for one in outer.manifests()]  # children first, which ECR refuses at first
        said = ecr(scene).delete_manifests(scene.repository, digests)
        assert said == dict.fromkeys(digests)
        assert scene.simulator.counts[DELETIONS] == 3
        assert not [digest for digest in digests if scene.has(digest)]

    def test_a_part_of_an_index_that_stays_is_refused_alone(self, scene: EcrScene) -> None:
        part, free = image(layer("part")), image(layer("free"))
        scene.push(index(part), "keep")
        scene.push(free, "free")
        said = ecr(scene).delete_manifests(scene.repository, [part.digest, free.digest, Digest.of(b"never pushed")])
        assert said[free.digest] is None
        assert isinstance(said[part.digest], ItemRefused)
        assert isinstance(said[Digest.of(b"never pushed")], NotFound)
        assert "index that stays" in getattr(said[part.digest], "remedy", "")
        assert scene.simulator.counts[DELETIONS] == 2, "one pass more, since the first one moved something"

    def test_a_refusal_of_the_whole_is_one_of_each_and_ends_it(self, scene: EcrScene) -> None:
        digests = stock(scene, 250)
        said = ecr(scene, scene.reader).delete_manifests(scene.repository, digests)
        assert {type(error) for error in said.values()} == {Denied}
        assert len(said) == 250
        assert scene.simulator.counts[DELETIONS] == 1

    def test_a_refusal_in_the_middle_loses_no_word_about_what_is_gone(self, scene: EcrScene) -> None:
        digests = stock(scene, 150)
        simulator(scene).after["BatchDeleteImage"] = lambda: setattr(scene.simulator.faults, "read_only", True)
        said = ecr(scene).delete_manifests(scene.repository, digests)
        assert [said[digest] for digest in digests[:100]] == [None] * 100
        assert {type(said[digest]) for digest in digests[100:]} == {Denied}

    def test_a_lost_answer_is_asked_for_again_and_what_went_counts_as_deleted(self, scene: EcrScene) -> None:
        digests = stock(scene, 3)
        simulator(scene).loses = "BatchDeleteImage"
        assert ecr(scene).delete_manifests(scene.repository, digests) == dict.fromkeys(digests)
        assert scene.simulator.counts[DELETIONS] == 2

    def test_a_silent_answer_is_no_success(self, scene: EcrScene) -> None:
        (digest,) = stock(scene, 1)
        scene.simulator.faults.burst(200, times=1, route="BatchDeleteImage", document={"imageIds": [], "failures": []})
        with pytest.raises(Unreachable, match="does not say"):
            ecr(scene).delete_manifest(scene.repository, digest)

    @pytest.mark.parametrize(
        ("code", "kind"), [("KmsError", ItemRefused), ("ImageInaccessible", ItemRefused), ("InvalidImageDigest", ItemRefused)]
    )
    def test_every_code_of_failure_concerns_its_image_alone(self, scene: EcrScene, code: str, kind: type) -> None:
        refused, gone = stock(scene, 2)
        failure = {"imageId": {"imageDigest": str(refused)}, "failureCode": code, "failureReason": "said the test"}
        document = {"imageIds": [{"imageDigest": str(gone)}], "failures": [failure]}
        scene.simulator.faults.burst(200, times=1, route="BatchDeleteImage", document=document)
        said = ecr(scene).delete_manifests(scene.repository, [refused, gone])
        assert said[gone] is None
        assert isinstance(said[refused], kind)
        assert code in str(said[refused])

    def test_an_image_that_went_meanwhile_costs_a_look_at_each_of_its_batch_and_no_more(
        self, scene: EcrScene, tmp_path: Path
    ) -> None:
        """DescribeImages answers a batch with one image that is gone with ImageNotFoundException alone."""
        gone, *others = (scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH) for number in range(4))
        run = clean(scene, policy("old*"), tmp_path, meanwhile=lambda: scene.simulator.remove(scene.path, gone))
        assert outcomes(run) == {"old-0": Outcome.ALREADY_GONE, **{f"old-{number}": Outcome.DELETED for number in (1, 2, 3)}}
        assert not [digest for digest in others if scene.has(digest)]
        assert scene.simulator.counts[DELETIONS] == 1


class TestSingleTags:
    def test_the_last_tag_of_a_part_goes_and_the_part_stays(self, scene: EcrScene, tmp_path: Path) -> None:
        """BatchDeleteImage refuses that, and would take any other image along."""
        part = image(layer("part"))
        whole = scene.push(index(part), "keep", age=MONTH)
        scene.push(part, "old-part", age=MONTH)
        run = clean(scene, policy("old*"), tmp_path)
        assert outcomes(run) == {"old-part": Outcome.DELETED}
        assert scene.tags() == {"keep": whole}
        assert not scene.broken(whole)

    def test_the_last_tag_of_any_image_goes_and_the_image_stays(self, scene: EcrScene) -> None:
        digest = scene.push(image(layer("last")), "last")
        ecr(scene).delete_tag(scene.repository, Tag("last"))
        assert scene.tags() == {}
        assert not scene.broken(digest)

    def test_tags_of_one_image_that_go_at_once_leave_it(self, scene: EcrScene) -> None:
        digest = scene.push(image(layer("shared")), *(f"v{number}" for number in range(8)))
        registry = ecr(scene)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: registry.delete_tag(scene.repository, Tag(f"v{number}")), range(8)))
        assert scene.tags() == {}
        assert not scene.broken(digest)

    def test_an_image_that_went_with_its_tag_is_told_and_not_hidden(self, scene: EcrScene) -> None:
        """Another run takes the sibling between our look and our deletion."""
        scene.push(image(layer("shared")), "v1", "v2")
        simulator(scene).after["DescribeImages"] = lambda: scene.simulator.untag(scene.path, "v2")
        with pytest.raises(RegistryError, match="went with its tag v1") as told:
            ecr(scene).delete_tag(scene.repository, Tag("v1"))
        assert "moorage restore" in told.value.remedy

    def test_a_tag_that_vanishes_meanwhile_is_not_found(self, scene: EcrScene) -> None:
        scene.push(image(layer("shared")), "v1", "v2")
        simulator(scene).after["DescribeImages"] = lambda: scene.simulator.untag(scene.path, "v1")
        with pytest.raises(NotFound):
            ecr(scene).delete_tag(scene.repository, Tag("v1"))

    def test_without_stubs_a_last_tag_is_refused_and_nothing_changes(self, scene: EcrScene) -> None:
        digest = scene.push(image(layer("last")), "v1")
        before = scene.changes()
        with pytest.raises(ItemRefused) as refused:
            ecr(scene, allow_stub=False).delete_tag(scene.repository, Tag("v1"))
        assert "--no-stub" in refused.value.remedy
        assert scene.tags() == {"v1": digest}
        assert scene.changes() == before

    def test_an_immutable_last_tag_is_refused_alone(self, scene: EcrScene, tmp_path: Path) -> None:
        part = image(layer("part"))
        whole = scene.push(index(part), "keep", age=MONTH)
        scene.push(part, "old-part", age=MONTH)
        scene.push(image(layer("free")), "old-free", age=MONTH)
        simulator(scene).immutable = True
        run = clean(scene, policy("old*"), tmp_path)
        assert outcomes(run) == {"old-part": Outcome.FAILED, "old-free": Outcome.DELETED}
        assert run.halted is None
        assert scene.tags() == {"keep": whole, "old-part": part.digest}
        assert not scene.broken(whole)
        assert [told for told in complaints(run) if "TAG_INVALID" in told]

    def test_immutable_tags_do_not_keep_their_images(self, scene: EcrScene) -> None:
        digest = scene.push(image(layer("gone")), "v1", "v2")
        simulator(scene).immutable = True
        ecr(scene).delete_manifest(scene.repository, digest)
        assert scene.tags() == {}

    def test_who_may_delete_and_not_push_loses_nothing_over_a_last_tag(self, scene: EcrScene) -> None:
        cleaner = Account("AKIDSHAMCLEANER", "sham-secret-key-of-the-cleaner", WRITER.rights - {"push"})
        simulator(scene).keys[cleaner.name] = cleaner
        last = scene.push(image(layer("last")), "last")
        both = scene.push(image(layer("both")), "one", "two")
        registry = ecr(scene, AwsLogin.of(cleaner))
        registry.delete_tag(scene.repository, Tag("one"))
        with pytest.raises(ItemRefused) as refused:
            registry.delete_tag(scene.repository, Tag("last"))
        assert "ecr:PutImage" in refused.value.remedy
        assert scene.tags() == {"last": last, "two": both}

    def test_who_may_not_delete_is_told_so_for_a_last_tag_too(self, scene: EcrScene) -> None:
        digest = scene.push(image(layer("last")), "last")
        with pytest.raises(Denied) as refused:
            ecr(scene, scene.reader).delete_tag(scene.repository, Tag("last"))
        assert not isinstance(refused.value, ItemRefused)
        assert scene.tags() == {"last": digest}

    def test_kms_trouble_before_a_stub_changes_nothing(self, scene: EcrScene) -> None:
        digest = scene.push(image(layer("last")), "last")
        registry = ecr(scene)
        failing = [{"imageId": {"imageTag": "any"}, "failureCode": "KmsError", "failureReason": "no key"}]
        scene.simulator.faults.burst(200, times=1, route="BatchDeleteImage", document={"imageIds": [], "failures": failing})
        with pytest.raises(RegistryError):
            registry.delete_tag(scene.repository, Tag("last"))
        assert scene.tags() == {"last": digest}


class TestArchives:
    def test_archived_images_are_seen_and_left(self, scene: EcrScene, tmp_path: Path) -> None:
        archived = scene.push(image(layer("archived")), "old-archived", age=MONTH)
        scene.push(image(layer("active")), "old-active", age=MONTH)
        simulator(scene).archived.add(archived)
        items = {str(item.tag): item for item in plan_of(scene, policy("old*")) if item.kind is Kind.TAG}
        assert not items["old-archived"].goes
        assert "archived" in items["old-archived"].reasons[0].detail
        assert ecr(scene).tag_names(scene.repository) == {Tag("old-archived"), Tag("old-active")}
        run = clean(scene, policy("old*"), tmp_path)
        assert outcomes(run) == {"old-active": Outcome.DELETED}
        assert scene.has(archived)

    def test_an_archived_index_may_need_anything(self, scene: EcrScene, tmp_path: Path) -> None:
        part = image(layer("part"))
        whole = scene.push(index(part), "old-index", age=MONTH)
        stray = scene.push(image(layer("stray")), age=MONTH)
        simulator(scene).archived.add(whole)
        inventory = ecr(scene).inventory(scene.repository)
        assert inventory.unreadable.keys() == {whole}
        assert Tag("old-index") in inventory.locked_tags
        clean(scene, policy("old*"), tmp_path)
        assert scene.has(part.digest)
        assert scene.has(stray)


class TestListing:
    def test_what_goes_between_listing_and_reading_is_gone(self, scene: EcrScene) -> None:
        gone = index(image(layer("part")))
        scene.push(gone, "v1")
        scene.push(image(layer("stays")), "v2")
        simulator(scene).after["DescribeImages"] = lambda: scene.simulator.remove(scene.path, gone.digest)
        inventory = ecr(scene).inventory(scene.repository)
        assert inventory.tags.keys() == {Tag("v2")}
        assert gone.digest not in inventory.manifests

    def test_a_part_that_is_not_there_is_missing(self, scene: EcrScene) -> None:
        part = image(layer("part"))
        whole = scene.push(index(part, image(layer("other"))), "v1")
        scene.simulator.shelf(scene.path).drop(part.digest)
        inventory = ecr(scene).inventory(scene.repository)
        assert inventory.missing == {part.digest}
        assert part.digest in inventory.manifests[whole].children

    def test_an_index_that_is_not_handed_out_says_why(self, scene: EcrScene) -> None:
        one, two = scene.push(index(image(layer("1"))), "one"), scene.push(index(image(layer("2"))), "two")
        failure = {"imageId": {"imageDigest": str(one)}, "failureCode": "UpstreamUnavailable", "failureReason": "down"}
        scene.simulator.faults.burst(200, times=1, route="BatchGetImage", document={"images": [], "failures": [failure]})
        unreadable = ecr(scene).inventory(scene.repository).unreadable
        assert "UpstreamUnavailable" in unreadable[one]
        assert unreadable[two] == "ECR did not hand it out"

    def test_bytes_that_are_no_manifest_are_named(self, scene: EcrScene) -> None:
        digest = scene.push(index(image(layer("1"))), "one")
        strange = {"imageId": {"imageDigest": str(digest)}, "imageManifest": "not JSON"}
        scene.simulator.faults.burst(200, times=1, route="BatchGetImage", document={"images": [strange], "failures": []})
        assert ecr(scene).inventory(scene.repository).unreadable == {digest: "is not JSON"}

    def test_subjects_come_with_the_listing(self, scene: EcrScene) -> None:
        subject = image(layer("subject"))
        scene.push(subject, "v1")
        referrer = scene.push(artifact(subject))
        scene.simulator.counts.clear()
        assert ecr(scene).inventory(scene.repository).manifests[referrer].subject == subject.digest
        assert scene.simulator.counts == {("POST", "DescribeImages"): 1}


class TestCredentials:
    def test_without_any_aws_says_where_it_looked(self, scene: EcrScene) -> None:
        with pytest.raises(Unauthorized, match="holds no credentials") as refused:
            ecr(scene, Login()).inventory(scene.repository)
        assert "AWS_ACCESS_KEY_ID" in refused.value.remedy
        with pytest.raises(Unauthorized) as anonymous:
            ecr(scene, Login()).resolve(scene.repository, Tag("v1"))
        assert "AWS_ACCESS_KEY_ID" in anonymous.value.remedy

    def test_a_login_of_docker_is_enough_to_pull(self, scene: EcrScene) -> None:
        digest = scene.push(image(), "v1")
        registry = ecr(scene, Login(scene.writer.docker))
        assert registry.resolve(scene.repository, Tag("v1")) == digest
        assert registry.docker_login() is None, "docker has it"

    def test_a_login_of_docker_serves_whoever_may_not_ask_aws_for_one(self, scene: EcrScene) -> None:
        digest = scene.push(image(), "v1")
        lister = Account("AKIDSHAMLISTER", "sham-secret-key-of-the-lister", WRITER.rights - {"GetAuthorizationToken"})
        simulator(scene).keys[lister.name] = lister
        docker = scene.writer.docker
        assert isinstance(docker, Basic)
        assert ecr(scene, AwsLogin.of(lister, docker)).resolve(scene.repository, Tag("v1")) == digest
        with pytest.raises(Denied, match="GetAuthorizationToken"):
            ecr(scene, AwsLogin.of(lister)).resolve(scene.repository, Tag("v1"))

    def test_docker_gets_a_login_of_aws_that_says_where_it_is_from(self, scene: EcrScene) -> None:
        found = ecr(scene).docker_login()
        assert found is not None
        assert (found.username, found.source) == ("AWS", "AWS (env)")
        assert found.password.reveal() in simulator(scene).accounts.good
        assert scene.simulator.counts == {("POST", "GetAuthorizationToken"): 1}

    def test_a_password_that_expired_is_renewed_once_for_all_threads(self, scene: EcrScene) -> None:
        digest = scene.push(image(), "v1")
        registry = ecr(scene)
        registry.resolve(scene.repository, Tag("v1"))
        scene.simulator.expire_tokens()
        scene.simulator.counts.clear()
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: registry.resolve(scene.repository, Tag("v1")), range(6)))
        assert found == [digest] * 6
        assert scene.simulator.counts["POST", "GetAuthorizationToken"] == 1

    def test_a_right_that_is_missing_costs_one_new_password_and_no_more(self, scene: EcrScene) -> None:
        scene.push(image(), "v1")
        registry = ecr(scene, scene.reader)
        for _ in range(3):
            with pytest.raises(Denied):
                registry.put_manifest(scene.repository, Tag("v2"), image().content, media_type.OCI_MANIFEST)
        assert scene.simulator.counts["POST", "GetAuthorizationToken"] == 2

    def test_keys_that_aws_does_not_know(self, scene: EcrScene) -> None:
        nobody = Account("AKIDSHAMNOBODY", "sham-secret-key-of-nobody")
        with pytest.raises(Unauthorized, match="UnrecognizedClientException") as refused:
            ecr(scene, AwsLogin.of(nobody)).inventory(scene.repository)
        assert "get-caller-identity" in refused.value.remedy

    def test_a_clock_that_is_wrong_is_named(self, scene: EcrScene) -> None:
        simulator(scene).skew = 3600
        with pytest.raises(Unauthorized, match="Signature expired") as refused:
            ecr(scene).inventory(scene.repository)
        assert "clock" in refused.value.remedy

    def test_half_of_the_keys_is_a_mistake(self, scene: EcrScene, monkeypatch: pytest.MonkeyPatch) -> None:
        registry = ecr(scene, Login())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER.name)
        with pytest.raises(Unauthorized, match="Partial credentials"):
            registry.inventory(scene.repository)

    def test_a_profile_that_is_not_there_is_a_mistake(self, scene: EcrScene, monkeypatch: pytest.MonkeyPatch) -> None:
        registry = ecr(scene, Login())
        monkeypatch.setenv("AWS_PROFILE", "nobodys")
        with pytest.raises(ConfigurationError, match="nobodys"):
            registry.inventory(scene.repository)

    def test_the_registry_of_another_account_is_asked_for_by_its_number(self, scene: EcrScene) -> None:
        """Without it AWS would look into the caller's own registry, and find, or delete, what is called the same there."""
        digest = scene.push(image(), "v1")
        registry = ecr(scene, AwsLogin.of(FOREIGNER))
        for attempt in (lambda: registry.inventory(scene.repository), lambda: registry.delete_manifest(scene.repository, digest)):
            with pytest.raises(Denied) as refused:
                attempt()
            assert "another account" in refused.value.remedy
        assert scene.tags() == {"v1": digest}

    def test_a_host_that_says_nothing_needs_account_and_region(self, scene: EcrScene) -> None:
        bare = replace(scene, options={})
        with pytest.raises(ConfigurationError) as missing:
            bare.open()
        assert [problem.partition(" ")[0] for problem in missing.value.problems] == ["--ecr-registry-id", "--ecr-region"]


class TestLimits:
    def test_a_limit_without_a_time_is_backed_off_from(self, scene: EcrScene) -> None:
        stock(scene, 1)
        headers = {"content-type": "application/x-amz-json-1.1"}
        trouble = {"__type": "com.amazonaws.ecr#ThrottlingException", "message": "Rate exceeded"}
        scene.simulator.faults.burst(400, times=3, headers=headers, document=trouble)
        assert ecr(scene).inventory(scene.repository).tags
        assert [round(wait) for wait in scene.clock.slept] == [1, 2, 4]

    def test_a_limit_without_end_says_so(self, scene: EcrScene) -> None:
        scene.simulator.faults.burst(400, times=99, headers={"x-amzn-errortype": "ThrottlingException"})
        with pytest.raises(Throttled):
            ecr(scene).inventory(scene.repository)


class TestRepositories:
    def test_a_repository_is_made_once(self, scene: EcrScene) -> None:
        simulator(scene).creates_on_push = False
        registry = ecr(scene)
        with pytest.raises(NotFound):
            scene.push(image(), "v1")
        assert registry.create_repository(scene.repository) is True
        assert registry.create_repository(scene.repository) is False
        scene.push(image(), "v1")
        assert scene.tags().keys() == {"v1"}

    def test_somebody_elses_repository_of_the_same_moment_is_as_good(self, scene: EcrScene) -> None:
        simulator(scene).after["DescribeRepositories"] = lambda: scene.simulator.shelf(scene.path)
        assert ecr(scene).create_repository(scene.repository) is False

    def test_who_may_not_make_one_is_told_what_to_allow(self, scene: EcrScene) -> None:
        with pytest.raises(Denied) as refused:
            ecr(scene, scene.reader).create_repository(scene.repository)
        assert "ecr:CreateRepository" in refused.value.remedy

    def test_names_that_no_client_can_spell_are_passed_over(self, scene: EcrScene) -> None:
        document = {"repositories": [{"repositoryName": "No Name"}, {"repositoryName": "fine"}]}
        scene.simulator.faults.burst(200, times=1, route="DescribeRepositories", document=document)
        assert ecr(scene).repositories() == [Repository(scene.repository.registry, "fine")]

    def test_an_empty_one_can_be_deleted_and_no_other(self, scene: EcrScene) -> None:
        digest = scene.push(image(), "v1")
        registry = ecr(scene)
        with pytest.raises(ItemRefused):
            registry.delete_repository(scene.repository)
        registry.delete_manifest(scene.repository, digest)
        registry.delete_repository(scene.repository)
        with pytest.raises(NotFound):
            registry.delete_repository(scene.repository)

    def test_all_are_listed(self, scene: EcrScene) -> None:
        for name in ("a/one", "a/two", "b"):
            scene.simulator.shelf(name)
        scene.simulator.faults.page_size = 2
        registry, host = ecr(scene), scene.repository.registry
        assert registry.repositories() == [Repository(host, name) for name in ("a/one", "a/two", "b")]
        assert registry.repositories("a") == [Repository(host, name) for name in ("a/one", "a/two")]


class TestDoctor:
    def test_each_credential_is_named_and_what_it_takes(self, scene: EcrScene) -> None:
        scene.push(image(), "v1")
        found = {ability.name: ability for ability in ecr(scene).examine(scene.repository)}
        assert found["credentials"].detail == "AWS (env)"
        assert "123456789012" in found["registry"].detail
        assert (found["list"].possible, found["pull"].possible) == (True, True)
        assert found["push"].possible is None
        assert "ecr:PutImage" in found["push"].detail
        assert "ecr:BatchDeleteImage" in found["delete"].detail

    def test_a_repository_that_is_not_there_yet_is_no_fault(self, scene: EcrScene) -> None:
        found = {ability.name: ability for ability in ecr(scene).examine(scene.repository)}
        assert (found["list"].possible, found["pull"].possible) == (None, None)

    def test_nobody_may_nothing(self, scene: EcrScene) -> None:
        scene.push(image(), "v1")
        found = {ability.name: ability for ability in ecr(scene, Login()).examine(scene.repository)}
        assert (found["credentials"].possible, found["list"].possible, found["pull"].possible) == (False, False, False)

    def test_broken_settings_of_aws_are_told(self, scene: EcrScene, monkeypatch: pytest.MonkeyPatch) -> None:
        registry = ecr(scene, Login())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER.name)
        found = {ability.name: ability for ability in registry.examine(scene.repository)}
        assert found["credentials"].possible is False
