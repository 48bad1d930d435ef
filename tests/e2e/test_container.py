"""The built image, run as people run it: with less and less around it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.archives import docker_archive, write_layout
from tests.images import image, layer
from tests.realparts.registry import BRIDGE

import moorage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.realparts.engine import DockerEngine
    from tests.realparts.fixtures import RegistryFactory

pytestmark = pytest.mark.xdist_group("moorage-image")  # one worker builds it

NOBODY = 65534
SOMEBODY = 1001
WEB = image(layer("web"))


@dataclass(frozen=True)
class Container:
    """`docker run` of Moorage with its options, before the name of the image."""

    engine: DockerEngine
    image: str
    options: tuple[str | Path, ...] = ()

    def with_options(self, *options: str | Path) -> Container:
        return Container(self.engine, self.image, (*self.options, *options))

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.engine.run("run", "--rm", *self.options, self.image, *arguments, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def shell(self, script: str) -> str:
        return self.engine.run("run", "--rm", "--entrypoint", "sh", *self.options, self.image, "-c", script).stdout


@pytest.fixture
def container(docker_engine: DockerEngine, moorage_image: str) -> Container:
    return Container(docker_engine, moorage_image)


@pytest.fixture
def nobody(container: Container, workplace: Path) -> Container:
    """No root, no socket, nothing to write to but the mounted directory and /tmp."""
    user = ("--user", f"{NOBODY}:{NOBODY}", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    bare = ("--read-only", "--tmpfs", "/tmp")  # noqa: S108 - the container's own
    return container.with_options(*user, *bare, "--volume", f"{workplace}:/work", "--workdir", "/work")


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Path]:
    """A directory of nobody's, with a layout and an archive to publish."""
    folder = tmp_path / "work"
    write_layout(folder / "made", {"web": WEB})
    (folder / "web.tar").write_bytes(docker_archive({"acme/web:1": WEB}))
    give(folder, NOBODY)
    yield folder
    give(folder, os.getuid())


