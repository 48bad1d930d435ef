"""One layout on disk: how its files are found, read, replaced and locked.

What other processes may count on: `index.json` is replaced whole (written aside, synced, renamed), so that readers need no lock;
whoever changes it holds the lock of that layout (flock on `.moorage/lock`); a blob has its name only once it is complete and
verified. A run that is killed leaves a valid layout, at worst with files that nothing refers to, which `sweep` removes when they
are a day old.
"""

import errno
import fcntl
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from moorage.errors import ConfigurationError, Contradiction, Denied, NotFound, RegistryError, Unreachable
from moorage.oci.layout import (
    BLOBS,
    INDEX_FILE,
    LAYOUT_FILE,
    BadLayout,
    LayoutIndex,
    check_layout_mark,
    layout_mark,
    parse_index,
)
from moorage.oci.manifest import MANIFEST_LIMIT, Blob
from moorage.oci.reference import Digest
from moorage.registries.verified import chunks, verified

T = TypeVar("T")

OWN: Final = ".moorage"  # lock and unfinished files; no repository can have this name
INDEX_LIMIT: Final = 64 * 1024 * 1024  # bytes
LOCK_PATIENCE: Final = 300.0  # seconds; the lock is held for milliseconds, so whoever waits longer waits for a run that hangs
LEFTOVER_AGE: Final = 24 * 3600.0  # seconds
RESERVED: Final = frozenset({BLOBS, INDEX_FILE, LAYOUT_FILE})  # valid path components that a layout needs for itself


def locate(root: Path, path: str) -> Path:
    """The directory of a repository below `root`. Raises ConfigurationError where it would lie outside of it, or in a layout.

    Symbolic links below `root` are refused even when they stay inside: cleaning one of two names would clean the other.
    """
    taken = RESERVED.intersection(path.split("/"))
    if taken:
        raise ConfigurationError(f"oci:{root}/{path}: a repository in an oci: registry cannot have a part named {min(taken)}")
    if (root / LAYOUT_FILE).exists():
        raise ConfigurationError(
            f"oci:{root} is an image layout itself, not a directory of layouts",
            remedy=f"Give the directory above it: oci:{root.parent}",
        )
    folder = root
    for component in path.split("/"):
        folder /= component
        _refuse_link(folder)
    return folder


def _refuse_link(place: Path) -> None:
    if place.is_symlink():
        raise ConfigurationError(
            f"{place} is a symbolic link",
            remedy="Use real directories and files below an oci: registry, or the target as its address.",
        )


