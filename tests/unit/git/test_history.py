"""References and reach, against real repositories."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.history import History, git

from moorage.errors import ConfigurationError
from moorage.git.history import existing, meet, names_at_origin, read_references, synchronize
from moorage.git.repository import GitRepository
from moorage.policy.keep_policies import ReferenceKind

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "clone", NOW)


def names(history: History, kind: ReferenceKind, *, synchronized: bool = False) -> dict[str, timedelta]:
    """Names with their ages."""
    found = read_references(GitRepository(history.path), synchronized=synchronized).found
    return {one.name: NOW - one.date for one in found if one.kind is kind}


# References


def test_branches_of_origin_count_and_no_others(history: History) -> None:
    history.commit("c1", "3h")
    history.branch("main", "c1")
    history.branch("feature/x", "c1")
    history.branch("theirs", "c1", remote="upstream")
    history.branch("mine", "c1", remote="")
    history.build()
    git(history.path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert names(history, ReferenceKind.BRANCH) == dict.fromkeys(["main", "feature/x"], timedelta(hours=3))


def test_an_annotated_tag_is_as_old_as_the_tagger_says(history: History) -> None:
    history.commit("c1", "3h")
    history.tag("light", "c1")
    history.tag("annotated", "c1", annotated="1h")
    history.build()
    assert names(history, ReferenceKind.TAG) == {"light": timedelta(hours=3), "annotated": timedelta(hours=1)}


def test_tags_of_tags_are_followed_and_tags_of_files_are_named(history: History) -> None:
    history.commit("c1", "3h")
    history.tag("inner", "c1", annotated="2h")
    history.build()
    git(history.path, "tag", "-a", "-m", "", "outer", "inner")
    git(history.path, "tag", "-a", "-m", "", "outermost", "outer")
    blob = git(history.path, "hash-object", "-w", "--stdin", stdin="text").strip()
    git(history.path, "tag", "file", blob)
    found = read_references(GitRepository(history.path))
    assert {one.name: one.commit for one in found.found} == dict.fromkeys(["inner", "outer", "outermost"], history["c1"])
    assert found.odd == ("refs/tags/file",)


def test_a_tag_without_a_tagger_is_as_old_as_its_commit(history: History) -> None:
    history.commit("c1", "3h")
    history.build()
    tag = f"object {history['c1']}\ntype commit\ntag old\n\nmessage\n"
    made = git(history.path, "hash-object", "-t", "tag", "-w", "--literally", "--stdin", stdin=tag).strip()
    git(history.path, "update-ref", "refs/tags/old", made)
    assert names(history, ReferenceKind.TAG) == {"old": timedelta(hours=3)}


def test_line_ends_that_only_python_knows_do_not_split_a_name(history: History) -> None:
    history.commit("c1", "3h")
    history.branch("odd\u2028name", "c1")
    history.branch("n\u00fctzlich", "c1")
    history.build()
    assert set(names(history, ReferenceKind.BRANCH)) == {"odd\u2028name", "n\u00fctzlich"}


def test_dates_beyond_any_calendar_stop_nothing(history: History) -> None:
    history.commit("c1", "3h")
    history.branch("main", "c1")
    history.build()
    commit = f"tree {git(history.path, 'rev-parse', 'refs/remotes/origin/main^{tree}').strip()}\n"
    commit += "author A <a@x> 99999999999999 +0000\ncommitter A <a@x> 99999999999999 +0000\n\nfar\n"
    far = git(history.path, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=commit).strip()
    git(history.path, "update-ref", "refs/remotes/origin/far", far)
    assert "main" in names(history, ReferenceKind.BRANCH)
    assert set(existing(GitRepository(history.path), {history["c1"]})) == {history["c1"]}


# Reach


def test_every_branch_reaches_its_history_with_all_merged_parents(history: History) -> None:
    history.commit("root", "9h")
    history.commit("side", "8h", "root")
    history.commit("main", "7h", "root")
    history.commit("merge", "6h", "main", "side")
    history.commit("ahead", "5h", "main")
    history.commit("lost", "4h", "root")
    history.build()
    tips = [(0, history["merge"]), (3, history["ahead"]), (5, history["ahead"])]
    met = meet(GitRepository(history.path), tips, [history[name] for name in ("root", "side", "main", "merge", "ahead", "lost")])
    reach = {name: met[history[name]].branches for name in ("root", "side", "main", "merge", "ahead", "lost")}
    assert reach == {
        "root": 0b101001,
        "side": 0b000001,
        "main": 0b101001,
        "merge": 0b000001,
        "ahead": 0b101000,
        "lost": 0,
    }
    assert met[history["side"]].date == NOW - timedelta(hours=8)


def test_old_dates_on_young_commits_do_not_confuse_the_walk(history: History) -> None:
    history.commit("a", "1h")
    history.commit("b", "9h", "a")
    history.commit("c", "2h", "b")
    history.commit("d", "8h", "a")
    history.build()
    met = meet(GitRepository(history.path), [(0, history["c"]), (1, history["d"])], [history["a"]])
    assert met[history["a"]].branches == 0b11


def test_what_is_no_commit_here_is_not_met(history: History) -> None:
    history.commit("c1", "3h")
    history.build()
    tree = git(history.path, "rev-parse", f"{history['c1']}^{{tree}}").strip()
    absent, odd = "0" * 40, ["", "c1", history["c1"][:12], history["c1"].upper(), "-" * 40, tree]
    assert set(meet(GitRepository(history.path), [], [history["c1"], absent, *odd])) == {history["c1"]}


def test_nothing_wanted_asks_nothing(tmp_path: Path) -> None:
    assert meet(GitRepository(tmp_path / "nowhere"), [(0, "0" * 40)], []) == {}


def test_a_clone_that_lacks_a_branch_s_commit_says_so(history: History) -> None:
    history.commit("c1", "3h")
    history.build()
    with pytest.raises(ConfigurationError, match="git rev-list --topo-order failed"):
        meet(GitRepository(history.path), [(0, "0" * 39 + "1")], [history["c1"]])


# Synchronisation


@pytest.fixture
def origin(tmp_path: Path) -> History:
    """A repository to clone, whose branches are its own."""
    made = History(tmp_path / "origin", NOW)
    for number in range(1, 4):
        made.commit(f"c{number}", f"{9 - number}h", *([f"c{number - 1}"] if number > 1 else []))
    made.branch("main", "c3", remote="")
    made.branch("old", "c2", remote="")
    made.tag("v1", "c1")
    made.tag("v2", "c2", annotated="1h")
    made.build()
    return made


def cloned(origin: History, *arguments: str) -> History:
    clone = History(origin.path.parent / "clone", NOW)
    git(origin.path.parent, "clone", "--quiet", *arguments, f"file://{origin.path}", str(clone.path))
    return clone


def test_what_is_gone_at_origin_is_gone(origin: History) -> None:
    clone = cloned(origin, "--branch", "main")
    git(origin.path, "branch", "-D", "old")
    git(origin.path, "tag", "-d", "v1")
    assert set(names(clone, ReferenceKind.BRANCH)) == {"main", "old"}
    synchronize(GitRepository(clone.path))
    assert set(names(clone, ReferenceKind.BRANCH, synchronized=True)) == {"main"}
    assert set(names(clone, ReferenceKind.TAG, synchronized=True)) == {"v2"}


def test_local_tags_are_left_alone_and_keep_nothing(origin: History) -> None:
    clone = cloned(origin, "--branch", "main")
    git(clone.path, "tag", "mine", "HEAD")
    git(origin.path, "tag", "-d", "v1")
    synchronize(GitRepository(clone.path))
    assert set(names(clone, ReferenceKind.TAG, synchronized=True)) == {"v2"}
    assert set(git(clone.path, "tag").split()) == {"mine", "v1", "v2"}


def test_a_shallow_clone_of_one_branch_becomes_whole(origin: History) -> None:
    clone = cloned(origin, "--depth", "1", "--single-branch", "--branch", "main")
    repository = GitRepository(clone.path)
    assert repository.is_shallow
    synchronize(repository)
    assert not repository.is_shallow
    assert set(names(clone, ReferenceKind.BRANCH)) == {"main", "old"}
    c1 = git(origin.path, "rev-parse", "v1").strip()
    assert meet(repository, [(0, git(origin.path, "rev-parse", "main").strip())], [c1])[c1].branches == 1
    synchronize(repository)  # a clone that is whole is only brought up to date


def test_without_an_origin_there_is_nothing_to_fetch(history: History) -> None:
    history.commit("c1", "1h")
    history.build()
    with pytest.raises(ConfigurationError, match="this clone has none"):
        synchronize(GitRepository(history.path))


def test_an_origin_that_does_not_answer_is_named_without_its_password(origin: History) -> None:
    clone = cloned(origin)
    git(clone.path, "remote", "set-url", "origin", f"file://me:sham-password@localhost{origin.path}-gone")
    with pytest.raises(ConfigurationError, match=r"fetching from file://localhost.* failed") as caught:
        synchronize(GitRepository(clone.path))
    assert "sham-password" not in str(caught.value)


def test_what_origin_has(history: History, tmp_path: Path) -> None:
    history.commit("c1", "1h")
    history.branch("main", "c1", remote="")
    history.branch("team/x", "c1", remote="")
    history.tag("v1", "c1", annotated="1h")
    history.build()
    git(tmp_path, "init", "--quiet", "clone")
    git(tmp_path / "clone", "remote", "add", "origin", str(history.path))
    found = names_at_origin(GitRepository(tmp_path / "clone"))
    assert found == {(ReferenceKind.BRANCH, "main"), (ReferenceKind.BRANCH, "team/x"), (ReferenceKind.TAG, "v1")}


def test_an_origin_that_keeps_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "ssh://nobody.example/shop.git")
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 60 #")
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"asking origin failed \(no answer within 0.3 s\)"):
        names_at_origin(GitRepository(tmp_path), seconds=0.3)
    assert time.monotonic() - started < 30, "it is not waited for"
