"""Publishing for real through a docker engine, to a docker-registry that is open and to one behind tokens and TLS."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.publishing import ONE_TAG, WRITES, Target, context, inspected, labels_at, names_in, settings, statuses, world
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error

from moorage.commands.publish import publish
from moorage.commands.world import Silence
from moorage.oci.labels import IMAGE
from moorage.oci.tagging import tag_requests
from moorage.settings.settings import SourceText

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build_counter import BuildCounter
    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry


def local(reference: str) -> SourceText:
    return SourceText(f"docker-daemon:{reference}")


@pytest.mark.parametrize("mode", ["multirepo", "monorepo"])
def test_two_directories_under_three_tags_each_are_pulled_back_as_published(
    mode: str, target: Target, base_image: str, tmp_path: Path
) -> None:
    images = {"app": context(tmp_path / "app"), "web": context(tmp_path / "web", base=base_image)}
    result = publish(settings(f"{target.host}/both/{mode}", images, mode=mode, access=target.access), world(target.engine))
    assert result.failure is None
    assert statuses(result) == ["published"] * 6
    assert len({tag.digest for tag in result.images}) == 2, "one digest per image, whatever its tags"
    for tag in result.images:
        assert target.pulled(tag.reference) == str(tag.digest)
        shown = target.inspect(tag.reference)
        assert shown["Digest"] == str(tag.digest)
        assert shown["Labels"][IMAGE] == tag.image
        assert shown["Labels"]["org.opencontainers.image.revision"] == "c0ffee"
        assert shown["Labels"]["org.opencontainers.image.version"] == "v1"


def test_unchanged_content_is_not_written_again(docker_engine: DockerEngine, watched: ScriptedServer, tmp_path: Path) -> None:
    images = {"app": context(tmp_path / "app"), "web": context(tmp_path / "web")}
    first = publish(settings(f"{watched.host}/again", images), world(docker_engine))
    watched.requests.clear()
    second = publish(settings(f"{watched.host}/again", images, revision="another commit"), world(docker_engine))
    assert statuses(second) == ["up-to-date"] * 6
    assert [tag.digest for tag in second.images] == [tag.digest for tag in first.images]
    assert [request for request in watched.requests if request.method in WRITES] == []


def test_another_tag_of_the_same_content_is_one_small_request(
    docker_engine: DockerEngine, watched: ScriptedServer, tmp_path: Path
) -> None:
    images = {"app": context(tmp_path / "app")}
    publish(settings(f"{watched.host}/more", images, ONE_TAG), world(docker_engine))
    watched.requests.clear()
    result = publish(settings(f"{watched.host}/more", images, tag_requests(custom=["v1", "v2"])), world(docker_engine))
    assert statuses(result) == ["up-to-date", "published"]
    assert [(request.method, request.path) for request in watched.requests if request.method in WRITES] == [
        ("PUT", "/v2/more/app/manifests/v2")
    ]


def test_changed_content_moves_its_tags(docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path) -> None:
    address = f"{registry.host}/changed"
    first = publish(settings(address, {"app": context(tmp_path / "app", "one")}), world(docker_engine))
    second = publish(settings(address, {"app": context(tmp_path / "app", "two")}), world(docker_engine))
    assert statuses(second) == ["published"] * 3
    assert not {tag.digest for tag in first.images} & {tag.digest for tag in second.images}


def test_a_local_image_is_published_and_stays_as_it_was(
    docker_engine: DockerEngine, registry: RunningRegistry, local_image: str
) -> None:
    before = inspected(docker_engine, local_image)
    result = publish(settings(f"{registry.host}/local", {"app": local(local_image)}), world(docker_engine))
    assert statuses(result) == ["published"] * 3
    assert inspected(docker_engine, local_image) == before
    assert names_in(docker_engine, f"{registry.host}/local", "moorage-run") == []


def test_a_local_image_that_has_the_final_name_keeps_it(docker_engine: DockerEngine, registry: RunningRegistry) -> None:
    reference = f"{registry.host}/own/app:v1"
    docker_engine.import_tiny(reference)
    before = inspected(docker_engine, reference)
    try:
        result = publish(settings(f"{registry.host}/own", {"app": SourceText(reference)}, ONE_TAG), world(docker_engine))
        assert statuses(result) == ["published"]
        after = inspected(docker_engine, reference)
        assert (after["Id"], after["RepoTags"]) == (before["Id"], before["RepoTags"])
        assert names_in(docker_engine, f"{registry.host}/own") == [reference]
    finally:
        docker_engine.run("rmi", reference, check=False)


def test_without_labels_it_is_the_image_itself(docker_engine: DockerEngine, registry: RunningRegistry, local_image: str) -> None:
    wanted = settings(f"{registry.host}/bare", {"app": local(local_image)}, add_labels=False)
    assert statuses(publish(wanted, world(docker_engine))) == ["published"] * 3
    assert statuses(publish(wanted, world(docker_engine))) == ["up-to-date"] * 3
    assert labels_at(registry, "bare/app", "v1") == {}


def test_docker_is_asked_no_more_than_it_takes(
    docker_engine: DockerEngine, registry: RunningRegistry, local_image: str, counter: BuildCounter, tmp_path: Path
) -> None:
    """Each question is a program that has to start: one for all images, and for one that is up already no other."""
    other = f"{local_image}-other"
    docker_engine.import_tiny(other)
    both = {"app": local(local_image), "web": local(other)}
    try:
        assert publish(settings(f"{registry.host}/asked", both, ONE_TAG), counter.world).failure is None
        told = Counter(line.split()[0] for line in counter.told())
        each = ["image", "build", "image", "image", "tag", "push", "image", "rmi"]
        swept = ["image"]  # once for a run that made names: whether killed ones left any
        assert told == Counter(["image", *each, *each, "rmi", *swept])
        assert publish(settings(f"{registry.host}/asked", both, ONE_TAG), counter.world).failure is None
        assert [line.split()[:2] for line in counter.told()] == [["image", "inspect"]]
    finally:
        docker_engine.run("rmi", other, check=False)


def test_a_killed_publish_leaves_nothing_in_the_engine(docker_engine: DockerEngine, local_image: str, tmp_path: Path) -> None:
    """SIGTERM, as a cancelled CI job gets it, while the registry keeps docker waiting."""
    arrived = threading.Event()
    release = threading.Event()

    def answer(request: Request) -> Reply:
        if request.method in WRITES:
            arrived.set()
            release.wait(60)
        return Reply(200, b"{}") if request.path == "/v2/" else oci_error(404, "NAME_UNKNOWN")

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with ScriptedServer(answer) as stalling:
        script = tmp_path / "run.py"
        script.write_text(_SCRIPT.format(address=f"{stalling.host}/killed", source=local_image))
        environment = {**world(docker_engine).environ, "TMPDIR": str(temporary)}
        process = subprocess.Popen([sys.executable, str(script)], env=environment)
        assert arrived.wait(60)
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM
        release.set()
        assert names_in(docker_engine, f"{stalling.host}/killed", "moorage-run") == []
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert inspected(docker_engine, local_image)["RepoTags"] == [local_image]


_SCRIPT = """
from pathlib import Path
from moorage.commands.publish import publish
from moorage.commands.world import World
from moorage.oci.tagging import tag_requests
from moorage.registries.addressing import resolve
from moorage.settings.settings import *
publish(PublishSettings(
    Access(), Storage(resolve("{address}", "default")), Project("shop", Path(".")),
    (ImageSetting("app", (SourceText("{source}"),)),), tag_requests(custom=["v1"]),
), World())
"""


class Notes(Silence):
    """Keeps what is told, in its groups."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def test_a_build_is_told_line_by_line(docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path) -> None:
    notes = Notes()
    here = replace(world(docker_engine), progress=notes)
    publish(settings(f"{registry.host}/told", {"app": context(tmp_path / "app")}, ONE_TAG), here)
    assert [line for line in notes.told if "COPY file /file" in line]
