"""Cleanups that go wrong half way: whatever was deleted by then is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.calling import call
from tests.images import image, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer, forward

from moorage.auth.keychain import LoginKeychain
from moorage.oci.reference import Registry, Repository
from moorage.registries.default.registry import open_default
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry


def test_a_repository_that_cannot_be_looked_at_again_leaves_the_others_told(tmp_path: Path, registry: RunningRegistry) -> None:
    deleted = []

    def answer(asked: Request) -> Reply:
        if asked.method == "DELETE":
            deleted.append(asked.path)
        return Reply(403) if deleted and "trouble/b/tags/list" in asked.path else forward(asked, registry.host)

    with ScriptedServer(answer) as server, Session() as session:
        port = open_default(Connection(Registry(server.host), session, LoginKeychain({})))
        for name in ("a", "b"):
            push(port, Repository(Registry(server.host), f"trouble/{name}"), image(layer(name)), "old")
            push(port, Repository(Registry(server.host), f"trouble/{name}"), image(layer(f"{name} too")), "new")
        called = call(
            "cleanup", "--images-repo", f"{server.host}/trouble", "--repository", "a", "--repository", "b",
            "--delete-tags", "old", "--keep-images-built-within-last-n-hours", "0",
            "--without-kube", "--output", "json", environ={"HOME": str(tmp_path)},
        )  # fmt: skip
    assert called.code == 5
    outcomes = {item["repository"][-1]: item["outcome"] for item in called.document["items"] if item["tag"] == "old"}
    assert outcomes == {"a": "deleted", "b": "planned"}
    assert called.document["totals"]["remaining"] == 2
    assert any("trouble/b: not begun" in note for note in called.document["notes"])


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from moorage.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def _with_small_files(folder: Path, limit: int, *options: str, tags: str = "old-*") -> subprocess.CompletedProcess[str]:
    """A cleanup whose files may have so many bytes: as on a full disk, writing more fails."""
    argv = [
        "cleanup", "--images-repo", "oci:registry", "--repository", "app", "--delete-tags", tags, "--parallel", "1", *options,
        "--keep-images-built-within-last-n-hours", "0", "--without-kube", "--journal", "journal.jsonl", "--max-delete-percent=-1",
    ]  # fmt: skip
    # Python does not notice that it writes half of its own caches.
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", LIMITED.format(limit=limit), *argv],
        cwd=folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _images(folder: Path) -> tuple[LayoutRegistry, Repository]:
    name = Registry(f"oci:{folder}/registry")
    registry, repository = LayoutRegistry(name), Repository(name, "app")
    for number in range(12):
        push(registry, repository, image(layer(f"{number}")), f"old-{number}")
    push(registry, repository, image(layer("new")), "new")
    return registry, repository


def test_a_journal_that_takes_no_more_lines_stops_the_run_and_what_was_done_is_told(tmp_path: Path) -> None:
    registry, repository = _images(tmp_path)
    done = _with_small_files(tmp_path, 5000)
    assert done.returncode == 5, done.stderr
    assert "journal.jsonl cannot be written" in done.stderr
    left = {tag.text for tag in registry.tag_names(repository)}
    assert "new" in left
    assert 1 < len(left) < 13
    assert f"{len(left) - 1} " in done.stdout, "the result says how much remains"


def test_without_a_journal_nothing_is_deleted(tmp_path: Path) -> None:
    registry, repository = _images(tmp_path)
    (tmp_path / "journal.jsonl").mkdir()
    done = _with_small_files(tmp_path, 1_000_000)
    assert done.returncode == 2, done.stdout
    assert "nothing is deleted without it" in done.stderr
    assert len(registry.tag_names(repository)) == 13


def test_a_report_that_cannot_be_written_hides_nothing_of_what_was_done(tmp_path: Path) -> None:
    registry, repository = _images(tmp_path)
    done = _with_small_files(tmp_path, 5000, "--report", "report.html", "--output", "json", tags="old-0")
    assert done.returncode == 5, done.stderr
    document = json.loads(done.stdout)
    assert document["totals"]["deleted_tags"] == 1
    assert "report.html cannot be written" in document["error"]["message"]
    assert "the work itself is done" in document["error"]["remedy"]
    assert len(registry.tag_names(repository)) == 12
    assert not (tmp_path / "report.html").exists()
