"""Several images become one index, and the index they were meant to be."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.images import Image, artifact, attestation, image, index, layer

from moorage.errors import ConfigurationError
from moorage.oci.media_type import DOCKER_LIST, OCI_INDEX
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.sources.joining import join, platform_text
from moorage.registries.sources.opening import open_source
from moorage.registries.upload import put_parcel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from moorage.registries.sources.parcel import Parcel

    Opener = Callable[[Image], Parcel]

AMD = image(layer("amd"))
ARM = image(layer("arm"), platform="linux/arm64")


@pytest.fixture
def parcel(tmp_path: Path) -> Iterator[Opener]:
    """Opens an image of the tests as a source, until the test ends."""
    with ExitStack() as stack:

        def opened(what: Image) -> Parcel:
            folder = write_layout(tmp_path / what.digest.hex, {"it": what})
            return stack.enter_context(open_source(f"oci:{folder}"))

        yield opened


def entries(joined: Parcel) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(joined.root.content)["manifests"]
    return found


def test_two_images_become_what_a_builder_would_have_written(parcel: Opener) -> None:
    joined = join([parcel(AMD), parcel(ARM)])
    assert joined.root.content == index(AMD, ARM).content
    assert joined.root.media_type == OCI_INDEX
    assert [digest.text for digest in joined.manifests] == [AMD.digest.text, ARM.digest.text]


def test_the_order_of_sources_makes_no_other_index(parcel: Opener) -> None:
    assert join([parcel(AMD), parcel(ARM)]).root == join([parcel(ARM), parcel(AMD)]).root


def test_an_index_gives_its_entries_attestations_after_their_images(parcel: Opener) -> None:
    riscv = image(layer("riscv"), platform="linux/riscv64")
    joined = join([parcel(riscv), parcel(index(AMD, attestation(AMD), ARM, attestation(ARM)))])
    expected = [AMD, attestation(AMD), ARM, attestation(ARM), riscv]
    assert [entry["digest"] for entry in entries(joined)] == [one.digest.text for one in expected]
    assert entries(joined)[1] == {
        "mediaType": attestation(AMD).media_type,
        "digest": attestation(AMD).digest.text,
        "size": len(attestation(AMD).content),
        **attestation(AMD).beside,
    }


def test_indexes_in_indexes_are_flattened(parcel: Opener) -> None:
    assert [entry["digest"] for entry in entries(join([parcel(index(index(AMD))), parcel(ARM)]))] == [
        AMD.digest.text,
        ARM.digest.text,
    ]


def test_dockers_images_stay_dockers(parcel: Opener) -> None:
    old = [image(layer(text, docker=True), platform=text, docker=True) for text in ("linux/amd64", "linux/arm/v7")]
    joined = join([parcel(one) for one in old])
    assert joined.root.media_type == DOCKER_LIST
    assert entries(joined)[1]["platform"] == {"architecture": "arm", "os": "linux", "variant": "v7"}


def test_one_platform_twice_names_both_sources(parcel: Opener) -> None:
    first, second = parcel(AMD), parcel(image(layer("another amd")))
    with pytest.raises(ConfigurationError, match="are both linux/amd64") as caught:
        join([first, second])
    assert first.origin in str(caught.value)
    assert second.origin in str(caught.value)


def test_an_artifact_is_no_platform(parcel: Opener) -> None:
    with pytest.raises(ConfigurationError, match="holds no image"):
        join([parcel(AMD), parcel(artifact(None))])


def test_arm64_is_arm64_whatever_its_variant_is_called() -> None:
    assert platform_text({"os": "linux", "architecture": "arm64", "variant": "v8"}) == "linux/arm64"
    assert platform_text({"os": "windows", "architecture": "amd64", "os.version": "10.0.1"}) == "windows/amd64:10.0.1"


def test_it_can_be_put(parcel: Opener, tmp_path: Path) -> None:
    registry = LayoutRegistry(Registry(f"oci:{tmp_path / 'out'}"))
    repository = Repository(Registry(f"oci:{tmp_path / 'out'}"), "app")
    put_parcel(registry, repository, join([parcel(AMD), parcel(ARM)]), tags=[Tag("v1")])
    assert registry.resolve(repository, Tag("v1")) == index(AMD, ARM).digest
