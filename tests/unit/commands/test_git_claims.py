"""What git claims about images: reasons, what is not known, and the words that people read about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.history import History, git

from moorage.commands.git_claims import GitVerdict, ImageHistory, claims_by_history, open_git
from moorage.commands.world import Silence
from moorage.errors import ConfigurationError
from moorage.git.repository import GitRepository
from moorage.oci.reference import Digest, Tag
from moorage.policy.keep_policies import KeepPolicy, NamePattern, ReferenceKind
from moorage.policy.published import PublishedTag
from moorage.policy.reason import Code
from moorage.settings.settings import GitCleanup, Project

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIN = (KeepPolicy(ReferenceKind.BRANCH, NamePattern("main")),)


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "clone", NOW)
    made.commit("c1", "9h")
    made.commit("c2", "8h", "c1")
    made.commit("lost", "7h")
    made.branch("main", "c2")
    made.branch("maintenance", "c1")
    made.build()
    return made


def tag(name: str, content: str, **more: str) -> PublishedTag:
    return PublishedTag(Tag(name), Digest.of(name.encode()), "app", name, content, **more)  # type: ignore[arg-type]


def judged(
    history: History, tags: list[PublishedTag], records: dict[str, str], settings: GitCleanup | None = None
) -> dict[str, str]:
    """Tags with the code and the detail of their first reason."""
    verdict = verdict_of(history, tags, records, settings)
    claims = verdict.claims["app"]
    every = {**claims.keep_tags, **claims.let_go}
    return {one.text: f"{reasons[0].code}: {reasons[0].detail}" for one, reasons in every.items()}


def verdict_of(
    history: History, tags: list[PublishedTag], records: dict[str, str], settings: GitCleanup | None = None
) -> GitVerdict:
    image = ImageHistory("app", tags, {history[commit]: frozenset({content}) for commit, content in records.items()})
    return claims_by_history(settings or GitCleanup(keep_policies=MAIN), GitRepository(history.path), [image], NOW, Silence())


def test_the_revision_that_an_image_names_is_a_record(history: History) -> None:
    tags = [
        tag("kept", "X", revision=history["c1"]),
        tag("gone", "Y", revision=history["lost"]),
        tag("vanished", "Z", revision="0" * 40),
    ]
    assert judged(history, tags, {}) == {
        "kept": "keep-policy: branch main",
        "gone": f"not-kept: published at commit {history['lost'][:12]}; no branch or tag that a keep policy selects leads there",
        "vanished": "not-kept: published at commit 000000000000; the clone has no such commit",
    }


def test_a_later_record_keeps_what_its_own_revision_would_not(history: History) -> None:
    assert judged(history, [tag("v1", "X", revision=history["lost"])], {"c2": "X"}) == {"v1": "keep-policy: branch main"}


def test_what_nothing_is_known_of_stays_and_is_told(history: History) -> None:
    tags = [tag("v1", "X"), tag("v2", "Y", revision=history["c1"])]
    verdict = verdict_of(history, tags, {})
    assert verdict.claims["app"].keep_tags[Tag("v1")][0].code is Code.NO_RECORD
    assert "1 tags of image 'app' stay because nothing records at which commit they were published" in verdict.notes


def test_the_commit_that_a_stage_was_built_at_can_only_keep(history: History) -> None:
    tags = [tag("kept", "X", built_at=history["c1"]), tag("unknown", "Y", built_at=history["lost"])]
    found = judged(history, tags, {})
    assert found["kept"] == "keep-policy: branch main"
    assert found["unknown"].startswith("no-record: ")


def test_it_does_not_count_where_there_is_a_record(history: History) -> None:
    assert judged(history, [tag("v1", "X", built_at=history["c1"])], {"lost": "X"})["v1"].startswith("not-kept: ")


def test_records_of_what_is_no_longer_published_bind_nothing(history: History) -> None:
    found = judged(history, [tag("v1", "X")], {"c1": "unpublished", "lost": "X"})
    assert found["v1"].startswith("not-kept: ")


def test_people_are_told_what_a_search_would_have_selected(history: History) -> None:
    settings = GitCleanup(keep_policies=(KeepPolicy(ReferenceKind.BRANCH, NamePattern("/main/")),))
    verdict = verdict_of(history, [], {}, settings)
    assert any("does not select maintenance, which contain it; /.*(main).*/ would" in note for note in verdict.notes)


def test_people_are_told_when_nothing_is_selected(history: History) -> None:
    settings = GitCleanup(keep_policies=(KeepPolicy(ReferenceKind.TAG, NamePattern("/.*/")),))
    assert any("no branch or tag is selected" in note for note in verdict_of(history, [], {}, settings).notes)


def test_people_are_told_of_tags_that_lead_to_no_commit(history: History) -> None:
    blob = git(history.path, "hash-object", "-w", "--stdin", stdin="text").strip()
    git(history.path, "tag", "file", blob)
    assert any("refs/tags/file lead to no commit" in note for note in verdict_of(history, [], {}).notes)


# Which clone


def test_a_project_in_a_subdirectory_is_found(history: History) -> None:
    below = history.path / "services"
    below.mkdir()
    assert open_git(GitCleanup(), Project("shop", below)) == GitRepository(below)


def test_the_git_directory_that_was_named_counts(history: History, tmp_path: Path) -> None:
    project = Project("shop", tmp_path, history.path / ".git")
    assert open_git(GitCleanup(), project) == GitRepository(history.path / ".git")


def test_strategies_go_on_without_a_clone_unless_one_was_named(tmp_path: Path) -> None:
    assert open_git(GitCleanup(by_history=False), Project("shop", tmp_path)) is None
    with pytest.raises(ConfigurationError, match="lies in no git repository"):
        open_git(GitCleanup(by_history=False), Project("shop", tmp_path, tmp_path))


@pytest.mark.parametrize("by_history", [True, False])
def test_a_shallow_clone_needs_a_word(history: History, tmp_path: Path, by_history: bool) -> None:
    git(history.path, "branch", "main", history["c2"])
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "main", f"file://{history.path}", "shallow")
    project = Project("shop", tmp_path / "shallow")
    with pytest.raises(ConfigurationError, match="is a shallow clone"):
        open_git(GitCleanup(by_history=by_history), project)
    assert open_git(GitCleanup(by_history=by_history, allow_shallow=True), project) is not None
    assert open_git(GitCleanup(by_history=by_history, synchronize=True), project) is not None


def test_a_day_has_24_hours(history: History) -> None:
    """Dates of commits are read in UTC, whatever zone their author lives in."""
    references = GitRepository(history.path).run("for-each-ref", "--format=%(committerdate:unix)", "refs/remotes/origin/main")
    assert datetime.fromtimestamp(int(references), UTC) == NOW - timedelta(hours=8)
