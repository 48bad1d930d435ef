import pytest

from moorage.cli.arguments import Arguments, check_flags, take_apart
from moorage.option import Command
from moorage.settings.problems import Problems


def apart(*argv: str) -> tuple[Arguments, list[str]]:
    problems = Problems()
    found = take_apart(argv, problems)
    error = problems.error()
    return found, list(error.problems) if error else []


def test_options_stand_before_or_after_the_command_with_or_without_equals() -> None:
    found, problems = apart(
        "--output", "json", "names", "--images-repo=a=b", "--tag-custom", "x", "--tag-custom", "y", "--dry-run"
    )
    assert (found.words, problems) == (["names"], [])
    assert found.flags == {"output": ["json"], "images-repo": ["a=b"], "tag-custom": ["x", "y"], "dry-run": ["true"]}


def test_a_value_may_start_with_one_dash() -> None:
    found, problems = apart("--max-delete", "-1", "--tag-custom=--x", "-")
    assert (found.flags, found.words, problems) == ({"max-delete": ["-1"], "tag-custom": ["--x"]}, ["-"], [])


def test_after_two_dashes_everything_is_a_word() -> None:
    found, problems = apart("slug", "--", "--output", "-x", "--")
    assert (found.words, found.flags, problems) == (["slug", "--output", "-x", "--"], {}, [])


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--image-repo", "x", "names"], ["unknown option --image-repo, did you mean --images-repo?"]),
        (["--dry-rum", "cleanup"], ["unknown option --dry-rum, did you mean --dry-run?"]),
        (["--cut-off=7d"], ["unknown option --cut-off, did you mean --older-than?"]),
        (["--qqqqq"], ["unknown option --qqqqq"]),
        (["--images-repo"], ["--images-repo needs a value: --images-repo ADDRESS"]),
        (["--images-repo", "--dry-run"], ["--images-repo needs a value: --images-repo ADDRESS"]),
        (["-x"], ["unknown option -x: options have two dashes; a word that starts with a dash comes after --"]),
    ],
)
def test_mistakes(argv: list[str], told: list[str]) -> None:
    found, problems = apart(*argv)
    assert problems == told
    assert "x" not in found.words


def test_an_unknown_flag_leaves_the_command_alone() -> None:
    assert apart("--dry-rum", "cleanup")[0].words == ["cleanup"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--older-than", "7d"], ["--older-than means nothing to publish; it belongs to cleanup, explain"]),
        (["--images-repo", "a", "--images-repo", "b"], ["--images-repo takes one value and is given 'a' and 'b'"]),
        (["--password", "aaaa", "--password", "bbbb"], ["--password takes one value and is given different values"]),
        (["--dry-run", "--dry-run=false"], ["--dry-run takes one value and is given 'true' and 'false'"]),
        (["--images-repo", "a", "--images-repo", "a", "--images-repo", ""], []),
        (["--tag-custom", "a", "--tag-custom", "b"], []),
    ],
)
def test_options_of_other_commands_and_contradictions(argv: list[str], told: list[str]) -> None:
    problems = Problems()
    check_flags(Command.PUBLISH, take_apart(argv, problems), problems)
    error = problems.error()
    assert (list(error.problems) if error else []) == told
