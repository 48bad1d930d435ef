"""What tests may see of the environment: never the developer's own settings, logins or CI variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# REGISTRY_AUTH_FILE and XDG_* would lead skopeo to the developer's logins past HOME.
_OF_THE_DEVELOPER = re.compile(
    r"MOORAGE_|INPUT_|GITHUB_|CI|GITLAB|AWS_|XDG_|DOCKER_CONFIG$|DOCKER_AUTH_CONFIG$|REGISTRY_AUTH_FILE$"
)


def is_developers(name: str) -> bool:
    """Whether a variable would let the developer's machine or CI host decide what a test sees.

    Names are matched from their start, as GitHub's inputs may hold any character (INPUT_IMAGES-REPO).
    """
    return _OF_THE_DEVELOPER.match(name) is not None


def cleaned(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """An environment without the developer's settings and with a HOME of the tests' own."""
    kept = {name: value for name, value in environ.items() if not is_developers(name)}
    return {**kept, "HOME": str(home)}
