"""Files that are there in full or not at all, however the run ends."""

import os
import tempfile
from pathlib import Path

from moorage.errors import ConfigurationError


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace `path` by this text in one step; its folder is created. `mode` is narrowed by the umask unless it is 0600.

    Raises ConfigurationError where the path cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(mode & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


def _umask() -> int:
    current = os.umask(0)  # there is no call that only reads it
    os.umask(current)
    return current
