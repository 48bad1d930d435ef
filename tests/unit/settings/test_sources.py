from pathlib import Path
from typing import Any

import pytest
from tests.calling import requested

from moorage.auth.secret import Secret
from moorage.settings.options import access, general, images, rules, safety, tags, where

REPO = where.IMAGES_REPO
LEVELS: dict[str, dict[str, Any]] = {
    "--images-repo": {"argv": ["--images-repo", "flag"]},
    "input images-repo": {"environ": {"INPUT_IMAGES-REPO": "input"}},
    "$MOORAGE_IMAGES_REPO": {"environ": {"MOORAGE_IMAGES_REPO": "variable"}},
    "moorage.yaml": {"config": "options: {images-repo: config}"},
    "$GITHUB_REPOSITORY": {"environ": {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Acme/Shop"}},
}
VALUES = ["flag", "input", "variable", "config", "ghcr.io/acme/shop"]


@pytest.mark.parametrize("first", range(len(LEVELS)))
def test_the_first_source_that_says_something_wins(tmp_path: Path, first: int) -> None:
    levels = list(LEVELS.values())[first:]
    environ = {name: value for level in levels for name, value in level.get("environ", {}).items()}
    argv = [word for level in levels for word in level.get("argv", [])]
    config = next((level["config"] for level in levels if "config" in level), None)
    options = requested(tmp_path, "cleanup", *argv, environ=environ, config=config).options
    assert options.value(REPO) == VALUES[first]
    assert list(LEVELS)[first] in options.origin(REPO)


def test_an_empty_text_says_nothing(tmp_path: Path) -> None:
    environ = {"INPUT_IMAGES-REPO": "", "MOORAGE_IMAGES_REPO": "  ", "MOORAGE_IMAGES_REPO_MODE": ""}
    options = requested(tmp_path, "cleanup", "--images-repo", "", environ=environ, config="options: {images-repo: here}").options
    assert options.value(REPO) == "here"
    assert options.value(where.IMAGES_REPO_MODE) == "auto"
    assert options.origin(where.IMAGES_REPO_MODE) == "default"


def test_component_inputs_have_no_hyphens_in_their_variables(tmp_path: Path) -> None:
    environ = {"INPUT_IMAGES_REPO": "component", "MOORAGE_IMAGES_REPO": "variable"}
    assert requested(tmp_path, "cleanup", environ=environ).options.value(REPO) == "component"
    environ |= {"INPUT_IMAGES-REPO": "action"}
    assert requested(tmp_path, "cleanup", environ=environ).options.value(REPO) == "action"


@pytest.mark.parametrize("text", ["a,b\nc", " a , b ,, c \n\n", "a\r\nb\r\nc"])
def test_lists_are_split_and_trimmed(tmp_path: Path, text: str) -> None:
    environ = {"MOORAGE_TAG_CUSTOM": text}
    assert requested(tmp_path, "publish", environ=environ).options.values(tags.TAG_CUSTOM) == ("a", "b", "c")


def test_lists_in_the_config_file_may_be_lists(tmp_path: Path) -> None:
    config = "options:\n  tag-custom: [a, 'b,c']\n  insecure-registry: |\n    one:5000\n    two:5000\n"
    options = requested(tmp_path, "publish", config=config).options
    assert options.values(tags.TAG_CUSTOM) == ("a", "b,c")
    assert options.values(access.INSECURE_REGISTRY) == ("one:5000", "two:5000")


def test_a_repeated_flag_takes_each_value_as_it_stands(tmp_path: Path) -> None:
    argv = ["--tag-custom", "a,b", "--tag-custom= c", "--tag-custom", ""]
    assert requested(tmp_path, "publish", *argv).options.values(tags.TAG_CUSTOM) == ("a,b", " c", "")


def test_commas_in_regular_expressions_and_labels_are_theirs(tmp_path: Path) -> None:
    environ = {"MOORAGE_DELETE_TAGS": "/sha-[0-9a-f]{7,40}/, !/a,b/ ,pr-*", "MOORAGE_LABEL": "a=1,2\nb=x=y"}
    options = requested(tmp_path, "cleanup", environ=environ).options
    assert options.values(rules.DELETE_TAGS) == ("/sha-[0-9a-f]{7,40}/", "!/a,b/", "pr-*")
    assert requested(tmp_path, "publish", environ=environ).options.values(images.LABEL) == (("a", "1,2"), ("b", "x=y"))


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("1", True), ("Yes", True), ("false", False), ("0", False), ("no", False)]
)
def test_booleans(tmp_path: Path, text: str, meant: bool) -> None:
    for request in (
        requested(tmp_path, "cleanup", f"--dry-run={text}"),
        requested(tmp_path, "cleanup", environ={"MOORAGE_DRY_RUN": text}),
        requested(tmp_path, "cleanup", environ={"INPUT_DRY-RUN": text}),
    ):
        assert request.options.value(safety.DRY_RUN) is meant
        assert not request.problems


def test_a_flag_that_is_off_beats_a_variable_that_is_on(tmp_path: Path) -> None:
    options = requested(tmp_path, "cleanup", "--dry-run=false", environ={"MOORAGE_DRY_RUN": "true"}).options
    assert options.value(safety.DRY_RUN) is False


def test_variables_of_others_come_after_the_config_file(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": "/theirs"}
    assert requested(tmp_path, "publish", environ=environ).options.value(access.DOCKER_CONFIG) == "/theirs"
    config = "options: {docker-config: /ours}"
    assert requested(tmp_path, "publish", environ=environ, config=config).options.value(access.DOCKER_CONFIG) == "/ours"


def test_a_secret_loses_the_line_break_of_its_file_and_nothing_else(tmp_path: Path) -> None:
    options = requested(tmp_path, "publish", environ={"MOORAGE_PASSWORD": " with spaces \n"}).options
    assert options.value(access.PASSWORD) == Secret(" with spaces ")


def test_every_bad_value_is_told_with_its_source_and_secrets_are_not(tmp_path: Path) -> None:
    environ = {"MOORAGE_MAX_DELETE": "many", "INPUT_OLDER-THAN": "7", "MOORAGE_REGISTRY_AUTH": "hunter2hunter2"}
    request = requested(tmp_path, "cleanup", "--parallel", "0", environ=environ, config="options:\n  shard: 3/2\n")
    error = request.problems.error()
    assert error is not None
    assert "hunter2" not in str(error)
    begun = sorted(problem.rsplit(": ", 1)[0] for problem in error.problems)
    assert begun == [
        "bad $MOORAGE_MAX_DELETE 'many'",
        "bad $MOORAGE_REGISTRY_AUTH ***",
        "bad --parallel '0'",
        f"bad {tmp_path}/moorage.yaml:2: options.shard '3/2'",
        "bad input older-than '7'",
    ]


def test_the_debug_log_tells_origins_and_hides_secrets(tmp_path: Path) -> None:
    environ = {"MOORAGE_PASSWORD": "hunter2hunter2", "MOORAGE_USERNAME": "me"}
    options = requested(tmp_path, "publish", "--parallel", "3", environ=environ).options
    told = list(options.told((general.PARALLEL, access.USERNAME, access.PASSWORD, general.PROJECT)))
    assert told == [
        "parallel = 3 (from --parallel)",
        "username = me (from $MOORAGE_USERNAME)",
        "password = *** (from $MOORAGE_PASSWORD)",
    ]
