"""What a publish did, as people read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.unit.report.plans import HOSTILE, digest

from moorage.commands.publish.result import PublishedTag, PublishResult, Status
from moorage.errors import Denied
from moorage.report import published_html, published_markdown, published_text, write_published

if TYPE_CHECKING:
    from pathlib import Path

UP = PublishedTag("frontend", "ghcr.io/acme/shop/frontend:v1", "v1", digest("up"), Status.PUBLISHED)
KNOWN = PublishedTag("frontend", "ghcr.io/acme/shop/frontend:main", "main", digest("up"), Status.UP_TO_DATE)
DOWN = PublishedTag("", "ghcr.io/acme/shop:v1", "v1", None, Status.FAILED, Denied(HOSTILE, remedy="Grant packages: write."))
RESULT = PublishResult((UP, KNOWN, DOWN))


def test_what_is_not_up_comes_first_with_its_remedy() -> None:
    shown = published_text(RESULT, width=100, colour=False)
    assert shown.startswith("3 tags: 1 not up, 1 up to date, 1 published.\n  not up      ghcr.io/acme/shop:v1\n")
    assert "Grant packages: write." in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    "render", [published_markdown, published_html, lambda result: published_text(result, width=40, colour=False)]
)
def test_digests_are_whole_and_no_text_is_markup(render: object) -> None:
    assert callable(render)
    shown = render(RESULT)
    assert f"sha256:{digest('up').hex}" in shown
    assert "\u202e" not in shown


def test_pages_and_summaries_escape() -> None:
    assert "<img" not in published_html(RESULT)
    assert "<img" not in published_markdown(RESULT)


def test_the_nameless_image_is_called_as_on_the_command_line() -> None:
    assert "| `~` |" in published_markdown(PublishResult((PublishedTag("", "a.io/b:v1", "v1", digest(1), Status.PUBLISHED),)))


def test_nothing_published_is_said() -> None:
    assert published_text(PublishResult(()), width=80, colour=False) == "Nothing was published.\n"


def test_json_is_the_documented_one(tmp_path: Path) -> None:
    write_published(RESULT, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text()) == RESULT.as_json()
