"""`oci:DIR`: the promises that need no server."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests import images, layout_reading
from tests.contract.abilities import Abilities, Dates
from tests.contract.scene import Login, Scene
from tests.contract.suite import RegistryContract
from tests.simulators.clock import FakeClock

from moorage.oci.layout import PUSHED
from moorage.oci.reference import Digest, Registry, Repository
from moorage.registries.layout import VENDOR
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path


class TestLayout(RegistryContract):
    abilities = Abilities(dates=Dates.VENDOR, lists_untagged=True)

    @pytest.fixture
    def scene(self, tmp_path: Path) -> Scene:
        return LayoutScene(tmp_path / "registry")

    def hide_dates(self, scene: Scene) -> None:
        assert isinstance(scene, LayoutScene)
        scene.hidden = True


class LayoutScene(Scene):
    """A directory, read by other code than Moorage's where the truth is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = False
        self.damaged: dict[Digest, bytes] = {}
        self.time = FakeClock()
        nobody = Login()
        repository = Repository(Registry(f"oci:{root}"), "acme/shop")
        super().__init__(VENDOR, repository, None, nobody, nobody, nobody)  # type: ignore[arg-type]

    @property
    def clock(self) -> FakeClock:
        return self.time

    @property
    def folder(self) -> Path:
        return self.root / self.path

    def open(self, login: Login | None = None, **changes: Any) -> LayoutRegistry:
        return LayoutRegistry(self.repository.registry, self.now)

    def push(self, image: images.Image, *tags: str, age: timedelta = timedelta()) -> Digest:
        then = self.now() - age
        images.push(LayoutRegistry(self.repository.registry, lambda: then), self.repository, image, *tags)
        if self.hidden:
            self._forget_dates()
        return image.digest

    def tags(self) -> dict[str, Digest]:
        return {tag: Digest(digest) for tag, digest in layout_reading.tags(self.folder).items()}

    def has(self, digest: Digest) -> bool:
        return self._file(digest).exists()

    def broken(self, digest: Digest) -> list[str]:
        content = self.damaged.get(digest) or (self._file(digest).read_bytes() if self.has(digest) else None)
        if content is None:
            return [f"manifest {digest}"]
        document = json.loads(content)
        blobs = [*document.get("layers", ()), *([document["config"]] if "config" in document else [])]
        lost = [f"blob {blob['digest']}" for blob in blobs if not self.has(Digest(blob["digest"]))]
        return lost + [line for child in document.get("manifests", ()) for line in self.broken(Digest(child["digest"]))]

    def unreadable(self, digest: Digest) -> None:
        self.damaged[digest] = self._file(digest).read_bytes()
        self._file(digest).write_bytes(self.damaged[digest].replace(b"sha256", b"sha257", 1))

    def settle(self) -> None:
        """Nothing happens later here."""

    def changes(self) -> object:
        return (self.folder / "index.json").read_bytes()

    def _file(self, digest: Digest) -> Path:
        return self.folder / "blobs" / "sha256" / digest.hex

    def _forget_dates(self) -> None:
        """What a layout looks like that another tool has written: nobody noted when anything was pushed."""
        file = self.folder / "index.json"
        document = json.loads(file.read_bytes())
        for entry in document["manifests"]:
            entry.get("annotations", {}).pop(PUSHED, None)
        file.write_text(json.dumps(document), encoding="utf-8")
