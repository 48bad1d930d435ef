"""Files that are there in full or not at all, however the run ends."""

import os
import secrets
from pathlib import Path

from moorage.errors import ConfigurationError


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    """Replace `path` by this text (as UTF-8) or these bytes in one step; its folder is created. The umask narrows `mode`.

    Raises ConfigurationError where the path cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
