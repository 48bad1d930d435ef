"""What people read of a build that failed: where, and what the builder said, without the command of this run alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage.commands.publish.build_failure import placed
from moorage.docker.engine import CommandFailed
from moorage.errors import DockerError

if TYPE_CHECKING:
    from pathlib import Path

SAID = ["#5 [2/2] RUN false", "------", " > [2/2] RUN false:", "------"]


def failed(remedy: str | None = None) -> CommandFailed:
    said = "failed with exit code 1: it broke"
    return CommandFailed(f"docker build --tag moorage-run:1-2 {said}", remedy, transient=False, said=said)


def test_it_names_the_line_and_not_the_command(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nRUN false\n")
    failure = placed(failed(), tmp_path / "Dockerfile", SAID)
    assert failure.message == f"{tmp_path}/Dockerfile:2: the build failed with exit code 1: it broke"
    assert failure.line == 2
    assert "log" in failure.remedy


def test_a_known_cause_keeps_its_remedy(tmp_path: Path) -> None:
    failure = placed(failed("Free space."), tmp_path / "gone", SAID)
    assert (failure.line, failure.remedy) == (None, "Free space.")
    assert failure.message == f"{tmp_path}/gone: the build failed with exit code 1: it broke"


def test_what_no_command_said_stays(tmp_path: Path) -> None:
    assert placed(DockerError("there is no docker"), tmp_path / "gone", []).message == f"{tmp_path}/gone: there is no docker"
