"""Asking git. Always `git -C DIR`, never a shell; worktrees, submodules and subdirectories are git's business, not ours."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moorage.errors import ConfigurationError

NO_GIT = "Run in a clone, name it with --git-dir, or give --git-history-based-cleanup=false."
_LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A clone that git has found. `directory` is any directory inside of it."""

    directory: Path

    @classmethod
    def find(cls, directory: Path) -> "GitRepository":
        """Raises ConfigurationError where there is no repository, or git itself is missing or distrusts the directory."""
        repository = cls(directory)
        repository.run("rev-parse", "--git-dir", failed=f"{directory} lies in no git repository")
        return repository

    @property
    def is_shallow(self) -> bool:
        return self.run("rev-parse", "--is-shallow-repository").strip() == "true"

    @property
    def head(self) -> str:
        """The commit that is checked out, or empty in a repository without commits."""
        return self.run("rev-parse", "--verify", "--quiet", "HEAD", empty_is_fine=True).strip()

    def remote_url(self, remote: str = "origin") -> str:
        """The address of a remote without any user information in it, or empty where there is no such remote."""
        url = self.run("remote", "get-url", remote, empty_is_fine=True).strip()
        scheme, separator, rest = url.partition("://")
        if not separator:
            return url
        authority, slash, path = rest.partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"

    def run(self, *arguments: str, failed: str = "", empty_is_fine: bool = False, stdin: str | None = None) -> str:
        """What git prints. Raises ConfigurationError with its last lines when it fails, unless an empty answer will do."""
        try:
            done = subprocess.run(
                self._command(arguments),
                input=stdin,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                env=_environment(),
                check=False,
            )
        except FileNotFoundError:
            raise ConfigurationError("git is not installed", remedy="Install git, or " + NO_GIT[0].lower() + NO_GIT[1:]) from None
        if done.returncode and not empty_is_fine:
            raise self._failure(failed, arguments, done.stderr)
        return "" if done.returncode else done.stdout

    @contextmanager
    def lines(self, *arguments: str, stdin: str) -> Iterator[Iterator[str]]:
        """The lines that git prints, as they come, for answers that are too large to hold."""
        with subprocess.Popen(
            self._command(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            env=_environment(),
        ) as process:
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 -- what PIPE promises
            try:
                process.stdin.write(stdin)
                process.stdin.close()
                yield (line.rstrip("\n") for line in process.stdout)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise self._failure("", arguments, "see git's own message above")

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return ["git", "-C", str(self.directory), *arguments]

    def _failure(self, failed: str, arguments: tuple[str, ...], stderr: str) -> ConfigurationError:
        said = " / ".join(stderr.strip().splitlines()[-_LAST_LINES:])
        if "dubious ownership" in said:
            return ConfigurationError(
                f"git does not trust {self.directory}, since another user owns it",
                remedy=f"Allow it: git config --global --add safe.directory {self.directory}",
            )
        what = failed or f"git {' '.join(arguments[:2])} failed in {self.directory}"
        return ConfigurationError(f"{what}{f' ({said})' if said else ''}", remedy=NO_GIT)


def _environment() -> Mapping[str, str]:
    """Git's own words in English, no prompt for credentials that nobody could answer, no pager."""
    return {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "GIT_OPTIONAL_LOCKS": "0"}
