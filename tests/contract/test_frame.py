"""The frame itself: a contract that cannot break proves nothing, so each part is broken once."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.contract.abilities import Abilities
from tests.contract.deletion import DeletionPromises
from tests.contract.listing import ListingPromises
from tests.contract.network import NetworkPromises
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.secrecy import SecrecyPromises, leaks
from tests.contract.stories import CleanupStories
from tests.scripted_server import Reply, Request
from tests.simulators.conformance import Specification
from tests.simulators.distribution_v3 import DistributionV3
from tests.simulators.network import network
from tests.simulators.passthrough import READER, WRITER
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.oci.inventory import Inventory
from moorage.registries.default import VENDOR
from moorage.registries.default.registry import DefaultRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry

    from moorage.oci.reference import Digest, Repository, Tag
    from moorage.registries.vendor import Connection

ARTIFACTS = "/api/v2.0/projects/acme/repositories/shop/artifacts"


class TestConformance:
    @pytest.mark.parametrize(
        ("method", "target", "reply", "said"),
        [
            ("GET", "/api/v2.0/nowhere", Reply.of({}), "no such operation"),
            ("PATCH", ARTIFACTS, Reply.of({}), "no such operation"),
            ("GET", f"{ARTIFACTS}?pagesize=1", Reply.of([], x_total_count="0"), "no query parameter pagesize"),
            ("GET", f"{ARTIFACTS}?page_size=101", Reply.of([], x_total_count="0"), "101 is greater than the maximum"),
            ("GET", f"{ARTIFACTS}?with_tag=yes", Reply.of([], x_total_count="0"), "'yes' is not of type 'boolean'"),
            ("GET", ARTIFACTS, Reply.of([]), "lacks the header X-Total-Count"),
            ("GET", ARTIFACTS, Reply.of([], 206), "status 206 is not known"),
            ("GET", ARTIFACTS, Reply.of([{"invented": 1}], x_total_count="1"), "'invented' was unexpected"),
            ("GET", ARTIFACTS, Reply.of([{"digest": 1}], x_total_count="1"), "is not of type 'string'"),
            ("DELETE", f"{ARTIFACTS}/v1", Reply(200), "does not match"),
            ("GET", "/api/v2.0/projects/acme/repositories/a%2Fb", Reply.of({}), "does not match"),
        ],
    )
    def test_what_the_description_does_not_know_is_an_objection(self, method: str, target: str, reply: Reply, said: str) -> None:
        found = Specification.load("harbor").objections(Request(method, target, {}), reply)
        assert any(said in objection for objection in found), found

    def test_what_it_knows_is_none(self) -> None:
        request = Request("GET", f"{ARTIFACTS}?page=1&page_size=100&with_tag=true", {})
        assert Specification.load("harbor").objections(request, Reply.of([], x_total_count="0")) == []


class TestNetwork:
    def test_a_host_that_nobody_simulates_fails_the_test(
        self, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = network({"registry.example": DistributionV3(registry.host)}, tmp_path)
        for name, value in here.__enter__().env.items():
            monkeypatch.setenv(name, value)
        assert requests.get("https://registry.example/v2/", timeout=10).status_code == 401
        with pytest.raises(requests.ConnectionError):
            requests.get("https://elsewhere.example/v2/", timeout=10)
        with pytest.raises(AssertionError, match=r"asked: \['elsewhere.example'\]"):
            here.__exit__(None, None, None)


class _DeletesTheDigest(DefaultRegistry):
    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        self.delete_manifest(repository, self.resolve(repository, tag))


class _ForgetsATag(DefaultRegistry):
    def inventory(self, repository: Repository) -> Inventory:
        found = super().inventory(repository)
        tags = dict(sorted(found.tags.items())[:-1])
        return Inventory(repository, tags, found.manifests)


class _ForgetsChildren(DefaultRegistry):
    def inventory(self, repository: Repository) -> Inventory:
        found = super().inventory(repository)
        tagged = set(found.tags.values())
        return Inventory(repository, found.tags, {one: found.manifests[one] for one in found.manifests if one in tagged})


class _InventsSuccess(DefaultRegistry):
    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Say nothing, do nothing."""


class _Chatters(DefaultRegistry):
    def __init__(self, connection: Connection, **rest: Any) -> None:
        super().__init__(connection, **rest)
        self.note = f"logged in with {WRITER.password}"


class _Suite(ListingPromises, DeletionPromises, CleanupStories, NetworkPromises, SecrecyPromises):
    """Not collected by itself: its tests are called by name."""

    abilities = Abilities()


class TestTheSuiteNotices:
    """A registry that breaks one promise is caught by the test of that promise."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(DistributionV3(registry.host)) as (simulator, host):
            writer, reader = (Login(Basic(one.name, Secret(one.password), "the test")) for one in (WRITER, READER))
            scene = Scene(VENDOR, repository_at(host, f"frame/{uuid.uuid4().hex}"), simulator, writer, reader, reader)
            yield scene
            scene.close()

    @pytest.mark.parametrize(
        ("broken", "test"),
        [
            (_DeletesTheDigest, "test_a_tag_goes_and_its_siblings_stay"),
            (_DeletesTheDigest, "test_one_of_two_tags_goes_or_says_why_it_stays"),
            (_ForgetsATag, "test_every_tag_and_its_digest_is_listed"),
            (_ForgetsATag, "test_small_pages_are_read_to_the_last"),
            (_ForgetsChildren, "test_an_index_leads_to_its_children_at_any_depth"),
            (_InventsSuccess, "test_a_manifest_goes_with_all_its_tags_and_no_other"),
            (_InventsSuccess, "test_a_busy_repository_is_cleaned_and_what_is_kept_stays_whole"),
            (_Chatters, "test_no_repr_holds_a_secret"),
        ],
    )
    def test_a_broken_promise(
        self, scene: Scene, broken: type[DefaultRegistry], test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("moorage.registries.default.registry.DefaultRegistry", broken)
        promise = getattr(_Suite(), test)
        needed = {"scene": scene, "tmp_path": tmp_path}
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            promise(**{name: value for name, value in needed.items() if name in promise.__code__.co_varnames})

    @pytest.mark.parametrize("spelled", [WRITER.password, base64.b64encode(f"{WRITER.name}:{WRITER.password}".encode()).decode()])
    def test_a_secret_in_a_text(self, scene: Scene, spelled: str) -> None:
        assert leaks(scene, f"GET /v2/ Authorization: {spelled}")
        assert not leaks(scene, "GET /v2/ Authorization: ***")
