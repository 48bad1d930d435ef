"""Several processes on one layout, and processes that die in the middle of it."""

from __future__ import annotations

import fcntl
import io
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.images import image, index, layer, push

from moorage.errors import Denied, Unreachable
from moorage.oci.manifest import Blob
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout import store
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parents[4]
AMD = image(layer("amd"))


def start(action: str, root: Path, name: str, rounds: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.unit.registries.layout.worker", action, str(root), name, str(rounds)]
    return subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(worker: subprocess.Popen[str]) -> None:
    _, trouble = worker.communicate(timeout=60)
    assert worker.returncode == 0, trouble


def test_parallel_pushes_lose_nothing(root: Path) -> None:
    for worker in [start("push", root, f"p{number}", 8) for number in range(4)]:
        finish(worker)
    wanted = {f"p{worker}-{number}" for worker in range(4) for number in range(8)} | {"contested"}
    assert set(layout_reading.tags(root / "app")) == wanted
    assert layout_reading.whole(root / "app") == layout_reading.blobs(root / "app")


def test_a_killed_process_leaves_a_valid_layout(root: Path) -> None:
    folder = root / "app"
    push(LayoutRegistry(Registry(f"oci:{root}")), Repository(Registry(f"oci:{root}"), "app"), AMD, "kept")
    chance = random.Random(7)
    for attempt in range(8):
        worker = start("churn", root, f"k{attempt}", 100_000)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.01, 0.15))
        worker.kill()
        worker.communicate()
        assert layout_reading.tags(folder)["kept"] == AMD.digest.text
        layout_reading.whole(folder)
    layouts = LayoutRegistry(Registry(f"oci:{root}"))
    push(layouts, Repository(Registry(f"oci:{root}"), "app"), index(AMD), "after")
    assert set(layout_reading.tags(folder)) >= {"kept", "after"}


def test_threads_share_one_registry(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    push(layouts, app, image(layer("shared")), "holds-what-they-share")  # else a thread's cleanup may take it between two puts

    def change(number: int) -> None:
        mine = image(layer(f"thread {number}"), layer("shared"))
        push(layouts, app, mine, f"a{number}", f"b{number}")
        layouts.inventory(app)
        layouts.delete_tag(app, Tag(f"a{number}"))
        if number % 2:
            layouts.delete_manifest(app, mine.digest)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(24)))
    assert set(layout_reading.tags(folder)) == {"holds-what-they-share", *(f"b{number}" for number in range(0, 24, 2))}
    assert layout_reading.whole(folder) == layout_reading.blobs(folder)


def test_a_lock_that_is_never_given_back(
    layouts: LayoutRegistry, app: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(layouts, app, AMD, "v1")
    monkeypatch.setattr(store, "LOCK_PATIENCE", 0.05)
    with (folder / ".moorage/lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unreachable, match="locked by another process") as caught:
            layouts.delete_tag(app, Tag("v1"))
        assert str(folder / ".moorage/lock") in caught.value.remedy
        assert layouts.inventory(app).tags == {Tag("v1"): AMD.digest}, "readers need no lock"
    layouts.delete_tag(app, Tag("v1"))


def test_a_lock_that_is_given_back_is_waited_for(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    push(layouts, app, AMD, "v1")
    with (folder / ".moorage/lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=layouts.delete_tag, args=(app, Tag("v1")))
        waiting.start()
        waiting.join(0.05)
        assert layouts.tag_names(app) == {Tag("v1")}
    waiting.join(30)
    assert layouts.tag_names(app) == frozenset()


def test_a_snapshot_is_taken_again_when_its_index_was_replaced_meanwhile(
    layouts: LayoutRegistry, app: Repository, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process deletes an image between our look at the index and our look at the manifest."""
    push(layouts, app, AMD, "gone")
    push(layouts, app, image(layer("stays")), "stays")
    read, other = store.LayoutStore.manifest, LayoutRegistry(Registry(f"oci:{root}"))

    def late(self: store.LayoutStore, digest: object) -> bytes:
        if other.tag_names(app) >= {Tag("gone")}:
            monkeypatch.setattr(store.LayoutStore, "manifest", read)
            other.delete_manifest(app, AMD.digest)
        return read(self, digest)  # type: ignore[arg-type]

    monkeypatch.setattr(store.LayoutStore, "manifest", late)
    inventory = layouts.inventory(app)
    assert set(inventory.tags) == {Tag("stays")}
    assert (inventory.missing, inventory.dangling) == (frozenset(), {})


def test_a_blob_that_goes_while_it_is_put_is_written(
    layouts: LayoutRegistry, app: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(layouts, app, AMD, "v1")
    content = AMD.layers[0].stored
    place = folder / "blobs/sha256" / AMD.layers[0].digest.hex

    def late(*_: object) -> None:
        place.unlink()
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("os.utime", late)
    layouts.put_blob(app, Blob(AMD.layers[0].digest, len(content)), lambda: io.BytesIO(content))
    assert place.read_bytes() == content


class TestFileSystem:
    def test_a_file_where_the_registry_should_be(self, layouts: LayoutRegistry, app: Repository, root: Path) -> None:
        root.write_text("a file")
        with pytest.raises(Unreachable, match=r"team/app.*Not a directory"):
            push(layouts, app, AMD, "v1")

    @pytest.mark.parametrize(
        "error", [PermissionError(13, "Permission denied", "/x"), OSError(30, "Read-only file system", "/x")]
    )
    def test_missing_rights(
        self, layouts: LayoutRegistry, app: Repository, monkeypatch: pytest.MonkeyPatch, error: OSError
    ) -> None:
        assert_told(layouts, app, monkeypatch, error, Denied)

    @pytest.mark.parametrize("error", [OSError(28, "No space left on device", "/x"), OSError(5, "Input/output error")])
    def test_other_trouble(
        self, layouts: LayoutRegistry, app: Repository, monkeypatch: pytest.MonkeyPatch, error: OSError
    ) -> None:
        assert_told(layouts, app, monkeypatch, error, Unreachable)


def assert_told(
    layouts: LayoutRegistry, app: Repository, monkeypatch: pytest.MonkeyPatch, error: OSError, wanted: type[Exception]
) -> None:
    """Trouble that root does not meet and a test cannot make: raised where the file system would raise it."""
    push(layouts, app, AMD, "v1")

    def fail(*_: object, **__: object) -> None:
        raise error

    attempts: list[Callable[[], object]] = [
        lambda: layouts.delete_tag(app, Tag("v1")),
        lambda: push(layouts, app, AMD, "v2"),
        lambda: layouts.delete_manifest(app, AMD.digest),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        for attempt in attempts:
            with pytest.raises(wanted, match=error.strerror):
                attempt()
    assert layouts.inventory(app).tags == {Tag("v1"): AMD.digest}
