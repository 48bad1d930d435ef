"""What the demo publishes: three small images with a history, as OCI layouts such as a build would leave behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.images import Image, attestation, filler, image, index, layer, push

from moorage.oci.reference import Registry, Repository
from moorage.registries.layout.registry import LayoutRegistry

IMAGES = ("web", "api", "worker")


@dataclass(frozen=True, slots=True)
class Release:
    """One publish: its tags, how long ago it happened, and where its images lie (a layout per image)."""

    tags: tuple[str, ...]
    age: timedelta
    sources: dict[str, str]


def releases(folder: Path) -> Iterator[Release]:
    """The project's history, oldest first; every release is built when it is asked for."""
    workshop = LayoutRegistry(Registry(f"oci:{folder}"))
    for minor in range(10):
        tags = (f"1.{minor}", "latest") if minor == 9 else (f"1.{minor}",)
        yield _release(workshop, folder, tags, timedelta(weeks=2 * (10 - minor)))
    for number in (101, 102, 117, 130):
        yield _release(workshop, folder, (f"pr-{number}",), timedelta(days=150 - number))
    yield _release(workshop, folder, ("pr-keep-99",), timedelta(days=60))
    for days in (9, 6, 1):
        yield _release(workshop, folder, ("nightly",), timedelta(days=days), distinct=f"nightly-{days}")


def _release(workshop: LayoutRegistry, folder: Path, tags: tuple[str, ...], age: timedelta, distinct: str = "") -> Release:
    name = distinct or tags[0]
    for one in IMAGES:
        push(workshop, Repository(Registry(f"oci:{folder}"), one), _image(one, name), name)
    return Release(tags, age, {one: f"oci:{folder / one}:{name}" for one in IMAGES})


def _image(name: str, version: str) -> Image:
    """`web` is multi-arch with an attestation; `api` and `worker` stand on a layer that they share."""
    if name != "web":
        shared = filler(400_000, seed=7)
        return image(shared, filler(60_000, seed=_seed(name, version)), layer(f"{name} {version}"))
    amd64 = image(filler(200_000, seed=_seed(name, version)), layer(f"web {version} amd64"))
    arm64 = image(filler(180_000, seed=_seed(name, version, "arm64")), layer(f"web {version} arm64"), platform="linux/arm64")
    return index(amd64, arm64, attestation(amd64))


def _seed(*parts: str) -> int:
    return int.from_bytes("/".join(parts).encode()) % 2**32
