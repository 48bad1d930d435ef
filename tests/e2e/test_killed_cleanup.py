"""Cleanups that are killed, again and again, at instants that nobody chose: what was to stay is there, the journals are true."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.images import Image, image, index, layer, push

from moorage.auth.keychain import LoginKeychain
from moorage.commands.journal import Entry, read_journal
from moorage.commands.restore import Back, RestoreSettings, restore
from moorage.commands.world import World
from moorage.oci.reference import Registry, Repository, Tag
from moorage.oci.stub import is_stub
from moorage.registries.addressing import resolve
from moorage.registries.default.registry import open_default
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.vendor import Connection
from moorage.settings.settings import Access, Storage
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry

    from moorage.registries.default.registry import DefaultRegistry
    from moorage.registries.interface import Writer

    Open = Callable[[str], DefaultRegistry]

KILLS, STUB_KILLS = 50, 12
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Story:
    """One repository, and every run that was killed over it. `kept` and `going` are tags by name, by how they were made."""

    folder: Path
    images_repo: str
    dice: random.Random
    kept: dict[str, Image] = field(default_factory=dict)
    going: dict[str, Image] = field(default_factory=dict)
    journals: list[Path] = field(default_factory=list)

    def publish(self, registry: Writer, repository: Repository) -> None:
        images = {one.digest: one for one in (*self.kept.values(), *self.going.values())}
        for digest, one in images.items():
            push(
                registry, repository, one, *(tag for tag, named in {**self.kept, **self.going}.items() if named.digest == digest)
            )

    def start(self) -> subprocess.Popen[bytes]:
        self.journals.append(self.folder / f"journal-{len(self.journals)}.jsonl")
        argv = [
            "cleanup", "--images-repo", self.images_repo, "--repository", "app", "--delete-tags", "old-*", "--without-kube",
            "--max-delete-percent=-1", "--journal", str(self.journals[-1]), "--log-level", "error",
        ]  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "moorage", *argv], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder
        )

    def kill_soon(self, within: float) -> bool:
        """Run until some deletions have begun, and up to so many seconds longer; True when that was before the end."""
        process = self.start()
        lines = self.dice.randrange(2, 9)
        while process.poll() is None and self._lines() < lines:
            time.sleep(0.001)
        time.sleep(self.dice.random() * within)
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), said.decode()
        return process.returncode != 0

    def finish(self) -> None:
        process = self.start()
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()

    def _lines(self) -> int:
        return self.journals[-1].read_bytes().count(b"\n") if self.journals[-1].exists() else 0

    def journalled(self) -> list[Entry]:
        return [entry for path in self.journals if path.exists() and path.stat().st_size for entry in read_journal(path)[1]]

    def check(self, tags: Mapping[str, str]) -> None:
        """What stays is where it was, and what is gone stands in a journal."""
        assert {tag: tags.get(tag) for tag in self.kept} == {tag: one.digest.text for tag, one in self.kept.items()}
        begun = {tag.text for entry in self.journalled() for tag in entry.tags}
        assert self.going.keys() - tags.keys() <= begun
        done = {tag.text for entry in self.journalled() if entry.outcome == "deleted" for tag in entry.tags}
        assert not done & tags.keys(), "the journal says that they were deleted"

    def restored(self) -> dict[str, Back]:
        """Every journal undone, the last first; what became of each tag."""
        found: dict[str, Back] = {}
        for path in reversed(self.journals):
            if path.exists() and path.stat().st_size:
                settings = RestoreSettings(Access(), Storage(resolve(self.images_repo)), path)
                world = World(environ={"HOME": str(self.folder)})
                found |= {item.tag.text: item.outcome for item in restore(settings, world).items if item.tag}
        return found


@pytest.fixture
def open_registry() -> Iterator[Open]:
    with Session() as session:
        yield lambda host: open_default(Connection(Registry(host), session, LoginKeychain({})))


def test_killed_fifty_times_over_three_hundred_images(tmp_path: Path) -> None:
    story = Story(tmp_path, f"oci:{tmp_path}/registry", random.Random(4711))
    for number in range(300):
        shared = image(layer(f"shared {number % 20}"), platform="linux/arm64")
        own = image(layer(f"base {number % 20}"), layer(str(number) if number % 3 else ""), labels={"n": str(number)})
        story.going[f"old-{number}"] = index(own, shared) if number % 2 else own
        if number % 5 == 0:
            story.kept[f"also-{number}"] = story.going[f"old-{number}"]
    for number in range(20):
        shared = image(layer(f"shared {number}"), platform="linux/arm64")
        story.kept[f"new-{number}"] = index(image(layer(f"base {number}")), shared)
    name = Registry(f"oci:{tmp_path}/registry")
    story.publish(LayoutRegistry(name, clock=lambda: LONG_AGO), Repository(name, "app"))
    folder = tmp_path / "registry/app"

    killed = 0
    for _ in range(KILLS):
        killed += story.kill_soon(0.004)
        story.check(layout_reading.tags(folder))
        layout_reading.whole(folder)
    assert killed >= KILLS - 5, "too few of them were killed before their end"

    story.finish()
    left = layout_reading.tags(folder)
    assert left.keys() == story.kept.keys()
    layout_reading.whole(folder)

    became = story.restored()
    assert became.keys() == story.going.keys()
    left = layout_reading.tags(folder)
    claimed = {tag for tag, outcome in became.items() if outcome in (Back.RESTORED, Back.THERE)}
    assert len(claimed) > 50, "images whose parts are held by others can all come back"
    assert {tag: left.get(tag) for tag in claimed} == {tag: story.going[tag].digest.text for tag in claimed}
    layout_reading.whole(folder)


def test_killed_while_single_tags_go_by_way_of_stubs(tmp_path: Path, registry: RunningRegistry, open_registry: Open) -> None:
    story = Story(tmp_path, f"{registry.host}/killed-{tmp_path.name.lower().strip('_')}", random.Random(4712))
    for number in range(90):
        story.going[f"old-{number}"] = story.kept[f"new-{number}"] = image(layer(str(number % 9)), labels={"n": str(number)})
    vendor = open_registry(registry.host)
    repository = Repository(Registry(registry.host), f"{story.images_repo.partition('/')[2]}/app")
    story.publish(vendor, repository)

    stubs = set()
    for _ in range(STUB_KILLS):
        story.kill_soon(0.08)
        seen = vendor.inventory(repository)
        story.check({tag.text: digest.text for tag, digest in seen.tags.items()})
        left_on_stub = {tag.text for tag, digest in seen.tags.items() if is_stub(seen.manifests.get(digest))}
        assert left_on_stub <= story.going.keys()
        stubs |= left_on_stub
    assert stubs, "no run was killed while a tag was on its stub, so this shows nothing"

    story.finish()
    seen = vendor.inventory(repository)
    assert {tag.text for tag in seen.tags} == story.kept.keys()
    assert not any(is_stub(stored) for stored in seen.manifests.values())

    became = story.restored()
    assert became.keys() == story.going.keys()
    assert set(became.values()) <= {
        Back.RESTORED,
        Back.THERE,
    }  # two journals hold a tag that one run began with and another ended
    tags = {tag: vendor.resolve(repository, Tag(tag)) for tag in story.going}
    assert tags == {tag: one.digest for tag, one in story.going.items()}
