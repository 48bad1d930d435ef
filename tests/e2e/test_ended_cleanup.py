"""Cleanups that are told to end by a signal: they stop, and say as much as after any other run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.images import image, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer, forward

from moorage.auth.keychain import LoginKeychain
from moorage.commands.journal import read_journal
from moorage.oci.reference import Registry, Repository
from moorage.registries.default.registry import DefaultRegistry, open_default
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry

IMAGES = 40


@dataclass
class Slow:
    """A real registry that takes its time for deletions; with `stuck`, from the n-th on it does not answer at all."""

    host: str
    stuck: int | None = None
    deletions: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, asked: Request) -> Reply:
        if asked.method == "DELETE":
            self.deletions += 1
            if self.stuck is not None and self.deletions > self.stuck:
                self.over.wait(60)
                return Reply(drop=True)
            time.sleep(0.2)
        return forward(asked, self.host)


@dataclass
class Run:
    """A cleanup in a process of its own, as it works on images that are all to go."""

    folder: Path
    slow: Slow
    server: ScriptedServer
    port: DefaultRegistry
    repository: Repository

    def start(self, journal: str = "journal.jsonl") -> subprocess.Popen[str]:
        for number in range(IMAGES):
            push(self.port, self.repository, image(layer(str(number))), f"old-{number}")
        push(self.port, self.repository, image(layer("new")), "new")
        command = [
            sys.executable, "-m", "moorage", "cleanup", "--images-repo", self.server.host + "/shop", "--repository",
            str(self.repository), "--delete-tags", "old-*", "--without-kube", "--max-delete-percent=-1", "--parallel", "2",
            "--keep-images-built-within-last-n-hours", "0", "--journal", journal, "--output", "json",
            "--report", "report.json", "--report", "report.md", "--dotenv", "outputs.env",
        ]  # fmt: skip
        environ = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, env=environ
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str], number: signal.Signals, deletions: int) -> dict[str, Any]:
        """The document that it prints when it is told to end after so many deletions have begun."""
        while process.poll() is None and self.slow.deletions < deletions:
            time.sleep(0.01)
        process.send_signal(number)
        said, complaints = process.communicate(timeout=30)
        assert process.returncode == 128 + number, complaints
        assert "Traceback" not in complaints
        document: dict[str, Any] = json.loads(said)
        return document

    def there(self) -> set[str]:
        return {tag.text for tag in self.port.tag_names(self.repository)}


@pytest.fixture
def run(tmp_path: Path, registry: RunningRegistry, request: pytest.FixtureRequest) -> Iterator[Run]:
    slow = Slow(registry.host)
    name = "ended/" + re.sub("[^a-z0-9]+", "-", request.node.name).strip("-")
    with ScriptedServer(slow) as server, Session() as session:
        port = open_default(Connection(Registry(server.host), session, LoginKeychain({})))
        yield Run(tmp_path, slow, server, port, Repository(Registry(server.host), name))
        slow.over.set()


def _tags(document: dict[str, Any], outcome: str) -> set[str]:
    going = [item for item in document["items"] if item["tag"] and item["action"] == "delete"]
    return {item["tag"] for item in going if item["outcome"] == outcome}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_done_is_told_everywhere(run: Run, number: signal.Signals) -> None:
    document = run.end(run.start(), number, 6)
    deleted, left = _tags(document, "deleted"), _tags(document, "planned")
    assert deleted
    assert left
    assert run.there() == left | {"new"}
    assert document["totals"]["deleted_tags"] == len(deleted)
    assert document["totals"]["remaining"] == 2 * len(left), "tags and their manifests"
    assert document["error"]["code"] == "partial"
    assert f"ended by {number.name}; the next run goes on from here" in document["notes"]

    report = json.loads((run.folder / "report.json").read_text())
    assert report["items"] == document["items"]
    assert "ended by" in (run.folder / "report.md").read_text()
    assert f"MOORAGE_OUT_REMAINING_COUNT={2 * len(left)}\n" in (run.folder / "outputs.env").read_text()
    _, entries = read_journal(run.folder / "journal.jsonl")
    assert {tag.text for entry in entries for tag in entry.tags if entry.outcome == "deleted"} == deleted


def test_a_request_that_hangs_is_left_behind(run: Run) -> None:
    run.slow.stuck = 4
    process = run.start()
    started = time.monotonic()
    document = run.end(process, signal.SIGTERM, 6)
    assert time.monotonic() - started < 20
    deleted = _tags(document, "deleted")
    assert len(deleted) == 4
    assert run.there() == {f"old-{number}" for number in range(IMAGES)} - deleted | {"new"}
    _, entries = read_journal(run.folder / "journal.jsonl")
    assert [entry.outcome for entry in entries].count(None) == 2, "of those nobody knows"
    assert (run.folder / "report.json").exists()


def test_the_next_run_goes_on(run: Run) -> None:
    run.end(run.start(), signal.SIGTERM, 4)
    process = run.start("second.jsonl")
    said, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    assert run.there() == {"new"}
    assert json.loads(said)["totals"]["remaining"] == 0


def test_before_anything_is_deleted_there_is_one_document_too(run: Run) -> None:
    hang = threading.Event()

    def answer(asked: Request) -> Reply:
        if asked.path.endswith("/tags/list"):
            hang.set()
            run.slow.over.wait(3)
        return forward(asked, run.slow.host)

    process = run.start()
    run.server.answer = answer
    assert hang.wait(30)
    process.send_signal(signal.SIGTERM)
    said, complaints = process.communicate(timeout=30)
    assert process.returncode == 143
    assert json.loads(said)["error"]["message"].startswith("ended by SIGTERM")
    assert "ended by SIGTERM" in complaints
    assert not (run.folder / "journal.jsonl").exists()
