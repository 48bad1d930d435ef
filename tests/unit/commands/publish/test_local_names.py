"""Who may have a name in the engine, and for how long others wait: with a docker that has no images and does as it is told."""

from __future__ import annotations

import fcntl
import threading
import time
from typing import TYPE_CHECKING

import pytest

from moorage.commands.publish.local_names import LocalNames
from moorage.docker.config_dir import private_docker_config
from moorage.docker.engine import Docker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "r.example.com/app:v1"
PROGRAM = """#!/bin/sh
echo "$*" >> {told}
case "$1 $2" in
"image inspect") exit 1;;
"image ls") cat "$0.names" 2>/dev/null || true;;
"version --format") echo '{{"Client": {{"Version": "28.2"}}, "Server": {{"Version": "28.2"}}}}';;
esac
"""


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    program = tmp_path / "docker"
    program.write_text(PROGRAM.format(told=tmp_path / "told"))
    program.chmod(0o755)
    with private_docker_config(None, place=tmp_path) as config:
        yield Docker(config, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})


def locks(docker: Docker) -> list[Path]:
    return sorted(docker.config.directory.parent.glob("name-*"))


def test_one_run_has_a_name_at_a_time(docker: Docker) -> None:
    first, second = LocalNames(docker), LocalNames(docker)
    order: list[str] = []

    def later() -> None:
        with second.borrowed(NAME):
            order.append("second")

    with first.borrowed(NAME):
        thread = threading.Thread(target=later)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
    assert locks(docker) == []


def test_different_names_do_not_wait(docker: Docker) -> None:
    with LocalNames(docker).borrowed(NAME), LocalNames(docker, time_left=lambda: 600.0).borrowed(f"{NAME}-other"):
        assert len(locks(docker)) == 2


def test_nobody_waits_longer_than_there_is_time(docker: Docker) -> None:
    """Whoever goes on without the lock leaves it to its owner."""
    with LocalNames(docker).borrowed(NAME):
        (lock,) = locks(docker)
        with LocalNames(docker, time_left=lambda: 0.1).borrowed(NAME):
            assert locks(docker) == [lock]
        assert locks(docker) == [lock]


def test_a_killed_run_keeps_nobody_waiting(docker: Docker) -> None:
    with LocalNames(docker).borrowed(NAME):
        (lock,) = locks(docker)
    with lock.open("w") as left_behind:
        fcntl.flock(left_behind, fcntl.LOCK_EX)
    with LocalNames(docker, time_left=lambda: 600.0).borrowed(NAME):
        assert locks(docker) == [lock]


def test_names_of_a_run_are_given_back_in_one_command(docker: Docker, tmp_path: Path) -> None:
    with LocalNames(docker).returned_at_end() as names:
        given = [names.new(), names.new(labelled=True)]
        assert len(set(given)) == 2
    assert _rmi(tmp_path) == [f"rmi --no-prune {given[1]} {given[0]}"]


def _rmi(tmp_path: Path) -> list[str]:
    told = (tmp_path / "told").read_text().splitlines()
    return [line for line in told if line.startswith("rmi ")]


def test_what_killed_runs_left_long_ago_goes_with_the_names_of_a_run_that_made_some(docker: Docker, tmp_path: Path) -> None:
    now = int(time.time())
    old, young = f"{now - 8 * 86_400}-7-abcdef01-1", f"{now - 86_400}-7-abcdef01-1"
    others = ["moorage-run:4711-abcdef01-1", "moorage-run:latest", "moorage-labelled:<none>"]
    names = [f"{repository}:{tag}" for repository in ("moorage-run", "moorage-labelled") for tag in (old, young)]
    (tmp_path / "docker.names").write_text("\n".join([*names, *others]))
    with LocalNames(docker).returned_at_end() as local:
        own = local.new()
    assert _rmi(tmp_path) == [f"rmi --no-prune {own}", f"rmi --no-prune moorage-run:{old} moorage-labelled:{old}"]


def test_a_run_that_made_no_names_asks_the_engine_nothing(docker: Docker, tmp_path: Path) -> None:
    with LocalNames(docker).returned_at_end():
        pass
    assert not (tmp_path / "told").exists()
