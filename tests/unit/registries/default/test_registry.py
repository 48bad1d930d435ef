"""The default vendor over both real registries: what is read, written and listed."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.images import CREATED, artifact, image, index, layer, push
from tests.scripted_server import Reply, ScriptedServer
from tests.unit.registries.default.conftest import fresh

from moorage.errors import NotFound, Unsupported
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries import interface

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.realparts.fixtures import RegistryFactory
    from tests.realparts.registry import RunningRegistry

    from moorage.registries.default.registry import DefaultRegistry

    Open = Callable[..., DefaultRegistry]

V1, V2 = Tag("v1"), Tag("v2")
APP = image()


@pytest.fixture(params=["registry", "tag_deleting_registry"])
def running(request: pytest.FixtureRequest) -> RunningRegistry:
    """Each of the two real implementations."""
    found: RunningRegistry = request.getfixturevalue(request.param)
    return found


def test_it_has_the_abilities_of_the_distribution_api(open_registry: Open) -> None:
    registry = open_registry("registry.invalid")
    for ability in ("TagDeleter", "Describer", "ReferrerLister", "Reader", "Writer", "RepositoryLister"):
        assert isinstance(registry, getattr(interface, ability)), ability
    for ability in ("BatchDeleter", "Restorer"):
        assert not isinstance(registry, getattr(interface, ability)), ability


def test_what_is_pushed_is_listed_dated_and_read(running: RunningRegistry, open_registry: Open) -> None:
    registry, repository = open_registry(running.host), fresh(running.host)
    both = index(image(layer("a"), labels={"who": "me"}), image(layer("b"), platform="linux/arm64"))
    push(registry, repository, both, "v1", "v2")
    inventory = registry.inventory(repository)
    assert inventory.tags_of() == {both.digest: (V1, V2)}
    (described,) = registry.describe(inventory, [both.digest])
    assert described.date == datetime.fromisoformat(CREATED.replace("Z", "+00:00"))
    assert described.labels == {"who": "me"}
    assert registry.manifest(repository, V1) == (both.content, both.media_type)
    assert registry.resolve(repository, V1) == both.digest
    assert registry.resolve(repository, both.digest) == both.digest
    assert registry.tag_names(repository) == {V1, V2}
    assert repository in registry.repositories()
    assert repository in registry.repositories("default")
    assert registry.repositories(repository.path) == [repository]
    assert registry.repositories("defaul") == []
    assert list(registry.referrers(inventory, [both.digest])) == []


def test_a_repository_that_is_not_there(running: RunningRegistry, open_registry: Open) -> None:
    registry, repository = open_registry(running.host), fresh(running.host)
    assert registry.tag_names(repository) == frozenset()
    for call in (registry.inventory, lambda one: registry.resolve(one, V1), lambda one: registry.delete_tag(one, V1)):
        with pytest.raises(NotFound):
            call(repository)


def test_a_future_config_has_no_date(running: RunningRegistry, open_registry: Open) -> None:
    registry, repository = open_registry(running.host), fresh(running.host)
    registry._now = lambda: datetime(2024, 1, 1, tzinfo=UTC)
    push(registry, repository, APP, "v1")
    assert registry.describe(registry.inventory(repository), [APP.digest])[0].date is None


def test_blobs_go_in_and_out_and_are_mounted_the_second_time(registry: RunningRegistry, open_registry: Open) -> None:
    vendor, first, second = open_registry(registry.host), fresh(registry.host), fresh(registry.host)
    content = os.urandom(100_000)
    blob = Blob(Digest.of(content), len(content))
    opened: list[int] = []

    def source() -> io.BytesIO:
        opened.append(1)
        return io.BytesIO(content)

    assert not vendor.has_blob(first, blob.digest)
    vendor.put_blob(first, blob, source)
    vendor.put_blob(second, blob, source)
    assert vendor.has_blob(second, blob.digest)
    assert len(opened) == 1
    with vendor.blob(second, blob) as stream:
        assert stream.read() == content


def test_a_blob_that_was_found_is_mounted_elsewhere(registry: RunningRegistry, open_registry: Open) -> None:
    first, second = fresh(registry.host), fresh(registry.host)
    blob = Blob(Digest.of(b"found"), 5)
    open_registry(registry.host).put_blob(first, blob, lambda: io.BytesIO(b"found"))
    vendor = open_registry(registry.host)
    assert vendor.has_blob(first, blob.digest)
    vendor.put_blob(second, blob, io.BytesIO)  # its source is never opened
    assert vendor.has_blob(second, blob.digest)


def test_names_that_no_client_can_spell_are_left_out_of_the_catalog(open_registry: Open) -> None:
    with ScriptedServer(lambda _: Reply.of({"repositories": ["b/ok", "Not/Ok", "a", "", 5, "b/ok"]})) as server:
        found = open_registry(server.host).repositories()
    registry = Registry(server.host)
    assert found == [Repository(registry, "a"), Repository(registry, "b/ok")]


def test_deleting_a_manifest_takes_its_tags_and_nothing_else(registry: RunningRegistry, open_registry: Open) -> None:
    vendor, repository = open_registry(registry.host), fresh(registry.host)
    other, sbom = image(layer("other")), artifact(APP)
    push(vendor, repository, APP, "v1", "v2")
    push(vendor, repository, other, "other")
    push(vendor, repository, sbom, "sbom")
    vendor.delete_manifest(repository, APP.digest)
    assert vendor.tag_names(repository) == {Tag("other"), Tag("sbom")}
    with pytest.raises(NotFound):
        vendor.delete_manifest(repository, APP.digest)


def test_deletion_that_is_switched_off_says_how_to_switch_it_on(registry_factory: RegistryFactory, open_registry: Open) -> None:
    running = registry_factory(delete=False)
    vendor, repository = open_registry(running.host), fresh(running.host)
    push(vendor, repository, APP, "v1", "v2")
    with pytest.raises(Unsupported) as by_digest:
        vendor.delete_manifest(repository, APP.digest)
    with pytest.raises(Unsupported) as by_tag:
        vendor.delete_tag(repository, V1)
    for caught in (by_digest, by_tag):
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in caught.value.remedy
    assert vendor.inventory(repository).tags_of() == {APP.digest: (V1, V2)}


def test_a_read_only_registry_changes_nothing(registry_factory: RegistryFactory, open_registry: Open) -> None:
    writable = registry_factory()
    repository = fresh(writable.host)
    push(open_registry(writable.host), repository, APP, "v1", "v2")
    running = registry_factory(readonly=True, storage=writable.storage)
    vendor = open_registry(running.host)
    there = Repository(Registry(running.host), repository.path)
    with pytest.raises(Unsupported):
        vendor.delete_manifest(there, APP.digest)
    with pytest.raises(Unsupported):
        vendor.delete_tag(there, V1)
    assert vendor.tag_names(there) == {V1, V2}
