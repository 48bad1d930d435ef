"""Where private Docker configurations stand, and the marks by which ours are told from anybody else's."""

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from moorage.errors import ConfigurationError

PREFIX: Final = "docker-"
STATE_FILE: Final = ".moorage"
_REMEDY: Final = "Remove it, or point XDG_RUNTIME_DIR or TMPDIR to a directory of your own."


class Kind(StrEnum):
    """How long a configuration lives; the first line of its state file."""

    RUN = "run"  # as long as its process, which holds a lock on the state file
    LOGIN = "login"  # made by `moorage login` for later steps: until `moorage logout`, or a day


def own_directory(place: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """The directory that holds our configurations, made with mode 0700 when it is missing.

    `place` is for hosts on which later steps see only certain directories (GitHub's RUNNER_TEMP); without it, XDG_RUNTIME_DIR,
    else the directory for temporary files. Raises ConfigurationError for a directory that somebody else could have laid out.
    """
    directory = _choose(place, environment)
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        owners = {os.geteuid(), _owner_for(directory.parent)}
    except OSError as error:
        message = f"no private directory for the Docker config at {directory}: {error.strerror or error}"
        raise ConfigurationError(message, remedy=_REMEDY) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        message = f"{directory} is a link, no directory, or belongs to user {found.st_uid}: no secrets are put there"
        raise ConfigurationError(message, remedy=_REMEDY)
    if stat.S_IMODE(found.st_mode) & 0o077:
        directory.chmod(0o700)
    return directory


def _choose(place: Path | None, environment: Mapping[str, str]) -> Path:
    if place is not None:
        return place / "moorage"
    runtime = Path(environment.get("XDG_RUNTIME_DIR", ""))
    # `sudo` and `su` leave the variable of the other user behind; the specification wants it absolute and owned.
    if runtime.is_absolute() and runtime.is_dir() and runtime.stat().st_uid == os.geteuid():
        return runtime / "moorage"
    return Path(tempfile.gettempdir()) / f"moorage-{os.geteuid()}"


def _owner_for(parent: Path) -> int:
    """Whose a configuration in a directory of this parent may be: ours, or, for root, also of whom the parent belongs to."""
    return parent.stat().st_uid if os.geteuid() == 0 else os.geteuid()


def hand_over(directory: Path) -> None:
    """Give a configuration, and the directory of ours that holds it, to the owner of the place in which they stand.

    A container action runs as root, the job's later steps on the host do not: what stands in the host's RUNNER_TEMP has to be
    readable for them. Where the place is root's own, or we are not root, this changes nothing.
    """
    place = directory.parent.parent.stat()
    if os.geteuid() != 0 or place.st_uid == 0:
        return
    for path in (directory.parent, directory, *directory.rglob("*")):
        os.chown(path, place.st_uid, place.st_gid, follow_symlinks=False)


def state_of(directory: Path) -> Kind | None:
    """What kind of configuration this is, None for a directory that is none of ours.

    Ours are real directories of our own user (root may handle those it handed over), named by us, with our state file.
    """
    try:
        found = directory.lstat()
        text = (directory / STATE_FILE).read_text(encoding="utf-8") if stat.S_ISDIR(found.st_mode) else ""
    except (OSError, UnicodeDecodeError):
        return None
    if not directory.name.startswith(PREFIX) or os.geteuid() not in {0, found.st_uid}:
        return None
    return next((kind for kind in Kind if text == f"{kind}\n"), None)


def remove_tree(directory: Path) -> bool:
    """Remove a directory and what is in it, links themselves and not what they point to; True when nothing is left.

    Repeated, because a docker command that is just ending may still write into it.
    """
    for _ in range(5):
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory):
            return True
    return False
