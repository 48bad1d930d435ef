"""distribution 2.8 can delete a manifest and fail to take its tags out of the list: then nothing may be left half done."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.images import image, index, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer, forward
from tests.unit.registries.default.conftest import fresh

from moorage.errors import Denied, Unreachable
from moorage.oci.reference import Registry, Repository, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.realparts.registry import RunningRegistry

    from moorage.registries.default.registry import DefaultRegistry

    Open = Callable[..., DefaultRegistry]
    Vendor = DefaultRegistry

V1, V2 = Tag("v1"), Tag("v2")
BOTH = index(image(), image(platform="linux/arm64"))


@dataclass
class HalfWay:
    """A real docker-registry whose next deletions by digest stop between the manifest and its tags."""

    running: RunningRegistry
    failures: int = 0
    puts: Reply | None = None

    def __call__(self, request: Request) -> Reply:
        if request.method == "PUT" and self.puts:
            return self.puts
        if request.method != "DELETE" or "/manifests/sha256:" not in request.path or not self.failures:
            return forward(request, self.running.host)
        name = request.path.removeprefix("/v2/").partition("/manifests/")[0]
        tags = self.running.storage / "docker/registry/v2/repositories" / name / "_manifests/tags"
        saved = tags.with_name("saved-tags")
        shutil.copytree(tags, saved)
        reply = forward(request, self.running.host)
        if reply.status == 202:
            self.failures -= 1
            shutil.rmtree(tags)
            saved.rename(tags)
            return Reply(500)
        shutil.rmtree(saved)
        return reply


@pytest.fixture
def half_way(registry: RunningRegistry) -> HalfWay:
    return HalfWay(registry)


@pytest.fixture
def server(half_way: HalfWay) -> Iterator[ScriptedServer]:
    with ScriptedServer(half_way) as running:
        yield running


@pytest.fixture
def vendor(server: ScriptedServer, open_registry: Open) -> Vendor:
    return open_registry(server.host)


@pytest.fixture
def repository(server: ScriptedServer, vendor: Vendor) -> Repository:
    there = fresh(server.host)
    push(vendor, there, BOTH, "v1", "v2")
    push(vendor, there, image(layer("other")), "other")
    server.requests.clear()
    return there


def test_the_simulation_is_what_it_says(half_way: HalfWay, vendor: Vendor, repository: Repository) -> None:
    half_way.failures = 1
    assert vendor._client.delete(repository, BOTH.digest) is False
    assert vendor.tag_names(repository) == {V1, V2, Tag("other")}
    assert set(vendor.inventory(repository).dangling) == {V1, V2}


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_manifest_goes_with_all_its_tags(half_way: HalfWay, vendor: Vendor, repository: Repository, failures: int) -> None:
    vendor.inventory(repository)
    half_way.failures = failures
    vendor.delete_manifest(repository, BOTH.digest)
    assert half_way.failures == 0
    assert vendor.tag_names(repository) == {Tag("other")}


def test_tags_that_stay_listed_are_not_passed_over(half_way: HalfWay, vendor: Vendor, repository: Repository) -> None:
    vendor.inventory(repository)
    half_way.failures = 99
    with pytest.raises(Unreachable, match="listed still: v1, v2"):
        vendor.delete_manifest(repository, BOTH.digest)


def test_what_must_not_be_put_back_is_an_error(half_way: HalfWay, vendor: Vendor, repository: Repository) -> None:
    vendor.inventory(repository)
    half_way.failures, half_way.puts = 1, Reply(403)
    with pytest.raises(Denied):
        vendor.delete_manifest(repository, BOTH.digest)


def test_a_tag_that_was_pushed_anew_meanwhile_is_left_alone(
    half_way: HalfWay, vendor: Vendor, repository: Repository, open_registry: Open
) -> None:
    vendor.inventory(repository)
    half_way.failures = 1
    newer = image(layer("newer"))
    passed = half_way.__call__

    def answer(request: Request) -> Reply:
        reply = passed(request)
        if reply.status == 500:
            there = Repository(Registry(half_way.running.host), repository.path)
            push(open_registry(half_way.running.host), there, newer, "v1", "v2")
        return reply

    with ScriptedServer(answer) as server:
        second = open_registry(server.host)
        there = Repository(Registry(server.host), repository.path)
        second.inventory(there)
        second.delete_manifest(there, BOTH.digest)
        assert not server.asked("PUT")
    assert vendor.resolve(repository, V1) == vendor.resolve(repository, V2) == newer.digest


def test_without_an_inventory_there_is_nothing_to_put_back(
    half_way: HalfWay, server: ScriptedServer, vendor: Vendor, repository: Repository
) -> None:
    half_way.failures = 1
    vendor.delete_manifest(repository, BOTH.digest)
    assert not server.asked("PUT")


@pytest.mark.parametrize("failures", [1, 4])
def test_the_stub_way_goes_on_until_the_tag_is_gone(
    half_way: HalfWay, vendor: Vendor, repository: Repository, failures: int
) -> None:
    half_way.failures = failures
    vendor.delete_tag(repository, V1)
    assert vendor.tag_names(repository) == {V2, Tag("other")}
    assert vendor.resolve(repository, V2) == BOTH.digest


def test_the_stub_way_puts_the_tag_back_when_it_gives_up(half_way: HalfWay, vendor: Vendor, repository: Repository) -> None:
    half_way.failures = 5
    with pytest.raises(Unreachable, match="put back"):
        vendor.delete_tag(repository, V1)
    assert vendor.resolve(repository, V1) == BOTH.digest
    assert not vendor.inventory(repository).dangling


def test_the_real_race_leaves_nothing_dangling(registry: RunningRegistry, open_registry: Open) -> None:
    """Eight threads moving tags and deleting manifests at once: 4 to 8 of 100 deletions were answered 500 (seen 2026-11)."""
    vendor, repository = open_registry(registry.host), fresh(registry.host)
    push(vendor, repository, BOTH, "keep", *(f"t{number}" for number in range(20)))
    singles = [image(layer(f"single-{number}")) for number in range(10)]
    for number, single in enumerate(singles):
        push(vendor, repository, single, f"s{number}")
    vendor.inventory(repository)

    def step(number: int) -> None:
        if number % 3 == 0:
            vendor.delete_manifest(repository, singles[number // 3].digest)
        else:
            vendor.delete_tag(repository, Tag(f"t{number - number // 3 - 1}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(step, range(30)))
    inventory = vendor.inventory(repository)
    assert vendor.tag_names(repository) == set(inventory.tags) == {Tag("keep")}
    assert set(inventory.manifests) == {one.digest for one in BOTH.manifests()}
