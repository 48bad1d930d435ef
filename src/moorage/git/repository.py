"""Asking git. Always `git -C DIR`, never a shell; worktrees, submodules and subdirectories are git's business, not ours."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from moorage.errors import ConfigurationError
from moorage.transport import redact

NO_GIT: Final = "Run in a clone, name it with --git-dir, or give --git-history-based-cleanup=false."
_LAST_LINES: Final = 5
# A hook or a CI job may point git elsewhere: the history of another repository would be the wrong reason to delete an image.
_ELSEWHERE: Final = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_SHALLOW_FILE"}
)


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A clone that git has found. `directory` is any directory inside of it, or its git directory."""

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

    def run(
        self,
        *arguments: str,
        failed: str = "",
        empty_is_fine: bool = False,
        stdin: str | None = None,
        seconds: float | None = None,
    ) -> str:
        """What git prints. Raises ConfigurationError with its last lines when it fails, unless an empty answer will do.

        `seconds` is for what talks to other machines; taking longer is a failure.
        """
        try:
            done = subprocess.run(
                self._command(arguments),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                env=_environment(),
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise self._failure(failed, arguments, f"no answer within {seconds:g} s") from None
        except OSError as error:
            raise self._absent(error) from None
        if done.returncode and not empty_is_fine:
            raise self._failure(failed, arguments, done.stderr)
        return "" if done.returncode else done.stdout

    @contextmanager
    def lines(self, *arguments: str, stdin: str) -> Iterator[Iterator[str]]:
        """The lines that git prints, as they come, for answers that are too large to hold. Who has enough may stop reading."""
        with TemporaryFile("w+", errors="surrogateescape") as asked, TemporaryFile("w+", errors="surrogateescape") as said:
            # Through files, since two full pipes would have us and git wait for each other.
            asked.write(stdin)
            asked.seek(0)
            process = self._started(arguments, asked, said)
            lines = _Lines(process)
            try:
                yield lines
            finally:
                if not lines.ended:
                    process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
            if lines.ended and process.returncode:
                said.seek(0)
                raise self._failure("", arguments, said.read())

    def _started(self, arguments: tuple[str, ...], asked: IO[str], said: IO[str]) -> "subprocess.Popen[str]":
        try:
            return subprocess.Popen(
                self._command(arguments),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                errors="surrogateescape",
                env=_environment(),
            )
        except OSError as error:
            raise self._absent(error) from None

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return ["git", "-C", str(self.directory), *arguments]

    def _absent(self, error: OSError) -> ConfigurationError:
        remedy = "Install git, or " + NO_GIT[0].lower() + NO_GIT[1:]
        if isinstance(error, FileNotFoundError):
            return ConfigurationError("git is not installed", remedy=remedy)
        return ConfigurationError(f"git cannot be started: {error.strerror}", remedy=remedy)

    def _failure(self, failed: str, arguments: tuple[str, ...], stderr: str) -> ConfigurationError:
        said = redact.text(" / ".join(stderr.strip().splitlines()[-_LAST_LINES:]))
        if "dubious ownership" in said:
            return ConfigurationError(
                f"git does not trust {self.directory}, since another user owns it",
                remedy=f"Allow it: git config --global --add safe.directory {self.directory.absolute()}",
            )
        what = failed or f"git {' '.join(arguments[:2])} failed in {self.directory}"
        return ConfigurationError(f"{what}{f' ({said})' if said else ''}", remedy=NO_GIT)


class _Lines:
    """Iterates over a process's lines, and knows whether it has seen the last one."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._stream = process.stdout
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline() if self._stream is not None else ""
        if not line:
            self.ended = True
            raise StopIteration
        return line.rstrip("\n")


def _environment() -> Mapping[str, str]:
    """Git's own words in English, no prompt that nobody could answer, no pager, and nothing fetched that was not asked for.

    A partial clone would ask its server for every commit that it lacks, one by one (GIT_NO_LAZY_FETCH: git 2.44).
    """
    own = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
    }
    return {name: value for name, value in os.environ.items() if name not in _ELSEWHERE} | own
