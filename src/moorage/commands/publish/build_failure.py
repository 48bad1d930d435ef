"""A build that failed, and where."""

from pathlib import Path
from typing import Final

from moorage.docker.build_failure import failed_line
from moorage.docker.engine import CommandFailed
from moorage.errors import DockerError

_READ_ITS_LOG: Final = "Correct what the build's log, above, speaks of."


class BuildFailed(DockerError):
    """`line` of the Dockerfile is counted from 1; None where the builder did not say it."""

    def __init__(self, error: DockerError, dockerfile: Path, line: int | None) -> None:
        place = f"{shown_path(dockerfile)}:{line}" if line else shown_path(dockerfile)
        # Its command names files and images of this run alone, which nobody can use again.
        said = f"the build {error.said}" if isinstance(error, CommandFailed) else error.message
        remedy = _READ_ITS_LOG if error.remedy == DockerError.default_remedy else error.remedy
        super().__init__(f"{place}: {said}", remedy=remedy)
        self.dockerfile = dockerfile
        self.line = line


def placed(error: DockerError, dockerfile: Path, said: list[str]) -> BuildFailed:
    """The same failure with its place, out of the last lines of the build."""
    try:
        text = dockerfile.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError:
        return BuildFailed(error, dockerfile, None)
    return BuildFailed(error, dockerfile, failed_line(said, text))


def shown_path(path: Path) -> str:
    """Relative to where we are, as CI systems want it in annotations."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
