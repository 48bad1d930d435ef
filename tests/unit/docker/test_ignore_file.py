"""`.dockerignore`, compared with what docker's own documentation and tests say of it."""

from pathlib import Path

import pytest

from moorage.docker.ignore_file import IgnoreFile


@pytest.mark.parametrize(
    ("patterns", "path", "excluded"),
    [
        ("node_modules", "node_modules/a/b.js", True),
        ("node_modules", "web/node_modules/a.js", False),
        ("**/node_modules", "web/node_modules/a.js", True),
        ("**/node_modules", "node_modules", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.md", "docs/README.md", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README.md\nREADME*", "README.md", True),
        ("docs\n!docs/keep.md", "docs/keep.md", False),
        ("docs\n!docs/keep.md", "docs/other.md", True),
        ("/abs", "abs", True),
        ("a/../b/", "b/c", True),
        ("# comment\n\n  spaced  ", "spaced", True),
        ("temp?", "tempa", True),
        ("temp?", "temp/a", False),
        ("[ab].txt", "a.txt", True),
        ("[^ab].txt", "a.txt", False),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/z", True),
        ("a/**", "a/b/c", True),
        ("**", "anything/at/all", True),
        ("*\n!src", "src/main.py", False),
        ("*\n!src", "lib/main.py", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (".", "file", False),
        ("", "file", False),
        ("a.b", "aXb", False),
    ],
)
def test_patterns(patterns: str, path: str, excluded: bool) -> None:
    assert IgnoreFile(patterns).excludes(path) is excluded


def test_nothing_is_pruned_that_may_come_back() -> None:
    assert IgnoreFile("docs").prunes("docs")
    assert not IgnoreFile("docs\n!docs/keep.md").prunes("docs")


def test_a_dockerfiles_own_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("a")
    dockerfile = tmp_path / "web.Dockerfile"
    assert IgnoreFile.of(tmp_path, dockerfile).excludes("a")
    (tmp_path / "web.Dockerfile.dockerignore").write_text("b")
    found = IgnoreFile.of(tmp_path, dockerfile)
    assert (found.excludes("a"), found.excludes("b")) == (False, True)


def test_without_any_everything_is_seen(tmp_path: Path) -> None:
    assert not IgnoreFile.of(tmp_path, tmp_path / "Dockerfile").excludes("a")
