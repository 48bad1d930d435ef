"""A process of its own that changes a layout, for tests of several at once and of one that is killed.

python -m tests.unit.registries.layout.worker ACTION DIR NAME ROUNDS
"""

from __future__ import annotations

import sys

from tests.images import image, index, layer, push

from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry


def work(action: str, directory: str, name: str, rounds: int) -> None:
    registry = Registry(f"oci:{directory}")
    layouts, repository = LayoutRegistry(registry), Repository(registry, "app")
    print("ready", flush=True)  # noqa: T201  the test waits for it
    for number in range(rounds):
        mine = index(image(layer(f"{name}-{number}"), layer("shared")), image(layer("everybody's"), layer("shared")))
        tag = f"{name}-{number}"
        push(layouts, repository, mine, tag, "contested")
        if action == "churn":
            layouts.delete_tag(repository, Tag(tag))
            push(layouts, repository, image(layer("last")), "contested")
            layouts.delete_manifest(repository, mine.digest)
            layouts.delete_manifest(repository, mine.children[0].digest)


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
