"""What a publish did, as people read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.unit.report.plans import HOSTILE, digest

from moorage.commands.publish.result import PublishedTag, PublishResult, Status
from moorage.errors import Denied, Refused
from moorage.report import published_html, published_markdown, published_text, published_werf, write_published, write_werf

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


def test_what_stopped_all_is_said_in_every_form(tmp_path: Path) -> None:
    stopped = PublishResult((), stopped=Refused(HOSTILE, remedy="Give this content a tag of its own."))
    for render in (published_markdown, published_html, lambda result: published_text(result, width=40, colour=False)):
        shown = render(stopped)
        assert "Nothing was published." in shown
        assert "a tag of its own." in " ".join(shown.split())
    write_published(stopped, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text()) == {"images": [], "error": {"code": "refused", "message": HOSTILE}}


def test_werfs_form_has_werfs_keys_for_the_last_tag_that_is_up(tmp_path: Path) -> None:
    up = PublishedTag("web", "a.io/shop:web-v1", "v1", digest("1"), Status.PUBLISHED, config=digest("c"))
    known = PublishedTag("web", "a.io/shop:web-main", "main", digest("2"), Status.UP_TO_DATE)
    down = PublishedTag("web", "a.io/shop:web-v2", "v2", None, Status.FAILED, Denied("no"))
    write_werf(PublishResult((up, down)), tmp_path / "werf.json")
    text = (tmp_path / "werf.json").read_text()
    assert text.count("\n") == 1, "one line"
    assert json.loads(text) == {
        "Images": {
            "web": {
                "WerfImageName": "web",
                "DockerRepo": "a.io/shop",
                "DockerTag": "web-v1",
                "DockerImageID": str(digest("c")),
                "DockerImageDigest": str(digest("1")),
                "Tags": [
                    {"DockerTag": "web-v1", "DockerImageDigest": str(digest("1")), "Status": "published"},
                    {"DockerTag": "web-v2", "DockerImageDigest": "", "Status": "failed", "Error": "no"},
                ],
            }
        }
    }
    last = json.loads(published_werf(PublishResult((up, known))))["Images"]["web"]
    assert (last["DockerTag"], last["DockerImageDigest"], last["DockerImageID"]) == ("web-main", str(digest("2")), "")
    failed = json.loads(published_werf(PublishResult((down,))))["Images"]["web"]
    assert (failed["DockerTag"], failed["DockerImageDigest"]) == ("web-v2", "")


def test_a_reference_by_digest_is_ready_to_use() -> None:
    assert UP.pinned == f"ghcr.io/acme/shop/frontend@{digest('up')}"
    assert PublishedTag("", "localhost:5000/a:v1", "v1", digest(1), Status.PUBLISHED).pinned == f"localhost:5000/a@{digest(1)}"
    assert DOWN.pinned == ""
