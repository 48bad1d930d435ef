"""Labels written into whole images and indexes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.images import Image, artifact, attestation, image, index, layer

from moorage.errors import ConfigurationError
from moorage.oci.media_type import DOCKER_LIST, DOCKER_MANIFEST
from moorage.oci.reference import Digest
from moorage.registries.sources.checks import verify
from moorage.registries.sources.opening import open_source
from moorage.registries.sources.parcel import BlobSource, Parcel, relabel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = {"dev.moorage.image": "app", "org.opencontainers.image.revision": "abc"}
AMD, ARM = image(layer("amd"), labels={"own": "1"}), image(layer("arm"), platform="linux/arm64")


@pytest.fixture
def parcel_of(tmp_path: Path) -> Callable[[Image], Parcel]:
    def opened(what: Image) -> Parcel:
        with open_source(f"oci:{write_layout(tmp_path / what.digest.short, {'v1': what})}") as parcel:
            return parcel

    return opened


def labels_of(parcel: Parcel) -> list[dict[str, str]]:
    return [json.loads(parcel.config(found))["config"]["Labels"] for found in parcel.images()]


def test_an_image_has_them_and_its_own(parcel_of: Callable[[Image], Parcel]) -> None:
    before = parcel_of(AMD)
    after = verify(relabel(before, LABELS))
    assert labels_of(after) == [{"own": "1", **LABELS}]
    assert after.root.manifest.layers == before.root.manifest.layers
    assert after.root.digest != before.root.digest
    assert Digest.of(AMD.config) not in after.blobs, "the old config is not pushed along"
    assert len(after.blobs) == len(before.blobs)


def test_every_platform_has_them_and_the_index_holds_together(parcel_of: Callable[[Image], Parcel]) -> None:
    before = parcel_of(index(index(AMD, ARM, attestation(AMD), attestation(ARM)), annotations={"a": "b"}))
    after = verify(relabel(before, LABELS))
    assert labels_of(after) == [{"own": "1", **LABELS}, LABELS]
    inner = after.manifests[after.root.manifest.children[0]]
    entries = json.loads(inner.content)["manifests"]
    images = {document.digest.text for document in after.images()}
    assert {entry["digest"] for entry in entries[:2]} == images
    assert {entry["annotations"]["vnd.docker.reference.digest"] for entry in entries[2:]} == images
    assert [entry["digest"] for entry in entries[2:]] == [attestation(AMD).digest.text, attestation(ARM).digest.text]
    assert after.root.manifest.annotations == {"a": "b"}
    for document in after.documents():
        assert set(document.manifest.children) <= after.manifests.keys()


def test_a_referrer_in_the_index_follows_its_image_wherever_it_stands(parcel_of: Callable[[Image], Parcel]) -> None:
    after = relabel(parcel_of(index(artifact(AMD), AMD)), LABELS)
    (labelled,) = after.images()
    (referrer,) = [document for document in after.manifests.values() if document.manifest.subject]
    assert referrer.manifest.subject == labelled.digest
    assert after.root.manifest.children == (referrer.digest, labelled.digest)


def test_media_types_stay(parcel_of: Callable[[Image], Parcel]) -> None:
    after = relabel(parcel_of(index(image(docker=True), docker=True)), LABELS)
    assert after.root.media_type == after.root.manifest.media_type == DOCKER_LIST
    assert [found.media_type for found in after.images()] == [DOCKER_MANIFEST]


@pytest.mark.parametrize("what", [artifact(None), attestation(AMD)], ids=["artifact", "attestation"])
def test_what_is_no_image_stays_as_it_is(parcel_of: Callable[[Image], Parcel], what: Image) -> None:
    before = parcel_of(what)
    after = relabel(before, LABELS)
    assert (after.root, after.manifests, after.blobs) == (before.root, before.manifests, before.blobs)


def test_labels_that_are_there_change_nothing(parcel_of: Callable[[Image], Parcel]) -> None:
    once = relabel(parcel_of(index(AMD, ARM)), LABELS)
    again = relabel(once, LABELS)
    assert (again.root, again.manifests) == (once.root, once.manifests)
    assert relabel(once, {}).root == once.root


def test_a_config_that_is_none_is_refused(parcel_of: Callable[[Image], Parcel]) -> None:
    parcel = parcel_of(AMD)
    config = Digest.of(AMD.config)
    broken = Parcel("somewhere", parcel.root, {}, {**parcel.blobs, config: BlobSource.of(b"[]")})
    with pytest.raises(ConfigurationError, match=f"somewhere: the image {AMD.digest} is not a JSON object"):
        relabel(broken, LABELS)
