"""Whatever happened to the bytes of an archive, a source either says so or gives exactly what was put in."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archives import docker_25_archive, docker_archive, layout_archive
from tests.images import attestation, image, index, layer

from moorage.errors import ConfigurationError
from moorage.registries.sources.opening import open_source

AMD = image(layer("amd"), layer("shared", compressed=False))
BOTH = index(AMD, image(layer("arm"), layer("shared"), platform="linux/arm64"), attestation(AMD))
ARCHIVES = {
    "oci-archive": [layout_archive({"v1": BOTH}), gzip.compress(layout_archive({"v1": AMD}), mtime=0)],
    "docker-archive": [docker_archive({"app:v1": AMD}), docker_25_archive({"app:v1": AMD}), docker_25_archive({"app:v1": BOTH})],
}
CASES = [(scheme, content) for scheme, several in ARCHIVES.items() for content in several]


def read(scheme: str, content: bytes) -> dict[str, bytes] | None:
    """Everything in a source by digest, or None where it is refused."""
    with tempfile.NamedTemporaryFile(prefix="moorage-test-") as file:
        Path(file.name).write_bytes(content)
        try:
            with open_source(f"{scheme}:{file.name}") as parcel:
                found = {document.digest.text: document.content for document in parcel.documents()}
                for digest, source in parcel.blobs.items():
                    with source.open() as stream:
                        found[digest.text] = stream.read()
                return found
        except ConfigurationError as error:
            refusal = error.message
        assert file.name in refusal
        return None


@pytest.mark.parametrize("number", range(len(CASES)))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_bytes(number: int, data: st.DataObject) -> None:
    scheme, content = CASES[number]
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        damaged[start : start + len(piece)] = piece
    assert read(scheme, bytes(damaged)) in (None, read(scheme, content))


@pytest.mark.parametrize("number", range(len(CASES)))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_missing_bytes(number: int, data: st.DataObject) -> None:
    scheme, content = CASES[number]
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start + 1, len(content)))
    assert read(scheme, content[:start] + content[end:]) in (None, read(scheme, content))
