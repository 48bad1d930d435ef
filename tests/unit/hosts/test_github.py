from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.auth.secret import Secret
from moorage.errors import Failure, Refused
from moorage.hosts.github import GithubHost
from moorage.hosts.github_paths import GithubPaths
from moorage.hosts.host import choose
from moorage.hosts.workflow_commands import append_value, command

CONTAINER = {
    "GITHUB_WORKSPACE": "/github/workspace",
    "RUNNER_TEMP": "/github/runner_temp",
    "RUNNER_WORKSPACE": "/home/runner/work/shop",
    "GITHUB_REPOSITORY": "acme/shop",
}


def host(tmp_path: Path, **environ: str) -> tuple[GithubHost, io.StringIO]:
    stream = io.StringIO()
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")}
    return GithubHost({**files, **environ}, stream, "info"), stream


def values_of(file: Path) -> dict[str, str]:
    """Read as the runner reads (actions/runner, FileCommandManager): NAME<<DELIMITER, lines, DELIMITER."""
    found, lines = {}, iter(file.read_text(encoding="utf-8").split("\n"))
    for line in lines:
        if line:
            name, _, delimiter = line.partition("<<")
            value = []
            while (text := next(lines)) != delimiter:
                value.append(text)
            found[name] = "\n".join(value)
    return found


@given(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), max_size=4))
def test_any_value_comes_out_as_it_went_in(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    file = tmp_path_factory.mktemp("files") / "output"
    file.touch()
    for number, value in enumerate(values):
        append_value(file, f"v{number}", value)
    assert values_of(file) == {f"v{number}": value for number, value in enumerate(values)}


@pytest.mark.parametrize("name", ["", "a=b", "a<<b", "a\nb"])
def test_names_that_would_be_read_as_something_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a value"):
        append_value(tmp_path / "output", name, "x")


def test_workflow_commands_escape_what_would_end_them() -> None:
    assert command("error", "100%\r\n::x::", title="a:b,c", file="") == "::error title=a%3Ab%2Cc::100%25%0D%0A::x::"
    assert command("endgroup") == "::endgroup::"


def test_outputs_variables_state_and_summary(tmp_path: Path) -> None:
    github, _ = host(tmp_path)
    github.outputs({"digest": "sha256:1", "references": "a\nb"})
    assert github.export("DOCKER_CONFIG", "/x") is True
    github.save_state("docker-config", "/x")
    github.summary("# Cleanup\n")
    assert values_of(tmp_path / "GITHUB_OUTPUT") == {"digest": "sha256:1", "references": "a\nb"}
    assert values_of(tmp_path / "GITHUB_ENV") == {"DOCKER_CONFIG": "/x"}
    assert values_of(tmp_path / "GITHUB_STATE") == {"docker-config": "/x"}
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == "# Cleanup\n"
    assert github.summary_limit() == 1024 * 1024 - 1024 - len("# Cleanup\n")


def test_an_output_that_github_would_refuse_is_left_out_and_told(tmp_path: Path) -> None:
    github, stream = host(tmp_path)
    github.outputs({"deleted": "x" * 1_000_000, "deleted-count": "9"})
    assert values_of(tmp_path / "GITHUB_OUTPUT") == {"deleted-count": "9"}
    assert "::warning::the output deleted is larger" in stream.getvalue()


def test_without_files_there_is_nothing_to_write(tmp_path: Path) -> None:
    github = GithubHost({}, io.StringIO(), "info")
    github.outputs({"digest": "x"})
    github.summary("x")
    github.save_state("a", "b")
    assert (github.export("A", "b"), github.summary_limit(), github.shared_directory()) == (False, 0, None)
    assert list(tmp_path.iterdir()) == []


def test_every_secret_is_announced_before_and_after_the_host_is_known(tmp_path: Path) -> None:
    Secret("known-before-the-host")
    _, stream = host(tmp_path)
    Secret("100%\nknown-after-the-host")
    masks = re.findall(r"^::add-mask::(.*)$", stream.getvalue(), re.MULTILINE)
    assert {"known-before-the-host", "known-after-the-host", "100%25"} <= set(masks)


def test_failures_are_annotated_and_told_in_full(tmp_path: Path) -> None:
    github, stream = host(tmp_path)
    github.fail("moorage cleanup", Refused("too many, 12 of 10", remedy="Look."))
    assert stream.getvalue().endswith(
        "::error title=moorage cleanup::too many, 12 of 10\nmoorage cleanup: too many, 12 of 10\n  Look.\n"
    )


def test_groups_close_whatever_happens(tmp_path: Path) -> None:
    github, stream = host(tmp_path)
    with pytest.raises(ZeroDivisionError), github.progress.group("Build: web"):
        raise ZeroDivisionError
    assert stream.getvalue().splitlines()[-2:] == ["::group::Build: web", "::endgroup::"]


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("/github/workspace/plan.json", "/home/runner/work/shop/shop/plan.json"),
        ("/github/workspace", "/home/runner/work/shop/shop"),
        ("/github/runner_temp/moorage/docker-1", "/home/runner/work/_temp/moorage/docker-1"),
        ("/github/home/.docker", "/home/runner/work/_temp/_github_home/.docker"),
        ("/github/workspace2/x", "/github/workspace2/x"),
        ("/srv/x", "/srv/x"),
    ],
)
def test_paths_in_a_container_action_are_told_as_the_host_knows_them(inside: str, outside: str) -> None:
    assert str(GithubPaths.of(CONTAINER).outside(Path(inside))) == outside


@pytest.mark.parametrize(
    "environ", [{}, {**CONTAINER, "GITHUB_WORKSPACE": "/home/runner/work/shop/shop"}, {**CONTAINER, "RUNNER_WORKSPACE": ""}]
)
def test_on_the_host_itself_paths_are_what_they_are(environ: dict[str, str]) -> None:
    assert GithubPaths.of(environ).outside(Path("/github/workspace/x")) == Path("/github/workspace/x")


def test_the_shared_directory_is_the_runners(tmp_path: Path) -> None:
    assert host(tmp_path, RUNNER_TEMP=str(tmp_path))[0].shared_directory() == tmp_path
    assert host(tmp_path, RUNNER_TEMP=str(tmp_path / "gone"))[0].shared_directory() is None


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    github, _ = host(tmp_path, GITHUB_OUTPUT=str(tmp_path))
    with pytest.raises(Failure, match=r"the result cannot be handed to GitHub: .* cannot be written"):
        github.outputs({"a": "b"})


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"GITHUB_ACTIONS": "true"}, "GithubHost"),
        ({"GITLAB_CI": "true"}, "GitlabHost"),
        ({"GITHUB_ACTIONS": "1"}, "TerminalHost"),
    ],
)
def test_which_host_this_is(environ: dict[str, str], kind: str) -> None:
    assert type(choose(environ, io.StringIO(), "info")).__name__ == kind
