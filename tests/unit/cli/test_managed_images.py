"""`moorage managed-images` over directories of layouts and a repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.calling import call, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def where(tmp_path: Path) -> tuple[str, str]:
    return ("--images-repo", f"oci:{tmp_path}/registry")


def test_names_are_added_listed_and_removed(where: tuple[str, str]) -> None:
    assert call("managed-images", "ls", *where).out == ""
    assert call("managed-images", "add", "web", "team/api", *where).out == "add web\nadd team/api\n"
    assert call("managed-images", "ls", *where).out == "team/api\nweb\n"
    assert call("managed-images", "rm", "web", *where).out == "rm web\n"
    assert json.loads(call("managed-images", "ls", *where, "--output", "json").out) == {"images": ["team/api"]}


def test_what_is_done_already_succeeds_silently(where: tuple[str, str]) -> None:
    call("managed-images", "add", "web", *where)
    for argv in (["add", "web"], ["rm", "api"], ["rm", "~"]):
        called = call("managed-images", *argv, *where)
        assert (called.code, called.out) == (0, "")
    assert call("managed-images", "ls", *where).out == "web\n"


def test_a_name_that_the_images_repo_cannot_hold_is_refused(where: tuple[str, str]) -> None:
    assert "nameless" in refused("managed-images", "add", "~", *where)[0]
    assert "lower-case" in refused("managed-images", "add", "Web", *where)[0]


@pytest.mark.parametrize("argv", [["add"], ["rm"], ["ls", "web"], ["list"]])
def test_other_words_are_refused_together_with_all_else_that_is_wrong(argv: list[str]) -> None:
    problems = refused("managed-images", *argv)
    assert len(problems) == 2
    assert "--images-repo ADDRESS is needed" in " ".join(problems)
