"""What an image is made of, out of the text that its user wrote."""

from pathlib import Path
from typing import Final

from moorage.errors import ConfigurationError
from moorage.settings.settings import BuildContext, SourceText

_FILES: Final = ("docker-archive:", "oci-archive:", "oci:")
OTHER_REGISTRY: Final = "docker://"
_NAMED: Final = ("docker-daemon:", OTHER_REGISTRY)


def source_of(text: str, base: Path, place: str) -> BuildContext | SourceText:
    """A directory that is there is built; any other text is a source by its scheme. Paths are made absolute from `base`.

    `place` is where the text stands, for the message. Raises ConfigurationError for a path that leads to no directory.
    """
    for scheme in _FILES:
        if text.startswith(scheme):
            return SourceText(f"{scheme}{base / text.removeprefix(scheme)}")
    if text.startswith(_NAMED):
        return SourceText(text)
    directory = base / text
    if directory.is_dir():
        return BuildContext(directory)
    if text.startswith((".", "/")) or text.endswith("/"):
        raise ConfigurationError(f"bad {place} source {text!r}: there is no such directory")
    return SourceText(text)
