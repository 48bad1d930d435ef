"""What every host offers, and finding out which one this is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TextIO

from moorage.commands.world import Progress
from moorage.errors import Failure


class Host(Protocol):
    """Everything is written to stderr or to files of the host: stdout belongs to the result."""

    @property
    def progress(self) -> Progress: ...

    def set_level(self, level: str) -> None:
        """Tell as much as this --log-level asks for, from now on."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """Results for later steps, by the names of the action's outputs."""

    def summary(self, markdown: str) -> None:
        """A page about the run, where the host shows one."""

    def summary_limit(self) -> int:
        """Bytes that a summary may have; 0 where the host shows none."""

    def fail(self, title: str, failure: Failure) -> None:
        """What went wrong, every problem, and what to do next."""

    def export(self, name: str, value: str) -> bool:
        """Set an environment variable for later steps; False where the host has no way to."""

    def save_state(self, name: str, value: str) -> None:
        """Keep a value for the step that cleans up after the job (GitHub's post step)."""

    def outside(self, path: Path) -> Path:
        """The same file as later steps see it, which may run outside of this container."""

    def shared_directory(self) -> Path | None:
        """A directory that later steps of the job see too; None where any will do."""


def choose(environ: Mapping[str, str], stream: TextIO, level: str) -> Host:
    """The host of this process. `level` is that of --log-level."""
    if environ.get("GITHUB_ACTIONS") == "true":
        from moorage.hosts.github import GithubHost  # noqa: PLC0415 -- each host loads its own

        return GithubHost(environ, stream, level)
    if environ.get("GITLAB_CI") == "true":
        from moorage.hosts.gitlab import GitlabHost  # noqa: PLC0415 -- as above

        return GitlabHost(stream, level)
    from moorage.hosts.terminal import TerminalHost  # noqa: PLC0415 -- as above

    return TerminalHost(environ, stream, level)
