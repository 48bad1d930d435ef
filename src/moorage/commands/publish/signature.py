"""The content signature: one name for all that decides an image, known before it is built. docs/signature.md explains it.

56 hexadecimal digits, the SHA3-224 of a canonical JSON document. Nothing of it depends on when, where or by whom an image is
made: no dates, no absolute paths, no commit. A signature that changes without need costs a build; one that stays although the
image would be another one publishes something wrong. Where it could be either, it changes.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from moorage.commands.publish.content import Content
from moorage.docker.ignore_file import IgnoreFile
from moorage.errors import ConfigurationError
from moorage.settings.settings import BuildContext

VERSION: Final = 1  # goes up whenever the same inputs would give another signature
_UNSEEN: Final = ".git"  # differs from clone to clone of the same commit
_BLOCK: Final = 1024 * 1024


def signature_of(parts: Sequence[Mapping[str, Any]]) -> str:
    """The signature of an image that is made of these parts, which `built_part` and `content_part` describe."""
    document = {"moorage-signature": VERSION, "parts": sorted(parts, key=_canonical)}
    return hashlib.sha3_224(_canonical(document)).hexdigest()


def content_part(contents: Iterable[Content]) -> Mapping[str, Any]:
    """A source that is an image already: what it is, without dates and without what publish writes on it."""
    return {"content": sorted(content.digest.text for content in contents)}


def built_part(context: BuildContext, bases: Mapping[str, str]) -> Mapping[str, Any]:
    """A directory that is built. `bases` are the images that its Dockerfile names, each with its digest or its own signature.

    Raises ConfigurationError for files that cannot be read.
    """
    dockerfile = dockerfile_of(context)
    try:
        return {
            "dockerfile": _digest(dockerfile),
            "files": list(_files(context.directory, IgnoreFile.of(context.directory, dockerfile))),
            "target": context.target,
            "args": dict(context.build_args),
            "platforms": sorted(set(context.platforms)),
            "secrets": sorted(_secret_id(secret) for secret in context.secrets),
            "bases": dict(bases),
            **({"labels": dict(context.labels)} if context.labels else {}),
            **({"attestations": sorted(context.attestations)} if context.attestations else {}),
        }
    except OSError as error:
        raise ConfigurationError(f"{error.filename or context.directory} cannot be read: {error.strerror}") from None


def dockerfile_of(context: BuildContext) -> Path:
    """Where the Dockerfile of a context lies."""
    return context.directory / (context.dockerfile or "Dockerfile")


def _files(root: Path, ignored: IgnoreFile) -> Iterator[Sequence[str]]:
    """Everything that the build sees, by name: kind, what of the mode is the owner's, and the content."""
    for folder, directories, names in os.walk(root, onerror=_raise):
        above = Path(folder).relative_to(root)
        inside = []
        for name in sorted(directories):
            path = (above / name).as_posix()
            if path == _UNSEEN or ignored.prunes(path):
                continue
            if (root / path).is_symlink():
                names.append(name)
                continue
            inside.append(name)
            if not ignored.excludes(path):
                yield (path, "directory")
        directories[:] = inside
        for name in sorted(names):
            path = (above / name).as_posix()
            if path != _UNSEEN and not ignored.excludes(path):
                yield from _file(root, path)


def _file(root: Path, path: str) -> Iterator[Sequence[str]]:
    place = root / path
    status = place.lstat()
    if stat.S_ISLNK(status.st_mode):
        yield (path, "link", str(place.readlink()))
    elif stat.S_ISREG(status.st_mode):
        # What group and others may do follows from the umask of whoever cloned.
        yield (path, f"file {status.st_mode & 0o7700:o}", _digest(place))


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _secret_id(secret: str) -> str:
    """The value of a secret decides no image, and the path of its file depends on the checkout."""
    parts = dict(part.partition("=")[::2] for part in secret.split(","))
    return parts.get("id", "")


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _raise(error: OSError) -> None:
    raise error
