"""Files of a source by their names in it: a directory, or a tar archive that is read in place and never unpacked."""

import bz2
import gzip
import io
import lzma
import posixpath
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from moorage.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MEMBER_LIMIT: Final = 100_000
LINK_LIMIT: Final = 16
ZSTD: Final = b"\x28\xb5\x2f\xfd"
GZIP: Final = b"\x1f\x8b"
_DECOMPRESSORS: Final[dict[bytes, Callable[[Path], io.BufferedIOBase]]] = {
    GZIP: gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


class Files(Protocol):
    """What a source consists of. Names are relative, with slashes."""

    def size(self, name: str) -> int | None:
        """Bytes, or None where there is no such file."""

    def open(self, name: str) -> BinaryIO:
        """Open from the beginning. Raises ConfigurationError where there is no such file."""


def read(files: Files, origin: str, name: str, limit: int) -> bytes:
    """A small file as a whole. Raises ConfigurationError when it is absent or larger than `limit` bytes."""
    size = files.size(name)
    if size is None:
        raise ConfigurationError(f"{origin} lacks {name}")
    if size > limit:
        raise ConfigurationError(f"{origin}: {name} is larger than {limit} bytes")
    with files.open(name) as stream:
        return stream.read()


class Directory:
    """The files below a directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self, name: str) -> int | None:
        place = self._path / name
        return place.stat().st_size if place.is_file() else None

    def open(self, name: str) -> BinaryIO:
        return (self._path / name).open("rb")


@dataclass(frozen=True, slots=True)
class _Member:
    offset: int
    size: int
    link: str = ""


class Archive:
    """The members of a tar file that is not compressed. Every `open` has its own handle, so threads don't disturb each other."""

    def __init__(self, path: Path, origin: str) -> None:
        """Raises ConfigurationError for what is no whole archive, and for names and links that lead out of it."""
        self._path = path
        self._origin = origin
        try:
            with tarfile.open(path, "r:") as tar:
                self._members = dict(self._listed(tar))
        except (tarfile.TarError, UnicodeError, EOFError) as error:
            raise ConfigurationError(f"{origin} is no tar archive, or a damaged one ({error})") from None

    def size(self, name: str) -> int | None:
        member = self._find(name)
        return member.size if member else None

    def open(self, name: str) -> BinaryIO:
        member = self._find(name)
        if member is None:
            raise ConfigurationError(f"{self._origin} lacks {name}")
        return io.BufferedReader(_Window(self._path, member.offset, member.size), 1024 * 1024)

    def _listed(self, tar: tarfile.TarFile) -> Iterator[tuple[str, _Member]]:
        for number, member in enumerate(tar):
            if number >= MEMBER_LIMIT:
                raise ConfigurationError(f"{self._origin} has more than {MEMBER_LIMIT} members; images have a few hundred")
            name = self._inside(member.name, member.name)
            if member.issym() or member.islnk():
                start = posixpath.dirname(name) if member.issym() else ""
                target = member.linkname if member.linkname.startswith("/") else posixpath.join(start, member.linkname)
                yield name, _Member(0, 0, self._inside(target, member.name))
            elif member.isreg() and not member.issparse():
                yield name, _Member(member.offset_data, member.size)

    def _inside(self, path: str, member: str) -> str:
        found = posixpath.normpath(path)
        if found.startswith("/") or found.split("/")[0] == ".." or "\0" in found:
            raise ConfigurationError(f"{self._origin} is refused: its member {member!r} leads out of the archive")
        return found

    def _find(self, name: str) -> _Member | None:
        name = self._inside(name, name)
        for _ in range(LINK_LIMIT):
            member = self._members.get(name)
            if member is None or not member.link:
                return member
            name = member.link
        raise ConfigurationError(f"{self._origin}: the links of {name} lead in a circle")


class _Window(io.RawIOBase):
    """A part of a file."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._file = path.open("rb")
        self._file.seek(offset)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._file.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_archive(path: Path, origin: str, spool: Path) -> Archive:
    """A tar archive, compressed or not; a compressed one is decompressed into `spool` first. Raises ConfigurationError."""
    with path.open("rb") as file:
        start = file.read(6)
    if not start:
        raise ConfigurationError(f"{origin} is an empty file")
    if start.startswith(ZSTD):
        raise ConfigurationError(
            f"{origin} is compressed with zstd", remedy="Decompress it first: `zstd -d` makes a plain tar of it."
        )
    decompressor = next((found for magic, found in _DECOMPRESSORS.items() if start.startswith(magic)), None)
    if decompressor is not None:
        plain = spool / "archive.tar"
        with damage_named(origin), decompressor(path) as compressed, plain.open("xb") as target:
            shutil.copyfileobj(compressed, target, 1024 * 1024)
        path = plain
    return Archive(path, origin)


@contextmanager
def damage_named(what: str) -> Iterator[None]:
    """What the decompressors raise becomes a ConfigurationError about `what`."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise ConfigurationError(f"{what} is cut off or damaged: it does not decompress ({error})") from None
