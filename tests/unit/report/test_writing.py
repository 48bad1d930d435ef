"""Report files: chosen by suffix, in full or not at all."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest
from tests.unit.report.plans import REGISTRY, realistic

from moorage.errors import ConfigurationError
from moorage.policy.document import from_document
from moorage.report import check_report_path, plan_html, plan_markdown, write_report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "beginning"), [("r.json", "{"), ("r.md", "# Cleanup plan"), ("r.HTML", "<!doctype html>")])
def test_the_suffix_chooses_the_format(tmp_path: Path, name: str, beginning: str) -> None:
    write_report(realistic(), tmp_path / "new" / name)
    assert (tmp_path / "new" / name).read_text(encoding="utf-8").startswith(beginning)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


@pytest.mark.parametrize("name", ["report", "report.txt", "report.html.gz", ".html"])
def test_another_suffix_names_the_three_that_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\.html, \.json or \.md"):
        check_report_path(tmp_path / name)
    with pytest.raises(ConfigurationError, match=r"\.html, \.json or \.md"):
        write_report(realistic(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_others_may_read_it_as_far_as_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_report(realistic(), tmp_path / "r.md")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "r.md").stat().st_mode) == 0o640


def test_a_report_that_cannot_be_made_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_report(realistic(), target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def _full(_handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_plan_read_back_from_its_document_reads_the_same(tmp_path: Path) -> None:
    plan = realistic()
    write_report(plan, tmp_path / "r.json")
    back = from_document(json.loads((tmp_path / "r.json").read_text()), "r.json", REGISTRY)
    assert plan_html(back) == plan_html(plan)
    assert plan_markdown(back) == plan_markdown(plan)
