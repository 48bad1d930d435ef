"""Names in the docker engine that exist only for the length of a run, and give way to whatever had them before."""

import contextlib
import fcntl
import itertools
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from moorage.docker.engine import Docker
from moorage.docker.local_image import LocalImage
from moorage.docker.termination import at_end
from moorage.errors import DockerError

_RUN: Final = "moorage-run"
_LABELLED: Final = "moorage-labelled"  # names of images that no user has: copies with labels, made for a push
_BEGUN = re.compile(r"[a-z-]+:([0-9]{10,11})-", re.ASCII)  # such a name, with when its run began, in seconds since the epoch
_LONGEST_RUN: Final = 7 * 24 * 3600.0  # seconds; a job on a runner of one's own may take five days on GitHub
_LONGEST_WAIT: Final = 300.0  # seconds for a run that pushes under the same name
_PAUSE: Final = 0.05  # seconds between two looks whether it has ended
_LAST_MOMENTS: Final = 5.0  # seconds per command while the process is being ended; whoever ends it will not wait forever


class LocalNames:
    """Borrows names for images of the engine, and gives them back: when asked to, at the end of the run, and on SIGTERM.

    Public methods may be called from several threads; one name is only ever used by one of them.
    """

    def __init__(self, docker: Docker, *, time_left: Callable[[], float | None] = lambda: None) -> None:
        """`docker` has no time limit, so that names are given back in any case; `time_left` says how long to wait for others."""
        self._docker = docker
        self._time_left = time_left
        self._before: dict[str, str] = {}  # id of the image that had the name, empty for none; no lock, see `_give_all_back`
        self._numbers = itertools.count(1)
        self._has_made_names = False
        self._run = f"{int(time.time())}-{os.getpid()}-{secrets.token_hex(4)}"

    @contextmanager
    def returned_at_end(self) -> Iterator["LocalNames"]:
        """Everything still borrowed is given back when the block is left or the process is told to end. For the main thread.

        A run that made names takes those along that others left long ago, which were killed.
        """
        with at_end(lambda: self._give_all_back(_LAST_MOMENTS)):
            try:
                yield self
            finally:
                self._give_all_back()
        if self._has_made_names:
            self._sweep()

    def new(self, *, labelled: bool = False) -> str:
        """A name that nothing has, for an intermediate image, or one that gets labels; it is borrowed until the end."""
        name = f"{_LABELLED if labelled else _RUN}:{self._run}-{next(self._numbers)}"
        self._before[name] = ""
        self._has_made_names = True
        return name

    @contextmanager
    def borrowed(self, reference: str, beside: str = "") -> Iterator[None]:
        """Use a name for the length of the block. What had it has it again afterwards; what we gave it to goes if nameless.

        Runs on this machine that borrow the same name do so one after the other, as long as there is time to wait. One in a
        container of its own, whose lock we do not see, may take it away from us: `holds` tells. What such a run gave the name to,
        or one that was killed, is nobody's, and does not get it again. `beside` is an image that the engine has for sure, which
        saves asking twice.
        """
        lock = self._docker.config.directory.parent / f"name-{sha256(reference.encode()).hexdigest()[:32]}"
        left = self._time_left()
        with _alone(lock, _LONGEST_WAIT if left is None else min(left, _LONGEST_WAIT)):
            found = self._found(reference, beside)
            self._before[reference] = str(found.id) if found and not _is_labelled(found) else ""
            try:
                yield
            finally:
                self._give_back([reference])

    def holds(self, reference: str, image: str) -> bool:
        """Whether this name is still that of this image, spoken of by its id."""
        found = self._docker.image(reference)
        return found is not None and str(found.id) == image

    def _found(self, reference: str, beside: str) -> LocalImage | None:
        if not beside:
            return self._docker.image(reference)
        found = self._docker.inspections([beside, reference])[1:]
        return LocalImage.read(found[0]) if found else None

    def secure(self, image: LocalImage) -> None:
        """Make an image of the user's outlive the names that we borrow for it: docker deletes an image with its last name."""
        if not image.tags:
            self._docker.tag(str(image.id), f"moorage-source:{image.id.hex}")

    def _give_back(self, references: Iterable[str], patience: float | None = None) -> None:
        before = {reference: self._before[reference] for reference in references if reference in self._before}
        nameless = [reference for reference, image in before.items() if not image]
        # What fails here leaves a name too many in the engine; it must not make a publish fail that went well.
        with contextlib.suppress(DockerError):
            if nameless:
                self._docker.attempt(["rmi", "--no-prune", *nameless], timeout=patience)
            for reference, image in before.items():
                if image:
                    self._restore(reference, image, patience)
        for reference in before:
            self._before.pop(reference, None)

    def _restore(self, reference: str, before: str, patience: float | None) -> None:
        ours = self._docker.image(reference)
        self._docker.attempt(["tag", before, reference], timeout=patience)
        if ours is None or str(ours.id) == before:
            return
        if _is_labelled(ours):  # docker remembers by which digest it was pushed, and keeps an image as long as that
            self._docker.attempt(["rmi", "--no-prune", *ours.repo_digests], timeout=patience)
        elif len(ours.tags) == 1:
            self._docker.attempt(["rmi", "--no-prune", str(ours.id)], timeout=patience)

    def _sweep(self) -> None:
        # As above: a name too many must not make a publish fail that went well.
        with contextlib.suppress(DockerError):
            names = [name for name in self._docker.image_names([_RUN, _LABELLED]) if _is_left_behind(name)]
            if names:
                self._docker.attempt(["rmi", "--no-prune", *names])

    def _give_all_back(self, patience: float | None = None) -> None:
        """In a signal handler too, where a lock might be held by the very thread that was interrupted."""
        self._give_back(reversed(list(self._before)), patience)


def _is_left_behind(name: str) -> bool:
    begun = _BEGUN.match(name)
    return begun is not None and time.time() - int(begun[1]) > _LONGEST_RUN


def _is_labelled(image: LocalImage) -> bool:
    return any(tag.startswith(f"{_LABELLED}:") for tag in image.tags)


@contextmanager
def _alone(lock: Path, patience: float) -> Iterator[None]:
    """Wait until no other run is in such a block, for `patience` seconds; after that go on all the same."""
    until = time.monotonic() + patience
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if _is_ours(descriptor, lock):
                with at_end(lambda: lock.unlink(missing_ok=True)):
                    yield
                return
        finally:
            os.close(descriptor)
        if time.monotonic() >= until:
            yield
            return
        time.sleep(_PAUSE)


def _is_ours(descriptor: int, lock: Path) -> bool:
    """Whether we hold the lock, and nobody removed the file since we opened it: another run would lock a new one then."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), lock.lstat())
    except (BlockingIOError, FileNotFoundError):
        return False