@contextmanager
def failures_named(what: str) -> Iterator[None]:
    """The only place where errors of the file system become ours."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{what}: {reason}" + (f" ({error.filename})" if error.filename else "")
        raise _ours(error, message) from None


def _ours(error: OSError, message: str) -> RegistryError:
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Denied(message, remedy="Give this user the right to read and write the files of the registry.")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unreachable(message, remedy="Free some space on that file system, then run again; nothing was damaged.")
    return Unreachable(message, remedy="Check the directory of the registry and its file system.")


class LayoutStore:
    """The files of one repository. `name` is how messages call it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._turn = threading.Lock()  # threads of this process queue here, so that only one of them asks for the file lock
        self._swept = False
        self._last = b"", LayoutIndex()  # bytes and what they mean: deleting a thousand tags would parse the same index as often

    def exists(self) -> bool:
        return self._place(LAYOUT_FILE).is_file()

    def index(self) -> LayoutIndex:
        """What `index.json` says right now. Raises NotFound, and Contradiction naming the file when it is broken."""
        if not self.exists():
            raise NotFound(f"{self._name} is not there: {self._folder} holds no image layout")
        self._parsed(LAYOUT_FILE, check_layout_mark)
        return self._parsed(INDEX_FILE, self._index_of)

    def manifest(self, digest: Digest) -> bytes:
        """The bytes of a manifest, verified. Raises NotFound, Contradiction."""
        place = self._blob(digest)
        with self._opened(digest) as file:
            content = _limited(file, place, MANIFEST_LIMIT)
        if Digest.of(content) != digest:
            raise Contradiction(f"{place}: the bytes do not match their digest")
        return content

    def open_blob(self, blob: Blob) -> BinaryIO:
        """A stream that verifies itself. Raises NotFound."""
        return verified(self._opened(blob.digest), blob, self._name)

    def size_of(self, digest: Digest) -> int | None:
        """Bytes of a blob, or None when it is not there."""
        try:
            found = self._blob(digest).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def prepare(self) -> None:
        """Make this a layout unless it is one. `oci-layout` comes last: it is what makes the directory a repository."""
        if self.exists():
            return
        self._place(f"{BLOBS}/sha256").mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not self._place(INDEX_FILE).exists():
                self._replace(self._place(INDEX_FILE), LayoutIndex().content())
            self._parsed(INDEX_FILE, parse_index)
            self._replace(self._place(LAYOUT_FILE), layout_mark())

    @contextmanager
    def changing(self) -> Iterator[LayoutIndex]:
        """Hold the lock: nobody else changes the index or removes blobs meanwhile. Gives the index as it stands."""
        if not self.exists():
            raise NotFound(f"{self._name} is not there: {self._folder} holds no image layout")
        with self._locked():
            yield self.index()

    def replace_index(self, index: LayoutIndex) -> None:
        """Call with the lock held."""
        content = index.content()
        self._replace(self._place(INDEX_FILE), content)
        self._last = content, index

    def dissolve(self) -> None:
        """Take away what makes this directory a layout. Call with the lock held, on an index that lists nothing.

        The lock, and blobs that somebody has begun to upload, stay where they are: both belong to others as well.
        """
        self.sweep(())
        self._place(LAYOUT_FILE).unlink()
        self._place(INDEX_FILE).unlink()

    def changed(self) -> datetime:
        """When the index was written last."""
        return datetime.fromtimestamp(self._place(INDEX_FILE).stat().st_mtime, UTC)

    def put_manifest(self, content: bytes) -> None:
        """Call with the lock held. Bytes that are there already are written again: they may have been damaged."""
        self._replace(self._blob(Digest.of(content)), content)

    def put_blob(self, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """Copy a stream in. Raises Contradiction when it is not what its digest and size say; then nothing is kept of it."""
        place = self._blob(blob.digest)
        if self.size_of(blob.digest) == blob.size:
            with suppress(FileNotFoundError):  # a cleanup in another process may take it at this moment
                os.utime(place)  # it is wanted again, so it is no leftover
                return
        with self._aside(place) as target, verified(content(), blob, f"the source of {self._name}") as stream:
            for piece in chunks(stream):
                target.write(piece)

    def remove(self, digests: Collection[Digest]) -> None:
        """Unlink blobs. Call with the lock held, after the index that no longer needs them was written."""
        for digest in digests:
            self._blob(digest).unlink(missing_ok=True)

    def sweep(self, needed: Collection[Digest], age: float = LEFTOVER_AGE) -> None:
        """Remove what killed runs left: unfinished files, and blobs that nothing needs, from `age` seconds on. Once per object.

        Call with the lock held.
        """
        if self._swept:
            return
        self._swept = True
        names = {digest.hex for digest in needed}
        oldest = time.time() - age
        for place in (*self._place(f"{BLOBS}/sha256").glob("*"), *self._place(OWN).glob("unfinished-*")):
            with suppress(FileNotFoundError):  # uploads of others finish meanwhile, they need no lock
                if place.name not in names and not place.is_dir() and place.lstat().st_mtime < oldest:
                    place.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        own = self._place(OWN)
        own.mkdir(exist_ok=True)
        with self._turn, (own / "lock").open("ab") as handle:
            deadline = time.monotonic() + LOCK_PATIENCE
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Unreachable(
                            f"{self._name} is locked by another process for more than {LOCK_PATIENCE:.0f} seconds",
                            remedy=f"End the process that holds {own / 'lock'} (`fuser -v` names it), then run again.",
                        ) from None
                    time.sleep(0.005)
            yield  # closing the file lets go of the lock, even when the process dies

    def _place(self, relative: str) -> Path:
        place = self._folder
        for part in relative.split("/"):
            place /= part
            _refuse_link(place)
        return place

    def _opened(self, digest: Digest) -> BinaryIO:
        try:
            if self.size_of(digest) is not None:
                return self._blob(digest).open("rb")
        except FileNotFoundError:
            pass  # it went between the two looks
        raise NotFound(f"{self._name} holds no {digest}")

    def _blob(self, digest: Digest) -> Path:
        return self._place(f"{BLOBS}/sha256") / digest.hex

    def _index_of(self, content: bytes) -> LayoutIndex:
        known, index = self._last
        if content == known:
            return index
        index = parse_index(content)
        self._last = content, index
        return index

    def _parsed(self, name: str, parse: Callable[[bytes], T]) -> T:
        place = self._place(name)
        try:
            with place.open("rb") as file:
                return parse(_limited(file, place, INDEX_LIMIT))
        except FileNotFoundError:
            raise Contradiction(f"{place} is missing, though {self._folder} says it is an image layout") from None
        except BadLayout as error:
            raise Contradiction(f"{place} {error}", remedy="Repair this file; nothing that rests on it was changed.") from None

    def _replace(self, place: Path, content: bytes) -> None:
        with self._aside(place) as target:
            target.write(content)

    @contextmanager
    def _aside(self, place: Path) -> Iterator[BinaryIO]:
        """A file to fill, which becomes `place` in one step when that went well, and survives a power cut from then on."""
        own = self._place(OWN)
        own.mkdir(exist_ok=True)
        unfinished = own / f"unfinished-{secrets.token_hex(8)}"
        try:
            with unfinished.open("xb") as target:
                yield target
                target.flush()
                os.fsync(target.fileno())
            unfinished.replace(place)
            _sync_folder(place.parent)
        finally:
            unfinished.unlink(missing_ok=True)


def _limited(file: BinaryIO, place: Path, limit: int) -> bytes:
    content = file.read(limit + 1)
    if len(content) > limit:
        raise Contradiction(f"{place} is larger than {limit} bytes")
    return content


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
