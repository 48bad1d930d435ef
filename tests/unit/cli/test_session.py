"""From argv to exit code, stdout and stderr."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.calling import call, refused

import moorage
from moorage.errors import Failure
from moorage.option import Command

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("names", "--images-repo", "localhost:5000", "--image", "web", "--tag-custom", "v1")


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_text_and_nothing_else_on_stdout() -> None:
    called = call(*NAMES)
    assert (called.code, called.out, called.err) == (0, "localhost:5000/web:v1\n", "")


@pytest.mark.parametrize("environ", [{"MOORAGE_OUTPUT": "json"}, {"INPUT_OUTPUT": "json"}])
def test_json_is_one_document_wherever_it_is_asked_for(environ: dict[str, str]) -> None:
    document = call(*NAMES, environ=environ).document
    assert document == call(*NAMES, "--output", "json").document
    assert document == {
        "implementation": "default",
        "mode": "multirepo",
        "images": [{"image": "web", "repository": "localhost:5000/web", "tag": "v1", "reference": "localhost:5000/web:v1"}],
    }


def test_the_config_file_may_ask_for_json_and_for_silence(tmp_path: Path) -> None:
    (tmp_path / "moorage.yaml").write_text("options: {output: json, log-level: debug}\n", encoding="utf-8")
    called = call(*NAMES)
    assert called.document["mode"] == "multirepo"
    assert "tag-custom = v1 (from --tag-custom)" in called.err
    assert call(*NAMES, "--output", "text", "--log-level", "info").out == "localhost:5000/web:v1\n"


def test_errors_are_json_too() -> None:
    called = call("names", "--output=json", "--images-repo", "x y")
    error = called.document["error"]
    assert called.code == 2
    assert (error["code"], list(error)) == ("configuration", ["code", "message", "problems", "remedy"])
    assert len(error["problems"]) == 3


def test_all_mistakes_of_all_kinds_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "moorage.yaml").write_text("optoins: {}\n", encoding="utf-8")
    environ = {"MOORAGE_IMAGE_REPO": "x", "INPUT_TAG-CUSTON": "y", "MOORAGE_IMAGES_REPO": "a b"}
    problems = refused("names", "--imagee", "web", "--dry-run", "extra", environ=environ)
    begun = [problem.partition(",")[0].partition(": ")[0] for problem in problems]
    assert begun == [
        "unknown option --imagee",
        "--dry-run means nothing to names; it belongs to cleanup",
        f"{tmp_path}/moorage.yaml:1",
        "unknown variable MOORAGE_IMAGE_REPO",
        "unknown input tag-custon",
        "unexpected argument 'extra'",
        "bad $MOORAGE_IMAGES_REPO 'a b'",
        "no image is named",
        "a tag is needed",
    ]


def test_text_errors_say_what_and_what_next() -> None:
    called = call("names", "--images-repo", "localhost:5000", "--tag-custom", "v1")
    assert called.out == ""
    first, second = called.err.splitlines()
    assert first.startswith("moorage names: no image is named: give --image NAME")
    assert second.startswith("  Correct the options")
    several = call("names")
    assert several.err.splitlines()[0] == "moorage names: 3 problems"
    assert "Traceback" not in several.err


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["nmaes"], "unknown command 'nmaes', did you mean names?"),
        (["qqqqq"], "unknown command 'qqqqq'"),
        (["slug"], "moorage slug needs TEXT"),
        (["slug", "a", "b"], "unexpected argument 'b'"),
        (["cleanup", "--dry-run", "false"], "unexpected argument 'false'; true and false are written --option=false"),
    ],
)
def test_words(argv: list[str], problem: str) -> None:
    assert problem in refused(*argv)


def test_no_command_shows_help_and_is_a_mistake() -> None:
    called = call()
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith("Publish container images")


def test_a_command_may_come_from_a_variable_or_an_input() -> None:
    variable, chosen = {"MOORAGE_COMMAND": "slug", "MOORAGE_ARGUMENTS": "feature/foo"}, {"INPUT_COMMAND": "names"}
    assert call(environ=variable).out == call("slug", "feature/foo").out
    assert call(*NAMES[1:], environ={**variable, **chosen, "MOORAGE_ARGUMENTS": ""}).out == "localhost:5000/web:v1\n"
    assert call(*NAMES, environ={"MOORAGE_COMMAND": "slug"}).code == 0
    assert call(environ={"MOORAGE_COMMAND": "slugg"}).code == 2


@pytest.mark.parametrize("text", ["", "main", "--", "feature/Foo"])
def test_slugs(text: str) -> None:
    slug = call("slug", "--output", "json", "--", text).document["slug"]
    assert call("slug", "--", text).out == f"{slug}\n"
    assert bool(slug) is bool(text)


def test_version() -> None:
    for argv in (["--version"], ["cleanup", "--version"], ["--output", "json", "--version"]):
        assert (call(*argv).code, call(*argv).out) == (0, f"moorage {moorage.__version__}\n")


@pytest.mark.parametrize("command", list(Command))
def test_every_command_knows_its_options_and_refuses_others(command: Command) -> None:
    called = call(command, "--help")
    assert called.code == 0
    assert f"Usage: moorage {command}" in called.out
    assert "unknown option --no-such-thing" in refused(command, "--no-such-thing")


def test_a_bug_is_exit_code_1_and_shows_its_traceback_to_those_who_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_call: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("moorage.cli.verbs.slug.run", break_down)
    called = call("slug", "x", "--output", "json")
    assert (called.code, called.document["error"]["code"]) == (1, "unexpected")
    assert called.document["error"]["message"] == "unexpected ZeroDivisionError: oh"
    assert "Traceback" not in called.err
    assert "Traceback" in call("slug", "x", "--log-level", "debug").err


def test_the_exit_code_is_the_failures_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in _all_failures(Failure):
        failure = kind("what happened")

        def fail(_call: object, failure: Failure = failure) -> None:
            raise failure

        monkeypatch.setattr("moorage.cli.verbs.slug.run", fail)
        called = call("slug", "x", "--output", "json")
        assert (called.code, called.document["error"]["code"]) == (kind.exit_code, kind.code)
        assert called.document["error"]["remedy"] == kind.default_remedy


def _all_failures(kind: type[Failure]) -> list[type[Failure]]:
    below = [one for one in kind.__subclasses__() if one.__module__ == "moorage.errors"]
    return [kind, *(found for one in below for found in _all_failures(one))]


def test_secrets_are_blanked_in_errors_and_in_the_debug_log() -> None:
    environ = {"MOORAGE_PASSWORD": "hunter2hunter2", "MOORAGE_USERNAME": "me"}
    called = call("publish", "--images-repo", "hunter2hunter2 x", "--log-level", "debug", environ=environ)
    assert called.code == 2
    assert "hunter2" not in called.err + called.out
    assert "password = *** (from $MOORAGE_PASSWORD)" in called.err


def test_where_values_come_from_is_told_to_those_who_debug() -> None:
    called = call(*NAMES, "--log-level", "debug", environ={"MOORAGE_IMAGES_REPO_MODE": "multirepo"})
    assert "images-repo-mode = multirepo (from $MOORAGE_IMAGES_REPO_MODE)" in called.err
    assert call(*NAMES, "--log-level", "info").err == ""


def test_inputs_of_another_command_are_told_in_an_action() -> None:
    environ = {"INPUT_OLDER-THAN": "7d", "GITHUB_ACTIONS": "true", "INPUT_GITHUB-TOKEN": "tokentoken"}
    called = call(*NAMES, environ=environ)
    assert called.code == 0
    assert "::warning::input older-than means nothing to names and is not used" in called.err
    assert called.err.count("::warning") == 1


def test_as_a_process() -> None:
    done = subprocess.run([sys.executable, "-m", "moorage", *NAMES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "localhost:5000/web:v1\n", "")


def test_a_reader_who_has_seen_enough() -> None:
    command = f"{sys.executable} -m moorage --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_cannot_show_a_letter() -> None:
    argv = [sys.executable, "-m", "moorage", "names", "--images-repo", "oci:ü", "--image", "a", "--tag-custom", "v1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stdout) == (0, "oci:\\xfc/a:v1\n")
