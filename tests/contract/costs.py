"""What a vendor's inventory and deletions cost in requests, for bench/ and for the vendors' own tests."""

from __future__ import annotations

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tests.contract.cleaning import MONTH, clean, policy
from tests.images import image, layer

from moorage.oci.manifest import Blob
from moorage.oci.reference import Tag

if TYPE_CHECKING:
    from pathlib import Path

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


@dataclass(frozen=True)
class CleanupCosts:
    """Numbers of requests: for one listing, and for a whole cleanup, which lists, deletes and looks afterwards.

    `deletions` are those of them that change something. `by_call` has the cleanup's requests by method and route.
    """

    inventory: int
    cleanup: int
    deletions: int
    by_call: Requests


def costs(scene: Scene, folder: Path, *, tags: int = 1000, going: int = 300) -> CleanupCosts:
    """Fill the scene's repository with so many images of one tag each, list it, and clean up the `going` first of them."""
    fill(scene, tags, going)
    counts = scene.simulator.counts
    counts.clear()
    scene.open().inventory(scene.repository)
    listed = sum(counts.values())
    counts.clear()
    run = clean(scene, policy("old-*"), folder)
    assert len([key for key in run.outcomes if key[1] is not None]) == going
    return CleanupCosts(listed, sum(counts.values()), sum(scene.simulator.changes().values()), Counter(counts))


def fill(scene: Scene, tags: int, old: int) -> None:
    """Images that share their blobs and differ in an annotation, so that a thousand are there within seconds."""
    client = scene.pusher()
    with scene.aged(MONTH):
        for number in range(tags):
            one = image(layer("shared"), annotations={"number": str(number)})
            for digest, content in one.blobs.items() if number == 0 else ():
                client.put_blob(scene.repository, Blob(digest, len(content)), partial(io.BytesIO, content))
            name = f"old-{number}" if number < old else f"v{number}"
            client.put_manifest(scene.repository, Tag(name), one.content, one.media_type)
