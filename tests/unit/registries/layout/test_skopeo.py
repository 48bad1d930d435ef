"""A second opinion: skopeo reads what we write and we read what it writes, digest by digest."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.images import Image, artifact, attestation, image, index, layer, push

from moorage.oci.reference import Digest, Repository, Tag

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.registries.layout.registry import LayoutRegistry

AMD = image(layer("amd"), layer("shared"))
BOTH = index(AMD, image(layer("arm"), layer("shared"), platform="linux/arm64"), attestation(AMD))


def run(skopeo: Path, *arguments: str) -> bytes:
    argv = [str(skopeo), "--insecure-policy", *arguments]
    return subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout


@pytest.mark.parametrize("what", [AMD, BOTH], ids=["image", "index"])
def test_skopeo_copies_from_us(
    layouts: LayoutRegistry, app: Repository, folder: Path, skopeo: Path, tmp_path: Path, what: Image
) -> None:
    push(layouts, app, what, "v1", "v2")
    push(layouts, app, artifact(AMD))
    layouts.delete_tag(app, Tag("v2"))
    assert Digest.of(run(skopeo, "inspect", "--raw", f"oci:{folder}:v1")) == what.digest
    run(skopeo, "copy", "--all", f"oci:{folder}:v1", f"oci:{tmp_path}/copy:v1")
    assert layout_reading.tags(tmp_path / "copy") == {"v1": what.digest.text}
    assert layout_reading.whole(tmp_path / "copy") >= {digest.text for digest in what.all_blobs()}


@pytest.mark.parametrize("what", [AMD, BOTH], ids=["image", "index"])
def test_we_read_what_skopeo_wrote(
    layouts: LayoutRegistry, app: Repository, folder: Path, skopeo: Path, tmp_path: Path, what: Image
) -> None:
    source = tmp_path / "source"
    push(layouts, Repository(app.registry, "source"), what, "v1")
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(skopeo, "copy", "--all", f"oci:{tmp_path}/registry/source:v1", f"oci:{folder}:fresh")
    inventory = layouts.inventory(app)
    assert inventory.tags == {Tag("fresh"): what.digest}
    assert set(inventory.manifests) == {one.digest for one in what.manifests()}
    assert not source.exists()


def test_both_write_into_one_layout(layouts: LayoutRegistry, app: Repository, folder: Path, skopeo: Path) -> None:
    push(layouts, app, BOTH, "v1")
    run(skopeo, "copy", "--all", f"oci:{folder}:v1", f"oci:{folder}:v2")
    push(layouts, app, AMD, "v3")
    assert layout_reading.tags(folder) == {"v1": BOTH.digest.text, "v2": BOTH.digest.text, "v3": AMD.digest.text}
    layouts.delete_tag(app, Tag("v1"))
    layouts.delete_tag(app, Tag("v2"))
    layouts.delete_manifest(app, BOTH.digest)
    assert Digest.of(run(skopeo, "inspect", "--raw", f"oci:{folder}:v3")) == AMD.digest
    layout_reading.whole(folder)


def test_skopeo_reads_from_an_index_whose_sibling_was_deleted(
    layouts: LayoutRegistry, app: Repository, folder: Path, skopeo: Path
) -> None:
    """Freed blobs were really nobody's: skopeo verifies every layer it copies."""
    other = index(AMD, annotations={"n": "2"})
    push(layouts, app, BOTH, "v1")
    push(layouts, app, other, "v2")
    layouts.delete_manifest(app, BOTH.digest)
    for child in BOTH.children[1:]:
        layouts.delete_manifest(app, child.digest)
    run(skopeo, "copy", "--all", f"oci:{folder}:v2", f"oci:{folder.parent}/copy:v2")
    assert layout_reading.blobs(folder) == {one.digest.text for one in other.manifests()} | {
        blob.text for blob in other.all_blobs()
    }
