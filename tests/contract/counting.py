"""How many requests a vendor's API takes for a listing and for deletions, as its simulator counts them; for benchmarks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.cleaning import MONTH, clean, policy
from tests.images import image, layer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.scene import Scene
    from tests.images import Image


@dataclass(frozen=True)
class Requests:
    """Requests by method and route. `run` is the whole cleanup, from its own listing to the look afterwards."""

    inventory: Counter[tuple[str, str]]
    run: Counter[tuple[str, str]]

    @property
    def deletions(self) -> Counter[tuple[str, str]]:
        """What the cleanup took beyond the listing."""
        return self.run - self.inventory


def _plain(number: int) -> Image:
    return image(layer(f"{number}"))


def count_requests(
    scene: Scene, folder: Path, *, tags: int = 1000, going: int = 300, make: Callable[[int], Image] = _plain
) -> Requests:
    """Fill the scene's repository with so many images of one tag each, list it, and let so many of them go."""
    for number in range(tags):
        scene.push(make(number), f"{'old' if number < going else 'keep'}-{number}", age=MONTH)
    counts = scene.simulator.counts
    counts.clear()
    scene.open().inventory(scene.repository)
    listed = Counter(counts)
    counts.clear()
    clean(scene, policy("old*"), folder)
    return Requests(listed, Counter(counts))
