"""Finding clones in all the shapes that they have, and what git says when there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.history import History, git

from moorage.errors import ConfigurationError
from moorage.git.repository import GitRepository

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "clone", NOW)
    made.commit("c1", "1h")
    made.branch("main", "c1", remote="")
    made.build()
    git(made.path, "symbolic-ref", "HEAD", "refs/heads/main")
    git(made.path, "reset", "--quiet", "--hard")
    return made


def test_a_subdirectory_and_the_git_directory_are_found(history: History) -> None:
    below = history.path / "services" / "web"
    below.mkdir(parents=True)
    for place in (history.path, below, history.path / ".git"):
        assert GitRepository.find(place).head == history["c1"]


def test_a_worktree_has_a_git_file_and_is_found(history: History, tmp_path: Path) -> None:
    git(history.path, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert (tmp_path / "tree/.git").is_file()
    assert GitRepository.find(tmp_path / "tree").head == history["c1"]


def test_a_submodule_is_its_own_repository(history: History, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "--quiet", str(outer))
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(history.path), "inner")
    assert (outer / "inner/.git").is_file()
    assert GitRepository.find(outer / "inner").head == history["c1"]
    assert GitRepository.find(outer).head == ""


def test_no_repository_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lies in no git repository") as caught:
        GitRepository.find(tmp_path)
    assert "--git-dir" in caught.value.remedy


def test_git_that_is_not_there_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="git is not installed"):
        GitRepository.find(tmp_path)


def test_variables_that_point_elsewhere_are_not_followed(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    assert GitRepository.find(history.path).head == history["c1"]


def test_another_user_s_clone_is_distrusted_until_it_is_allowed(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    with pytest.raises(ConfigurationError, match="another user owns it") as caught:
        GitRepository.find(history.path)
    assert f"safe.directory {history.path}" in caught.value.remedy
    git(tmp_path, "config", "--global", "--add", "safe.directory", str(history.path))
    assert GitRepository.find(history.path).head == history["c1"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ci:sham-token@git.example.com/acme/shop.git", "https://git.example.com/acme/shop.git"),
        ("ssh://git@git.example.com:22/acme/shop.git", "ssh://git.example.com:22/acme/shop.git"),
        ("git@git.example.com:acme/shop.git", "git@git.example.com:acme/shop.git"),
        ("../shop", "../shop"),
    ],
)
def test_the_address_of_a_remote_is_told_without_credentials(history: History, url: str, shown: str) -> None:
    assert GitRepository(history.path).remote_url() == ""
    git(history.path, "remote", "add", "origin", url)
    assert GitRepository(history.path).remote_url() == shown


def test_who_has_enough_may_stop_reading(history: History) -> None:
    repository = GitRepository(history.path)
    with repository.lines("rev-list", "--stdin", stdin="main\n") as lines:
        assert next(lines) == history["c1"]
    with repository.lines("rev-list", "--stdin", stdin="main\n") as lines:
        assert list(lines) == [history["c1"]]


def test_a_failure_while_reading_lines_is_told_with_git_s_words(history: History) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"git rev-list --stdin failed .*nonsense"),
        GitRepository(history.path).lines("rev-list", "--stdin", stdin="nonsense\n") as lines,
    ):
        list(lines)
