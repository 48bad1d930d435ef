"""What it costs to ask git: a synthetic repository, walked once, and keep policies judged over it.

    python -m bench.git_history [--commits 100000] [--branches 2000] [--records 100000]

Prints seconds per step and the most memory that this process held. Half of the commits are on one main line, the others on
branches that leave it somewhere; every tenth branch is merged back.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.git.history import meet, read_references
from moorage.git.repository import GitRepository
from moorage.oci.ledger import ImageRecords, Ledger, parse_ledger
from moorage.policy.git_selection import judge, select_references
from moorage.policy.keep_policies import EVERYTHING, KeepPolicy, Limit, NamePattern, ReferenceKind, default_keep_policies

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 25, tzinfo=UTC)
YEAR = timedelta(days=365)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--branches", type=int, default=2_000)
    parser.add_argument("--records", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        build(clone, asked.commits, asked.branches)
        listed = subprocess.run(
            ["git", "-C", clone, "rev-list", "--all"], capture_output=True, text=True, check=True
        ).stdout.split()
        print(f"{len(listed)} commits, {asked.branches} branches, {asked.records} records, Python {sys.version.split()[0]}")
        measure(GitRepository(clone), random.Random(7).sample(listed, min(asked.records, len(listed))))


def measure(repository: GitRepository, recorded: list[str]) -> None:
    records = {commit: frozenset({f"{number // 2:020x}"}) for number, commit in enumerate(sorted(recorded))}
    with timed("references"):
        references = read_references(repository).found
    everything = (KeepPolicy(ReferenceKind.BRANCH, NamePattern("/.*/"), images=Limit(last=10)),)
    for title, policies in (
        ("default policies", default_keep_policies()),
        ("every branch keeps its last 10", everything),
        ("every branch keeps all", (KeepPolicy(ReferenceKind.BRANCH, NamePattern("/.*/"), images=EVERYTHING),)),
        ("every branch keeps a year", (KeepPolicy(ReferenceKind.BRANCH, NamePattern("/.*/"), images=Limit(within=YEAR)),)),
    ):
        with timed(f"{title}: select"):
            selected = select_references(policies, references, NOW)
        with timed(f"{title}: walk for {len(selected)} references"):
            met = meet(repository, [(place, one.reference.commit) for place, one in enumerate(selected)], records)
        with timed(f"{title}: judge"):
            judgement = judge(selected, records, met, NOW)
        print(f"  {len(judgement.kept)} contents kept, {len(judgement.let_go)} let go")
    measure_ledger(records)
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    print(f"most memory of git:          {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB")


def measure_ledger(records: dict[str, frozenset[str]]) -> None:
    image = ImageRecords()
    for number, (commit, contents) in enumerate(records.items()):
        for content in contents:
            image.add(commit, content, 1_700_000_000 + number)
    with timed("ledger: write"):
        written = Ledger({"app": image}).content()
    with timed("ledger: read"):
        parse_ledger(written)
    print(f"  {len(written) / 1e6:.1f} MB for {len(records)} records")


@contextmanager
def timed(title: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:8.2f} s  {title}", flush=True)


def build(clone: Path, commits: int, branches: int) -> None:
    subprocess.run(["git", "init", "--quiet", clone], check=True)
    with subprocess.Popen(["git", "-C", clone, "fast-import", "--quiet"], stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        for line in story(commits, branches):
            process.stdin.write(line)
    assert process.returncode == 0


def story(commits: int, branches: int) -> Iterator[str]:
    """The commands for fast-import: commit number N has the mark N."""
    chance = random.Random(1)
    start = int((NOW - 3 * YEAR).timestamp())
    step = (NOW - 3 * YEAR - NOW).total_seconds() / -max(commits, 1)
    on_main = commits // 2
    leaves = sorted(chance.randrange(1, on_main) for _ in range(branches))
    each, mark, last, merged = (commits - on_main) // branches, 0, 0, 0
    for place in range(on_main):
        parents = [parent for parent in (last, merged) if parent]
        mark, merged = mark + 1, 0
        yield commit("main", mark, start + int(mark * step), parents)
        last = mark
        while leaves and leaves[-1] >= on_main - place:
            leaves.pop()
            tip, name = last, f"branch-{len(leaves)}"
            for _ in range(each):
                mark += 1
                yield commit(name, mark, start + int(mark * step), [tip])
                tip = mark
            merged = tip if len(leaves) % 10 == 0 else merged


def commit(branch: str, mark: int, when: int, parents: list[int]) -> str:
    lines = [f"commit refs/remotes/origin/{branch}", f"mark :{mark}", f"committer A <a@example.com> {when} +0000", "data 0"]
    lines += [f"{'merge' if place else 'from'} :{parent}" for place, parent in enumerate(parents)]
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    main()
