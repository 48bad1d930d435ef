"""Publishing to AWS ECR through the docker engine: docker has no login, AWS gives it one for twelve hours."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.contract.ecr_scenes import AwsLogin, EcrScene, private_scene
from tests.publishing import ONE_TAG, context, settings, statuses, world
from tests.simulators.ecr import READER, WRITER, EcrSimulator

from moorage.auth.secret import Secret
from moorage.commands.publish import publish
from moorage.registries.addressing import resolve
from moorage.registries.vendor import VendorOptions
from moorage.settings.settings import Access, Login, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry

    from moorage.settings.settings import PublishSettings


@pytest.fixture
def scene(registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrScene]:
    """A registry that makes no repositories by itself, and the writer's keys in the environment."""
    with private_scene(registry.host) as scene:
        assert isinstance(scene.simulator, EcrSimulator)
        scene.simulator.creates_on_push = False
        for name, value in AwsLogin.of(WRITER).environment.items():
            monkeypatch.setenv(name, value)
        yield scene


def wanted(scene: EcrScene, folder: Path, *, create: bool = True, access: Access | None = None) -> PublishSettings:
    address = f"{scene.repository.registry}/{uuid.uuid4().hex}"
    given = settings(address, {"app": context(folder / "app"), "web": context(folder / "web")}, ONE_TAG, mode="multirepo")
    options = VendorOptions({**scene.options, "ecr-create-repositories": create})
    storage = Storage(resolve(address, "ecr", "multirepo"), options)
    return replace(given, storage=storage, access=access or Access(docker_config=None))


def test_docker_is_logged_in_and_repositories_are_made(scene: EcrScene, docker_engine: DockerEngine, tmp_path: Path) -> None:
    result = publish(wanted(scene, tmp_path), world(docker_engine))
    assert result.failure is None
    assert statuses(result) == ["published"] * 2
    for tag in result.images:
        path, _, name = tag.reference.partition("/")[2].rpartition(":")
        assert str(scene.simulator.truth(path)[name]) == str(tag.digest)


def test_without_the_option_none_is_made(scene: EcrScene, docker_engine: DockerEngine, tmp_path: Path) -> None:
    result = publish(wanted(scene, tmp_path, create=False), world(docker_engine))
    assert statuses(result) == ["failed"] * 2
    assert all(
        "NAME_UNKNOWN" in error.message or "does not exist" in error.message for tag in result.images if (error := tag.error)
    )
    assert scene.simulator.counts["POST", "CreateRepository"] == 0


def test_who_may_not_make_repositories_hears_it_before_anything_is_built(
    scene: EcrScene, docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AwsLogin.of(READER).environment.items():
        monkeypatch.setenv(name, value)
    result = publish(wanted(scene, tmp_path), world(docker_engine))
    assert statuses(result) == ["failed"] * 2
    assert {error.code for tag in result.images if (error := tag.error)} == {"denied"}
    assert scene.simulator.shelves == {}


def test_a_login_that_the_user_gives_comes_first(scene: EcrScene, docker_engine: DockerEngine, tmp_path: Path) -> None:
    wrong = Login(scene.repository.registry.name, "AWS", Secret("sham-and-wrong-password"), "--password")
    result = publish(wanted(scene, tmp_path, access=Access(logins=(wrong,))), world(docker_engine))
    assert statuses(result) == ["failed"] * 2
    assert {error.code for tag in result.images if (error := tag.error)} == {"docker"}
