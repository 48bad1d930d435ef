"""The container's entry point, run as the container runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import moorage

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRYPOINT = Path(__file__).parents[3] / "entrypoint"


def run(
    tmp_path: Path, *argv: str, program: Path = ENTRYPOINT, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(program), *argv]
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **(environ or {})}
    return subprocess.run(command, env=own, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_arguments_are_a_command_line(tmp_path: Path) -> None:
    assert run(tmp_path, "slug", "main").stdout == "main\n"
    assert run(tmp_path, "--version").stdout == f"moorage {moorage.__version__}\n"
    assert run(tmp_path, "--help").returncode == 0


def test_inputs_choose_the_command_and_its_options(tmp_path: Path) -> None:
    environ = {
        "INPUT_COMMAND": "names",
        "INPUT_IMAGES-REPO": "localhost:5000",
        "INPUT_IMAGE": "a\nb",
        "INPUT_TAG-CUSTOM": "v1, v2",
    }
    lines = run(tmp_path, environ=environ).stdout.splitlines()
    assert lines == [f"localhost:5000/{image}:{tag}" for image in "ab" for tag in ("v1", "v2")]


def test_a_variable_chooses_too_and_a_typed_command_comes_first(tmp_path: Path) -> None:
    assert run(tmp_path, environ={"MOORAGE_COMMAND": "slug", "MOORAGE_ARGUMENTS": "main"}).stdout == "main\n"
    assert run(tmp_path, "slug", "main", environ={"MOORAGE_COMMAND": "cleanup"}).stdout == "main\n"


@pytest.mark.parametrize("argv", [[], ["--log-level", "info"]])
def test_publish_is_what_happens_without_a_command(tmp_path: Path, argv: list[str]) -> None:
    done = run(tmp_path, *argv)
    assert done.returncode == 2
    assert done.stderr.startswith("moorage publish: ")


def test_what_login_left_is_removed_after_the_job(tmp_path: Path) -> None:
    temporary, state, variables = tmp_path / "temp", tmp_path / "state", tmp_path / "env"
    for file in (state, variables):
        file.touch()
    temporary.mkdir()
    environ = {
        "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(temporary), "GITHUB_STATE": str(state), "GITHUB_ENV": str(variables),
        "INPUT_COMMAND": "login", "INPUT_REGISTRY": "quay.example", "INPUT_USERNAME": "me", "INPUT_PASSWORD": "pass-word",
        "PATH": "/nowhere",
    }  # fmt: skip
    done = run(tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    directory = Path(state.read_text(encoding="utf-8").splitlines()[1])
    assert directory.is_relative_to(temporary)
    assert "quay.example" in (directory / "config.json").read_text(encoding="utf-8")
    assert "pass-word" not in done.stdout + done.stderr.replace("::add-mask::pass-word", "")
    environ["STATE_docker-config"] = str(directory)
    after = run(tmp_path, program=ENTRYPOINT / "post.py", environ=environ)
    assert (after.returncode, directory.exists()) == (0, False), after.stderr
    assert run(tmp_path, program=ENTRYPOINT / "post.py", environ=environ).returncode == 0


def test_a_job_that_left_nothing_needs_no_tidying(tmp_path: Path) -> None:
    done = run(tmp_path, program=ENTRYPOINT / "post.py", environ={"INPUT_COMMAND": "publish"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_runner_can_execute_the_post_step() -> None:
    post = ENTRYPOINT / "post.py"
    assert os.access(post, os.X_OK)
    assert post.read_text(encoding="utf-8").startswith("#!/opt/moorage/venv/bin/python\n")


@pytest.mark.parametrize(("before", "number"), [({}, 0), ({"GIT_CONFIG_COUNT": "2"}, 2), ({"GIT_CONFIG_COUNT": "x"}, 0)])
def test_git_trusts_the_workspace_and_keeps_what_it_was_told(before: dict[str, str], number: int) -> None:
    from entrypoint.__main__ import trusted_workspace

    told = trusted_workspace({**before, "GITHUB_WORKSPACE": "/github/workspace"})
    assert told == {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": "safe.directory",
        f"GIT_CONFIG_VALUE_{number}": "/github/workspace",
    }
