"""What a publish says and does when a part of it, or all of it, cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.publishing import ONE_TAG, broken_context, context, digest_at, settings, statuses, world
from tests.scripted_server import Reply, Request, ScriptedServer, forward, oci_error

from moorage.auth.secret import Secret
from moorage.commands.publish import publish
from moorage.errors import ConfigurationError, DockerError, ItemRefused, PartialFailure, Unauthorized, Unreachable
from moorage.oci.tagging import tag_requests
from moorage.settings.settings import Access, Login, SourceText

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry
    from tests.realparts.token_registry import TokenRegistry


def test_a_broken_build_leaves_the_other_image_published(
    docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path
) -> None:
    images = {"app": context(tmp_path / "app"), "web": broken_context(tmp_path / "web")}
    result = publish(settings(f"{registry.host}/half", images, ONE_TAG), world(docker_engine))
    assert statuses(result) == ["published", "failed"]
    assert isinstance(result.failure, PartialFailure)
    assert f"{registry.host}/half/app:v1" in result.failure.message
    assert "nothing" in result.failure.problems[0]
    assert isinstance(result.images[1].error, DockerError)


def test_a_refused_repository_fails_alone_and_exactly(
    docker_engine: DockerEngine, registry: RunningRegistry, watched: ScriptedServer, tmp_path: Path
) -> None:
    def answer(request: Request) -> Reply:
        if request.path.startswith("/v2/refused/web/manifests/") and request.method == "PUT":
            return oci_error(403, "DENIED", "requested access to the resource is denied")
        return forward(request, registry.host)

    watched.answer = answer
    images = {"app": context(tmp_path / "app"), "web": context(tmp_path / "web")}
    result = publish(settings(f"{watched.host}/refused", images), world(docker_engine))
    assert statuses(result) == ["published"] * 3 + ["failed"] * 3
    assert isinstance(result.failure, PartialFailure)
    assert result.failure.exit_code == 5
    (problem,) = result.failure.problems
    assert problem.partition(": ")[0] == ", ".join(f"{watched.host}/refused/web:{tag}" for tag in ("v1", "v2", "main"))


def test_one_refused_tag_fails_alone(
    docker_engine: DockerEngine, registry: RunningRegistry, watched: ScriptedServer, tmp_path: Path
) -> None:
    """An immutable tag, as ECR and Harbor have them: it exists, and it stays."""
    publish(
        settings(f"{watched.host}/immutable", {"app": context(tmp_path / "app", "old")}, ONE_TAG),
        world(docker_engine),
    )

    def answer(request: Request) -> Reply:
        if request.method == "PUT" and request.path.endswith("/manifests/v1"):
            return oci_error(412, "DENIED", "the tag is immutable")
        return forward(request, registry.host)

    watched.answer = answer
    result = publish(settings(f"{watched.host}/immutable", {"app": context(tmp_path / "app")}), world(docker_engine))
    assert statuses(result) == ["failed", "published", "published"]
    assert isinstance(result.failure, PartialFailure)


def test_a_registry_that_stores_something_else_is_not_believed(
    docker_engine: DockerEngine, registry: RunningRegistry, watched: ScriptedServer, tmp_path: Path
) -> None:
    """It takes the further tags and forgets them."""

    def answer(request: Request) -> Reply:
        if request.method == "PUT" and request.path.endswith("/manifests/v2"):
            return Reply(201)
        return forward(request, registry.host)

    watched.answer = answer
    result = publish(settings(f"{watched.host}/forgetful", {"app": context(tmp_path / "app")}), world(docker_engine))
    assert statuses(result) == ["published", "failed", "published"]
    assert "read back" in str(result.images[1].error)


def test_another_images_tag_is_not_overwritten_in_monorepo_mode(
    docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path
) -> None:
    address = f"{registry.host}/owned"
    images = {"app": context(tmp_path / "app")}
    first = publish(settings(address, images, tag_requests(custom=["worker-v1"]), mode="monorepo"), world(docker_engine))
    worker = {"app-worker": context(tmp_path / "worker")}
    second = publish(settings(address, worker, tag_requests(custom=["v1", "v2"]), mode="monorepo"), world(docker_engine))
    assert statuses(second) == ["failed", "published"]
    assert isinstance(second.images[0].error, ItemRefused)
    assert str(first.images[0].digest) == digest_at(registry, "owned", "app-worker-v1")


def test_credentials_are_judged_by_the_registry_before_anything_is_built(
    docker_engine: DockerEngine, token_registry: TokenRegistry, tmp_path: Path
) -> None:
    wrong = Login(token_registry.host, token_registry.writer.name, Secret("a-wrong-password"), "--password")
    access = Access(logins=(wrong,), ca_file=token_registry.ca_file)
    wanted = settings(f"{token_registry.host}/closed", {"app": broken_context(tmp_path / "app")}, access=access)
    result = publish(wanted, world(docker_engine))
    assert isinstance(result.failure, Unauthorized)
    assert "a-wrong-password" not in json.dumps(result.as_json())


def test_who_may_only_read_is_told_so(docker_engine: DockerEngine, token_registry: TokenRegistry, tmp_path: Path) -> None:
    user = token_registry.reader
    access = Access(
        logins=(Login(token_registry.host, user.name, Secret(user.password), "--password"),), ca_file=token_registry.ca_file
    )
    result = publish(
        settings(f"{token_registry.host}/read", {"app": context(tmp_path / "app")}, access=access), world(docker_engine)
    )
    assert statuses(result) == ["failed"] * 3
    assert result.failure is not None
    assert result.failure.exit_code in {3, 4}
    assert "denied" in result.failure.message


def test_what_cannot_be_read_back_is_not_pushed(docker_engine: DockerEngine, tmp_path: Path) -> None:
    """Docker on the host and this process in a container may see different networks."""
    with ScriptedServer(lambda _: Reply(cut=True)) as nobody:
        address = f"{nobody.host}/unseen"
    result = publish(settings(address, {"app": context(tmp_path / "app")}), world(docker_engine))
    assert isinstance(result.failure, Unreachable)
    assert "could not be read back" in result.failure.message


def test_missing_local_images_are_named_together(docker_engine: DockerEngine, watched: ScriptedServer) -> None:
    images = {"app": SourceText("docker-daemon:moorage-e2e/nothing:1"), "web": SourceText("moorage-e2e/nothing:2")}
    with pytest.raises(ConfigurationError) as caught:
        publish(settings(f"{watched.host}/missing", images), world(docker_engine))
    assert len(caught.value.problems) == 2
    assert watched.requests == []


def test_without_docker_a_directory_is_a_docker_error(tmp_path: Path) -> None:
    with pytest.raises(DockerError, match="no docker command"):
        publish(settings("localhost:1/app", {"app": context(tmp_path / "app")}), world())
