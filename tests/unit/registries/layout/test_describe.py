"""Dates and labels that only the configs know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.images import Image, artifact, attestation, image, index, layer, push

from moorage.oci.reference import Digest, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.oci.inventory import Stored
    from moorage.registries.layout.registry import LayoutRegistry

LABELS = {"org.example.who": "me", "org.example.arch": "amd"}
AMD = image(layer("amd"), labels=LABELS, created="2024-01-01T00:00:00Z")
ARM = image(layer("arm"), labels={"org.example.who": "me", "org.example.arch": "arm"}, created="2024-02-02T00:00:00Z")


def described(layouts: LayoutRegistry, app: Repository, folder: Path, *images: Image) -> dict[Digest, Stored]:
    """Of a layout that somebody else wrote, so without push dates."""
    write_layout(folder, {f"v{number}": one for number, one in enumerate(images)})
    inventory = layouts.inventory(app)
    return {stored.digest: stored for stored in layouts.describe(inventory, inventory.manifests)}


def test_an_image_has_the_date_and_the_labels_of_its_config(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    found = described(layouts, app, folder, AMD)[AMD.digest]
    assert (found.date, found.dated, found.labels) == (datetime(2024, 1, 1, tzinfo=UTC), True, LABELS)


def test_an_index_has_the_newest_date_and_the_labels_that_all_share(
    layouts: LayoutRegistry, app: Repository, folder: Path
) -> None:
    outer = index(index(AMD, ARM), attestation(AMD))
    found = described(layouts, app, folder, outer)[outer.digest]
    assert (found.date, found.dated, found.labels) == (datetime(2024, 2, 2, tzinfo=UTC), True, {"org.example.who": "me"})


def test_a_push_date_is_better(layouts: LayoutRegistry, app: Repository) -> None:
    push(layouts, app, AMD, "v1")
    inventory = layouts.inventory(app)
    (found,) = layouts.describe(inventory, [AMD.digest])
    assert (found.date, found.labels) == (inventory.manifests[AMD.digest].date, LABELS)


@pytest.mark.parametrize("created", ["1980-01-01T00:00:00Z", "2012-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "soon", None])
def test_a_date_that_cannot_be_true_is_none(layouts: LayoutRegistry, app: Repository, folder: Path, created: str | None) -> None:
    odd = image(created=created)
    found = described(layouts, app, folder, odd)[odd.digest]
    assert (found.date, found.dated) == (None, True)


def test_what_has_no_image_config_has_neither(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    found = described(layouts, app, folder, artifact(None))[artifact(None).digest]
    assert (found.date, found.dated, found.labels) == (None, True, {})


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_config_that_cannot_be_read_says_nothing(
    layouts: LayoutRegistry, app: Repository, folder: Path, content: bytes | None
) -> None:
    write_layout(folder, {"v1": AMD})
    place = folder / "blobs/sha256" / Digest.of(AMD.config).hex
    place.unlink() if content is None else place.write_bytes(content)
    inventory = layouts.inventory(app)
    (found,) = layouts.describe(inventory, [AMD.digest])
    assert (found.date, found.dated, found.labels) == (None, True, {})


@pytest.mark.parametrize(
    "config", [b"[]", b"no json", b'{"config": 5}', b'{"config": {"Labels": ["a"]}}', b'{"config": {"Labels": {"a": 1}}}']
)
def test_a_config_of_another_shape_says_nothing(layouts: LayoutRegistry, app: Repository, folder: Path, config: bytes) -> None:
    odd = Image(
        AMD.content.replace(Digest.of(AMD.config).text.encode(), Digest.of(config).text.encode()).replace(
            f'"size":{len(AMD.config)}'.encode(), f'"size":{len(config)}'.encode()
        ),
        AMD.media_type,
        {Digest.of(config): config},
    )
    found = described(layouts, app, folder, odd)[odd.digest]
    assert (found.date, found.labels) == (None, {})


def test_what_is_not_in_the_inventory_is_left_out(layouts: LayoutRegistry, app: Repository) -> None:
    push(layouts, app, AMD, "v1")
    assert layouts.describe(layouts.inventory(app), [ARM.digest]) == []


def test_an_artifact_may_be_dated_by_its_annotation(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    dated = image(created=None, annotations={"org.opencontainers.image.created": "2024-03-03T00:00:00Z"})
    assert described(layouts, app, folder, dated)[dated.digest].date == datetime(2024, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize("lost", ["config", "manifest"])
def test_an_index_has_no_date_when_one_of_its_images_cannot_be_read(
    layouts: LayoutRegistry, app: Repository, folder: Path, lost: str
) -> None:
    both = index(AMD, ARM)
    write_layout(folder, {"v1": both})
    digest = Digest.of(ARM.config) if lost == "config" else ARM.digest
    (folder / "blobs/sha256" / digest.hex).write_bytes(b"damaged")
    inventory = layouts.inventory(app)
    (found,) = layouts.describe(inventory, [both.digest])
    assert (found.date, found.dated) == (None, True)


def test_a_platform_that_was_never_there_says_nothing_about_the_date(
    layouts: LayoutRegistry, app: Repository, folder: Path
) -> None:
    both = index(AMD, ARM)
    write_layout(folder, {"v1": both})
    (folder / "blobs/sha256" / ARM.digest.hex).unlink()
    (found,) = layouts.describe(layouts.inventory(app), [both.digest])
    assert (found.date, found.labels) == (datetime(2024, 1, 1, tzinfo=UTC), LABELS)
