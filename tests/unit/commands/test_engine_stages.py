"""The docker engine as a stages storage, on a real engine: names of ours go one by one, and nothing else does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.publishing import Warnings, world

from moorage.commands.engine_stages import EngineStorage, engine_home, engine_repository
from moorage.docker.config_dir import private_docker_config
from moorage.docker.engine import Docker
from moorage.errors import ItemRefused, NotFound, Unreachable
from moorage.oci import labels
from moorage.oci.reference import Digest, Repository, Tag
from moorage.settings.settings import Access, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.engine import DockerEngine

ONE, TWO, THREE = ("1" * 56, "2" * 56, "3" * 56)


@dataclass
class Shop:
    """The stages of a project that no other test has."""

    engine: DockerEngine
    storage: EngineStorage
    repository: Repository

    def put(self, tag: str, payload: str) -> Digest:
        return Digest(self.engine.import_tiny(f"{self.repository.path}:{tag}", payload))

    def names(self) -> set[str]:
        return {tag.text for tag in self.storage.tag_names(self.repository)}


@pytest.fixture(params=["docker_engine", "containerd_store_engine"])
def shop(docker_engine: DockerEngine, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """`docker_engine` is asked for in any case: so no other test has an engine meanwhile."""
    engine: DockerEngine = request.getfixturevalue(request.param)
    project = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:30].strip("-")
    repository = engine_repository(project)
    with private_docker_config(None) as config:
        docker = Docker(config, environment={**world(engine).environ, **engine.env})
        yield Shop(engine, EngineStorage(docker, project), repository)
        for name in docker.image_tags(repository.path):
            engine.run("image", "rm", "--force", f"{repository.path}:{name}")


def test_a_stage_says_whose_it_is_and_when_it_was_kept(shop: Shop) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    image = shop.put(ONE, "one")
    shop.put("by-hand", "two")
    shop.engine.import_tiny(f"{shop.repository.path}-two:{ONE}", "another project")
    try:
        found = shop.storage.inventory(shop.repository)
    finally:
        shop.engine.run("image", "rm", f"{shop.repository.path}-two:{ONE}")
    assert str(shop.repository).startswith("docker-daemon/moorage-stages/")
    assert found.tags.keys() == {Tag(ONE), Tag("by-hand")}
    stored = found.manifests[image]
    assert stored.labels is not None
    assert stored.labels[labels.PROJECT] == shop.storage.project
    assert stored.labels[labels.SIGNATURE] == ONE
    assert stored.dated
    assert stored.date is not None
    assert before <= stored.date <= datetime.now(UTC) + timedelta(seconds=2)
    assert found.manifests[found.tags[Tag("by-hand")]].labels == {}, "nobody's"


def test_signatures_may_share_an_image_of_which_each_goes_alone(shop: Shop) -> None:
    image = shop.put(ONE, "one")
    shop.engine.run("tag", image.text, f"{shop.repository.path}:{TWO}")
    found = shop.storage.inventory(shop.repository)
    assert found.tags == {Tag(ONE): image, Tag(TWO): image}
    assert (found.manifests[image].labels or {})[labels.SIGNATURE] == f"{ONE} {TWO}"
    shop.storage.delete_tag(shop.repository, Tag(ONE))
    assert shop.names() == {TWO}
    assert shop.storage.resolve(shop.repository, image) == shop.storage.resolve(shop.repository, Tag(TWO)) == image
    with pytest.raises(NotFound):
        shop.storage.delete_tag(shop.repository, Tag(ONE))


def test_with_an_image_go_all_our_names_and_no_other(shop: Shop) -> None:
    image, other = shop.put(ONE, "one"), shop.put(THREE, "three")
    elsewhere = f"{shop.repository.path}/elsewhere:v1"
    for name in (f"{shop.repository.path}:{TWO}", elsewhere):
        shop.engine.run("tag", image.text, name)
    try:
        shop.storage.delete_manifest(shop.repository, image)
        assert shop.names() == {THREE}
        assert shop.engine.run("image", "inspect", "--format", "{{.Id}}", elsewhere).stdout.strip() == image.text
        for gone in (image, Tag(ONE)):
            with pytest.raises(NotFound):
                shop.storage.resolve(shop.repository, gone)
    finally:
        shop.engine.run("image", "rm", elsewhere)
    for gone in (image, Digest("sha256:" + "0" * 64)):
        with pytest.raises(NotFound):
            shop.storage.delete_manifest(shop.repository, gone)
    shop.storage.delete_manifest(shop.repository, other)
    with pytest.raises(NotFound):
        shop.storage.inventory(shop.repository)
    assert shop.names() == set()


def test_what_a_stopped_container_uses_is_locked_and_refused(shop: Shop) -> None:
    image, free = shop.put(ONE, "one"), shop.put(TWO, "two")
    container = shop.engine.run("container", "create", f"{shop.repository.path}:{ONE}", "/payload").stdout.strip()
    try:
        found = shop.storage.inventory(shop.repository).manifests
        assert found[image].locked == "a container uses it"
        assert found[free].locked == ""
        with pytest.raises(ItemRefused, match="container"):
            shop.storage.delete_manifest(shop.repository, image)
        assert shop.names() == {ONE, TWO}
    finally:
        shop.engine.run("container", "rm", container)
    shop.storage.delete_manifest(shop.repository, image)
    assert shop.names() == {TWO}


def test_an_engine_that_is_gone_is_unreachable(shop: Shop) -> None:
    image = shop.put(ONE, "one")
    docker = Docker(shop.storage.docker.config, environment={**world(shop.engine).environ, "DOCKER_HOST": "tcp://127.0.0.1:1"})
    gone = replace(shop.storage, docker=docker)
    for ask in (
        lambda: gone.inventory(shop.repository),
        lambda: gone.resolve(shop.repository, image),
        lambda: gone.tag_names(shop.repository),
        lambda: gone.delete_manifest(shop.repository, image),
        lambda: gone.delete_tag(shop.repository, Tag(ONE)),
    ):
        with pytest.raises(Unreachable):
            ask()
    assert shop.names() == {ONE}


def test_without_an_engine_somebody_is_told(docker_engine: DockerEngine, tmp_path: Path) -> None:
    project, told = Project("shop", tmp_path), Warnings()
    nowhere = replace(world(), progress=told)
    with engine_home(project, Access(), nowhere) as home:
        assert home is None
    assert re.search("no stage goes: .*docker-daemon/moorage-stages/shop", told.said[0])
    with engine_home(project, Access(), replace(world(docker_engine), progress=told)) as home:
        assert home is not None
        assert home.repository == engine_repository("shop")
    assert len(told.said) == 1
