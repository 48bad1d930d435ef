"""What a vendor's inventory and deletions cost in requests, for bench/ and for the vendors' own tests."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.images import image, layer

if TYPE_CHECKING:
    from tests.contract.scene import Scene

Requests = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Costs:
    """The requests by method and route, and the seconds that limits made wait."""

    inventory: Requests
    deletion: Requests
    waited: float


def measure(scene: Scene, *, tags: int, deletions: int) -> Costs:
    """Push so many images with a tag each, list them, delete some of them as whole manifests."""
    with ThreadPoolExecutor(4) as pool:
        push = lambda number: scene.push(image(layer(f"{number}")), f"v{number}", age=timedelta())  # noqa: E731
        digests = list(pool.map(push, range(tags)))
    registry, counts = scene.open(), scene.simulator.counts
    before, slept = Counter(counts), sum(scene.clock.slept)
    registry.inventory(scene.repository)
    between = Counter(counts)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda digest: registry.delete_manifest(scene.repository, digest), digests[:deletions]))
    return Costs(between - before, Counter(counts) - between, sum(scene.clock.slept) - slept)
