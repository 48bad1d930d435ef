"""Shards: every repository is in one of them, and their reports make one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import layout_reading
from tests.calling import Called, call, refused
from tests.images import image, layer, push

from moorage.commands.planning import own_shard
from moorage.oci.reference import Registry, Repository
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = Registry("registry.example.com")
PATHS = st.sets(st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6})?", fullmatch=True), max_size=30)


@given(PATHS, st.integers(1, 12))
def test_shards_are_complete_and_disjoint(paths: set[str], count: int) -> None:
    repositories = [Repository(REGISTRY, path) for path in sorted(paths)]
    shards = [own_shard(repositories, (number, count)) for number in range(1, count + 1)]
    assert sorted(repository for shard in shards for repository in shard) == sorted(repositories)


@given(PATHS, st.integers(1, 12))
def test_a_repository_stays_in_its_shard_whatever_else_there_is(paths: set[str], count: int) -> None:
    repositories = [Repository(REGISTRY, path) for path in sorted(paths)]
    for number in range(1, count + 1):
        alone = [one for repository in repositories for one in own_shard([repository], (number, count))]
        assert list(own_shard(repositories, (number, count))) == alone


# Reports


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user stands: twelve repositories, each with `old` and `new`."""
    monkeypatch.chdir(tmp_path)
    name = Registry("oci:registry")
    for number in range(12):
        for tag in ("old", "new"):
            push(LayoutRegistry(name), Repository(name, f"app-{number}"), image(layer(f"{tag} {number}")), tag)
    return tmp_path


def cleanup(place: Path, *argv: str, **environ: str) -> Called:
    return call(
        "cleanup", "--images-repo", "oci:registry", "--all-repositories", "--delete-tags", "old",
        "--keep-images-built-within-last-n-hours", "0", *argv, environ={"HOME": str(place), **environ},
    )  # fmt: skip


def test_the_jobs_of_a_matrix_share_the_work_and_their_reports_make_one(place: Path) -> None:
    for number in (1, 2, 3):
        assert cleanup(place, "--shard", f"{number}/3", "--report", f"{number}.json").code == 0
    assert {frozenset(layout_reading.tags(folder)) for folder in (place / "registry").iterdir()} == {frozenset({"new"})}

    files = [f"{number}.json" for number in (1, 2, 3)]
    called = call("report", "merge", *files, "--report", "all.html", "--report", "all.json", "--output", "json", environ={})
    assert called.code == 0, called.err
    merged = json.loads((place / "all.json").read_text(encoding="utf-8"))
    assert merged == called.document
    assert merged["applied"] is True
    assert (merged["totals"]["deleted_tags"], merged["totals"]["kept_tags"]) == (12, 12)
    assert merged["totals"]["freed_bytes"] == sum(
        json.loads((place / file).read_text())["totals"]["freed_bytes"] for file in files
    )
    assert len({item["repository"] for item in merged["items"]}) == 12
    assert "app-11" in (place / "all.html").read_text(encoding="utf-8")
    assert "app-11" in call("report", "merge", *files, environ={}).out


def test_what_is_not_of_different_shards_of_one_run_is_refused(place: Path) -> None:
    cleanup(place, "--shard", "1/2", "--report", "1.json", "--dry-run")
    cleanup(place, "--report", "all.json")
    problems = refused("report", "merge", "1.json", "all.json")
    assert any("so they are not of different shards" in problem for problem in problems)
    assert f"{place}/1.json: only planned, and the others were carried out" in problems


def test_what_is_no_report_is_refused(place: Path) -> None:
    assert "report merge needs the JSON reports" in refused("report", "merge")[0]
    assert "report cannot 'split'" in refused("report", "split", "a")[0]
    assert "cannot be read" in refused("report", "merge", "gone.json")[0]
    (place / "odd.json").write_text("{", encoding="utf-8")
    assert "is not JSON" in refused("report", "merge", "odd.json")[0]
    (place / "odd.json").write_text("{}", encoding="utf-8")
    assert "is no plan" in refused("report", "merge", "odd.json")[0]


def test_plans_of_several_registries_make_one_too(place: Path) -> None:
    cleanup(place, "--shard", "1/2", "--report", "1.json", "--dry-run")
    (place / "registry").rename(place / "other")
    argv = ("--images-repo", "oci:other", "--all-repositories", "--delete-tags", "old", "--dry-run", "--report", "2.json")
    assert call("cleanup", *argv, environ={"HOME": str(place)}).code == 0
    merged = call("report", "merge", "1.json", "2.json", "--output", "json", environ={})
    assert merged.document["applied"] is False
    assert {item["repository"].partition("/")[0] for item in merged.document["items"]} == {"oci:registry", "oci:other"}


def test_repositories_that_went_themselves_are_in_the_merged_report(place: Path) -> None:
    for number in (1, 2):
        done = call(
            "cleanup", "--images-repo", "oci:registry", "--all-repositories", "--delete-tags", "*", "--delete-everything",
            "--delete-unknown-age", "--delete-empty-repositories", "--without-kube", "--shard", f"{number}/2",
            "--keep-images-built-within-last-n-hours", "0", "--report", f"{number}.json", environ={"HOME": str(place)},
        )  # fmt: skip
        assert done.code == 0, done.err
    merged = call("report", "merge", "1.json", "2.json", "--output", "json", environ={}).document
    assert [row["outcome"] for row in merged["repositories"]] == ["deleted"] * 12
    assert merged["totals"]["deleted_repositories"] == 12
