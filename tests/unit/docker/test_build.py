from pathlib import Path

import pytest

from moorage.auth.secret import Secret
from moorage.docker.attestation import can_attest
from moorage.docker.build import Build, Builder, available_builder
from moorage.docker.config_dir import DockerConfig
from moorage.docker.engine import Docker


def client(folder: Path, *, version: str, buildx: bool) -> Docker:
    """A docker command of this version, with or without the plugin."""
    program = folder / "docker"
    plugin = (
        "echo github.com/docker/buildx 0.13.1" if buildx else "echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1"
    )
    answer = f'{{"Client": {{"Version": "{version}"}}, "Server": null}}'
    program.write_text(f"#!/bin/sh\ncase $1 in\nbuildx) {plugin};;\nversion) echo '{answer}'; exit 1;;\nesac\n")
    program.chmod(0o755)
    return Docker(DockerConfig(folder), environment={"PATH": f"{folder}:/usr/bin:/bin"})


@pytest.mark.parametrize(
    ("version", "buildx", "builder"),
    [
        ("28.2.2", True, Builder.BUILDX),
        ("20.10.24+dfsg1", True, Builder.BUILDX),
        ("20.10.24+dfsg1", False, Builder.BUILDKIT),
        ("28.2.2", False, Builder.CLASSIC),
        ("library-import", False, Builder.CLASSIC),
    ],
)
def test_the_best_builder_that_is_there_is_taken(version: str, buildx: bool, builder: Builder, tmp_path: Path) -> None:
    assert available_builder(client(tmp_path, version=version, buildx=buildx)) is builder


def test_every_problem_of_a_request_is_named_at_once(tmp_path: Path) -> None:
    Secret("glpat-hunter2hunter2")
    request = Build(
        context=tmp_path,
        secrets=("id=token,env=TOKEN",),
        build_args={"PATH": "glpat-hunter2hunter2", "TOKEN": "glpat-hunter2hunter2"},
        labels={"author": "glpat-hunter2hunter2", "title": "app"},
    )
    problems = request.problems(Builder.CLASSIC)
    assert [problem.split(" ")[0] for problem in problems] == ["there", str(tmp_path) + ":", "build", "label"]
    assert "argument PATH" in problems[2]
    assert "hunter2" not in "".join(problems)


def test_buildkit_takes_secrets_and_platforms(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    request = Build(context=tmp_path, secrets=("id=token,env=TOKEN",), platforms=("linux/amd64", "linux/arm64"))
    assert request.problems(Builder.BUILDKIT) == []


def test_what_a_builder_lacks_is_said_before(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    request = Build(context=tmp_path, ssh=("default",), cache_from=("app:cache",), cache_to=("type=inline",))
    counts = {builder: len(request.problems(builder)) for builder in Builder}
    assert counts == {Builder.BUILDX: 0, Builder.BUILDKIT: 1, Builder.CLASSIC: 2}


def test_only_buildx_attests(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    request = Build(context=tmp_path, attestations=("type=sbom",))
    assert {builder: len(request.problems(builder)) for builder in Builder} == {
        Builder.BUILDX: 0,
        Builder.BUILDKIT: 1,
        Builder.CLASSIC: 1,
    }


@pytest.mark.parametrize(
    ("driver", "status", "can"),
    [
        ("docker", '[["Backing Filesystem","extfs"]]', False),
        ("docker", '[["driver-type","io.containerd.snapshotter.v1"]]', True),
        ("docker", "null", False),
        ("docker-container", "null", True),
        ("remote", "null", True),
    ],
)
def test_who_keeps_attestations(driver: str, status: str, can: bool, tmp_path: Path) -> None:
    program = tmp_path / "docker"
    inspected = f"Name:          mine\nDriver:        {driver}\nLast Activity: 2026-11-26\n"
    program.write_text(f"#!/bin/sh\ncase $1 in\nbuildx) echo '{inspected}';;\ninfo) echo '{status}';;\nesac\n")
    program.chmod(0o755)
    assert can_attest(Docker(DockerConfig(tmp_path), environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}), {}) is can


def test_a_password_that_is_a_common_word_does_not_forbid_it_in_labels(tmp_path: Path) -> None:
    Secret("admin")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert Build(context=tmp_path, labels={"title": "admin console"}).problems(Builder.BUILDX) == []
