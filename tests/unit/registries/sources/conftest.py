from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from moorage.registries.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from moorage.registries.sources.parcel import Parcel


class OpenFile(Protocol):
    def __call__(self, scheme: str, content: bytes, selector: str = "") -> AbstractContextManager[Parcel]: ...


@pytest.fixture
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sources keep what they decompress and compress; every test ends with it empty."""
    folder = tmp_path / "spools"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def open_file(tmp_path: Path, spools: Path) -> Iterator[OpenFile]:
    """Opens bytes as a source of a scheme, through a file."""

    @contextmanager
    def opened(scheme: str, content: bytes, selector: str = "") -> Iterator[Parcel]:
        (tmp_path / "image.tar").write_bytes(content)
        with open_source(f"{scheme}:{tmp_path / 'image.tar'}{selector}") as parcel:
            yield parcel

    yield opened
    assert list(spools.iterdir()) == []


@pytest.fixture
def contents() -> Callable[[Parcel], dict[str, bytes]]:
    """All bytes of a parcel by digest."""

    def read(parcel: Parcel) -> dict[str, bytes]:
        found = {document.digest.text: document.content for document in parcel.documents()}
        for digest, source in parcel.blobs.items():
            with source.open() as stream:
                found[digest.text] = stream.read()
            assert len(found[digest.text]) == source.size
        return found

    return read
