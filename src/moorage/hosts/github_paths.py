"""Where the files of a docker action are on the machine that runs the job.

The runner mounts a few directories of the host under /github, and rewrites variables that begin with them. RUNNER_WORKSPACE is
none of these, so it still tells where the host's directories are: WORK/REPOSITORY beside WORK/_temp (actions/runner, seen
2026-11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_CONTAINER: Final = Path("/github")


@dataclass(frozen=True, slots=True)
class GithubPaths:
    """Pairs of a directory in the container and the same directory on the host; none when we run on the host itself."""

    pairs: tuple[tuple[Path, Path], ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "GithubPaths":
        workspace = Path(environ.get("GITHUB_WORKSPACE") or "/")
        host_workspace = environ.get("RUNNER_WORKSPACE", "")
        if workspace != _CONTAINER / "workspace" or not host_workspace.startswith("/"):
            return cls()
        work = PurePosixPath(host_workspace)
        repository = environ.get("GITHUB_REPOSITORY", "").rpartition("/")[2] or work.name
        temporary = Path(work.parent / "_temp")
        return cls(
            (
                (workspace, Path(work / repository)),
                (_CONTAINER / "runner_temp", temporary),
                (_CONTAINER / "home", temporary / "_github_home"),
            )
        )

    def outside(self, path: Path) -> Path:
        """The host's path of a file; unchanged where it is not in a shared directory."""
        for inner, outer in self.pairs:
            if path.is_relative_to(inner):
                return outer / path.relative_to(inner)
        return path
