"""Git repositories for tests, made from a few words: real ones, with dates, by `git fast-import`.

clone = History(tmp_path / "clone", now)
clone.commit("c1", "3h")                       # three hours before `now`
clone.commit("c2", "2h", "c1")                 # with a parent, or several
clone.branch("main", "c2")                     # of origin; remote="upstream" or remote="" (local) for others
clone.tag("v1", "c2")                          # annotated="1h": an annotated one, made an hour ago
clone.build()                                  # afterwards clone["c1"] is the hash of that commit
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from moorage.option import duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_WHO = "Ada <ada@example.com>"


@dataclass
class History:
    path: Path
    now: datetime
    _lines: list[str] = field(default_factory=list)
    _marks: dict[str, int] = field(default_factory=dict)
    _hashes: dict[str, str] = field(default_factory=dict)

    def commit(self, name: str, age: str, *parents: str) -> None:
        mark = self._marks[name] = len(self._marks) + 1
        self._lines += [f"commit refs/made/{name}", f"mark :{mark}", f"author {_WHO} {self._at(age)}"]
        self._lines += [f"committer {_WHO} {self._at(age)}", f"data {len(name)}", name]
        for place, parent in enumerate(parents):
            self._lines.append(f"{'merge' if place else 'from'} :{self._marks[parent]}")
        self._lines.append("")

    def branch(self, name: str, commit: str, remote: str = "origin") -> None:
        self.reference(f"refs/remotes/{remote}/{name}" if remote else f"refs/heads/{name}", commit)

    def tag(self, name: str, commit: str, annotated: str = "") -> None:
        if annotated:
            self._lines += [f"tag {name}", f"from :{self._marks[commit]}", f"tagger {_WHO} {self._at(annotated)}", "data 0", ""]
        else:
            self.reference(f"refs/tags/{name}", commit)

    def reference(self, name: str, commit: str) -> None:
        self._lines += [f"reset {name}", f"from :{self._marks[commit]}", ""]

    def build(self) -> None:
        if not self.path.exists():
            git(self.path.parent, "init", "--quiet", str(self.path))
        marks = self.path.parent / f"{self.path.name}.marks"
        git(self.path, "fast-import", "--quiet", f"--export-marks={marks}", stdin="\n".join(self._lines) + "\n")
        by_mark = dict(line.split() for line in marks.read_text().splitlines())
        self._hashes = {name: by_mark[f":{mark}"] for name, mark in self._marks.items()}
        for name in self._marks:  # fast-import wants each commit on a branch; what no other reference reaches stays an object
            git(self.path, "update-ref", "-d", f"refs/made/{name}")

    def __getitem__(self, name: str) -> str:
        return self._hashes[name]

    def _at(self, age: str) -> str:
        return f"{int((self.now - duration(age)).timestamp())} +0000"


def clone_of_new_origin(folder: Path) -> Path:
    """An empty clone, `folder`/clone, on the branch main of an origin beside it."""
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "shop.git")
    git(folder, "clone", "--quiet", "shop.git", "clone")
    git(folder / "clone", "checkout", "--quiet", "-B", "main")
    return folder / "clone"


def commit_change(clone: Path, number: int, changed: Mapping[str, str]) -> None:
    """Write `DIRECTORY/file` for each of these, commit and push: a minute after the number before, the first an hour ago.

    Of two commits in the same second none is newer.
    """
    for name, text in changed.items():
        (clone / name / "file").write_text(text)
    git(clone, "add", ".")
    when = datetime.now(UTC) - timedelta(hours=1) + timedelta(minutes=number)
    environ = {"GIT_COMMITTER_DATE": when.isoformat()}
    git(clone, "commit", "--quiet", "--allow-empty", "-m", str(number), environ=environ)
    git(clone, "push", "--quiet", "origin", "main")


def git(directory: Path, *arguments: str, stdin: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """What git prints; a failure fails the test."""
    return subprocess.run(
        ["git", "-C", str(directory), "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environ or {})},
    ).stdout