def give(folder: Path, user: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


def test_it_tells_its_version_also_as_a_command_of_scripts(container: Container) -> None:
    assert container.run("--version").stdout == f"moorage {moorage.__version__}\n"
    # A login shell forgets the image's PATH, and jobs of GitLab may run in one.
    assert container.shell("bash --login -c 'cd / && moorage --version'") == f"moorage {moorage.__version__}\n"


def test_without_arguments_it_publishes_and_says_what_is_missing(container: Container) -> None:
    problems = json.loads(container.run("--output", "json", code=2).stdout)["error"]["problems"]
    assert any("--image" in problem for problem in problems)


def test_it_brings_every_program_and_package_it_may_need(container: Container) -> None:
    said = container.shell("git --version && docker --version && docker buildx version")
    assert [line.split()[0] for line in said.splitlines()] == ["git", "Docker", "github.com/docker/buildx"]
    modules = "boto3, google.auth, gql, lightkube, re2, requests, yaml"
    assert container.shell(f"/opt/moorage/venv/bin/python -c 'import {modules}; print(re2.__name__)'") == "re2\n"


def test_it_carries_no_leftovers_of_its_making(container: Container, docker_engine: DockerEngine) -> None:
    left = "find /var/cache/apt /var/lib/apt/lists /var/log /tmp /usr/share/man /build -type f 2>/dev/null"
    assert container.shell(f"{left}; ls /opt/moorage/venv/bin | grep -i pip; true") == ""
    size = int(docker_engine.run("image", "inspect", "--format", "{{.Size}}", container.image).stdout)
    assert size < 420_000_000, "measured: 384 MB, of which the base has 79, buildx 66, git with perl 98, the venv 73"


def test_everything_is_compiled_since_it_may_be_run_read_only(container: Container) -> None:
    script = """
import importlib.util, pathlib, sys
root = pathlib.Path("/opt/moorage/venv/lib")
files = [p for p in root.rglob("*.py") if p.parts[-2] not in {"templates"}]
print(len(files), [str(p) for p in files if not pathlib.Path(importlib.util.cache_from_source(str(p))).exists()])
"""
    count, missing = container.shell(f"/opt/moorage/venv/bin/python - <<'END'\n{script}\nEND").split(maxsplit=1)
    assert int(count) > 1000
    assert missing.strip() == "[]"


def test_nobody_publishes_into_a_directory_without_docker(nobody: Container, workplace: Path) -> None:
    argv = ("publish", "--images-repo", "oci:registry", "--tag-custom", "v1", "--tag-custom", "v2")
    said = nobody.run(*argv, "--image", "web=oci:made", "--image", "api=docker-archive:web.tar", "--output", "json").stdout
    published = {entry["reference"]: (entry["status"], entry["digest"]) for entry in json.loads(said)["images"]}
    for name in ("web", "api"):
        layout_reading.whole(workplace / "registry" / name)
        found = layout_reading.tags(workplace / "registry" / name)
        assert published == {**published, **{f"oci:registry/{name}:{tag}": ("published", found[tag]) for tag in ("v1", "v2")}}
    assert len(published) == 4
    assert {path.stat().st_uid for path in (workplace / "registry").rglob("*")} == {NOBODY}


def test_nobody_publishes_to_a_registry_and_cleans_it_without_docker(
    nobody: Container, docker_engine: DockerEngine, registry_factory: RegistryFactory
) -> None:
    running = registry_factory(bind="0.0.0.0")  # noqa: S104 - containers reach it on the bridge
    host = f"{BRIDGE}:{running.port}"
    there = ("--images-repo", f"{host}/shop", "--insecure-registry", host, "--output", "json")
    nobody.run("publish", *there, "--image", "web=docker-archive:web.tar", "--tag-custom", "v1", "--tag-custom", "v2")
    pulled = docker_engine.run("pull", "--quiet", f"127.0.0.1:{running.port}/shop/web:v1").stdout.strip()
    assert docker_engine.run("image", "inspect", "--format", "{{len .RootFS.Layers}}", pulled).stdout == "1\n"
    rules = ("--repository", "web", "--delete-tags", "v1", "--keep-images-built-within-last-n-hours", "0")
    document = json.loads(nobody.run("cleanup", *there, *rules, "--journal", "journal.jsonl").stdout)
    assert [item["tag"] for item in document["items"] if item["outcome"] == "deleted" and item["kind"] == "tag"] == ["v1"]
    docker_engine.run("pull", "--quiet", f"127.0.0.1:{running.port}/shop/web:v2")


def test_somebody_of_the_sockets_group_builds(nobody: Container, workplace: Path) -> None:
    (workplace / "made" / "Dockerfile").write_text("FROM scratch\nCOPY index.json /\n")
    socket_path = Path("/var/run/docker.sock")
    socket = ("--volume", f"{socket_path}:{socket_path}", "--group-add", str(socket_path.stat().st_gid))
    argv = ("publish", "--images-repo", "oci:registry", "--tag-custom", "v1", "--image", "web=made")
    nobody.with_options(*socket).run(*argv)
    layout_reading.whole(workplace / "registry" / "web")


def test_a_build_without_the_socket_says_what_to_mount(nobody: Container, workplace: Path) -> None:
    (workplace / "made" / "Dockerfile").write_text("FROM scratch\n")
    argv = ("publish", "--images-repo", "oci:registry", "--tag-custom", "v1", "--image", "web=made", "--output", "json")
    error = json.loads(nobody.run(*argv, code=4).stdout)["error"]
    assert error["code"] == "docker"
    assert "/var/run/docker.sock" in error["message"] + error["remedy"]


def test_the_checkout_of_another_user_is_read(container: Container, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    write_layout(checkout / "made", {"web": WEB})
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.invalid")
    for argv in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *argv], cwd=checkout, check=True, timeout=30)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()
    give(checkout, SOMEBODY)
    there = container.with_options("--volume", f"{checkout}:/checkout", "--workdir", "/checkout")
    there.run("publish", "--images-repo", "oci:registry", "--image", "web=oci:made", "--tag-custom", "v1")
    labels = {key: value for config in configs(checkout / "registry" / "web") for key, value in config.items()}
    assert labels["org.opencontainers.image.revision"] == commit


def configs(folder: Path) -> Iterator[dict[str, str]]:
    """The labels of every image in a layout."""
    for entry in layout_reading.entries(folder):
        manifest = json.loads((folder / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).read_bytes())
        config = json.loads((folder / "blobs/sha256" / manifest["config"]["digest"].removeprefix("sha256:")).read_bytes())
        yield config["config"].get("Labels", {})


def test_docker_stop_is_heard(container: Container) -> None:
    """The first process of a container gets no default handlers: without ours, `docker stop` would wait and then kill."""
    name = f"moorage-test-{uuid.uuid4().hex[:12]}"
    with socket.create_server(("0.0.0.0", 0)) as silent:  # noqa: S104 - for the container
        host = f"{BRIDGE}:{silent.getsockname()[1]}"
        argv = ("cleanup", "--images-repo", f"{host}/shop", "--repository", "web", "--delete-tags", "v*", "--dry-run")
        engine = container.engine
        engine.run("run", "--detach", "--name", name, container.image, *argv, "--insecure-registry", host)
        try:
            silent.settimeout(60)
            with silent.accept()[0]:  # it has asked, and waits for an answer
                engine.run("stop", "--time", "9", name)  # docker's own patience is 10 s
            assert engine.run("inspect", "--format", "{{.State.ExitCode}}", name).stdout == f"{128 + signal.SIGTERM}\n"
        finally:
            engine.run("rm", "--force", name)
