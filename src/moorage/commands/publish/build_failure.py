"""A build that failed, and where."""

from pathlib import Path

from moorage.docker.build_failure import failed_line
from moorage.errors import DockerError


class BuildFailed(DockerError):
    """`line` of the Dockerfile is counted from 1; None where the builder did not say it."""

    def __init__(self, error: DockerError, dockerfile: Path, line: int | None) -> None:
        place = f"{shown_path(dockerfile)}:{line}: " if line else ""
        super().__init__(f"{place}{error.message}", remedy=error.remedy)
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
