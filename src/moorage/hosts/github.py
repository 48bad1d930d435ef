"""A job of GitHub Actions: masks, annotations, log groups, outputs, variables, state and the step's summary."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from moorage.auth import secret
from moorage.errors import Failure
from moorage.hosts.github_paths import GithubPaths
from moorage.hosts.lines import LEVELS, Lines
from moorage.hosts.terminal import say_failure
from moorage.hosts.workflow_commands import append_value, command

SUMMARY_LIMIT: Final = 1024 * 1024 - 1024  # bytes; a step's summary may have 1 MiB
OUTPUT_LIMIT: Final = 900_000  # bytes; all outputs of a job together may have 1 MiB


class GithubLines(Lines):
    """Lines with annotations and foldable groups."""

    def warn(self, text: str) -> None:
        if self._rank <= LEVELS.index("warning"):
            self.write(command("warning", secret.blank(text)))

    def fault(self, text: str, file: str, line: int) -> None:
        self.write(command("error", secret.blank(text), file=file, line=str(line)))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.write(command("group", title))
        try:
            yield
        finally:
            self.write(command("endgroup"))


class GithubHost:
    """Announces every secret to the runner, which then hides it in the whole job's log."""

    def __init__(self, environ: Mapping[str, str], stream: TextIO, level: str) -> None:
        self._environ = environ
        self.progress = GithubLines(stream, level)
        self._paths = GithubPaths.of(environ)
        secret.listen(self._mask)

    def _mask(self, text: str) -> None:
        self.progress.raw(command("add-mask", text) + "\n")  # the one line that has to show it; the runner swallows it

    def set_level(self, level: str) -> None:
        self.progress.set_level(level)

    def outputs(self, values: Mapping[str, str]) -> None:
        file = self._file("GITHUB_OUTPUT")
        left = OUTPUT_LIMIT
        for name, value in values.items():
            left -= len(value.encode())
            if left < 0:
                left += len(value.encode())
                self.progress.warn(
                    f"the output {name} is larger than GitHub takes and was left out; read it from a --report file"
                )
            elif file is not None:
                with _writing(file):
                    append_value(file, name, value)

    def summary(self, markdown: str) -> None:
        file = self._file("GITHUB_STEP_SUMMARY")
        if file is not None:
            with _writing(file), file.open("a", encoding="utf-8") as stream:
                stream.write(markdown)

    def summary_limit(self) -> int:
        file = self._file("GITHUB_STEP_SUMMARY")
        return max(SUMMARY_LIMIT - (file.stat().st_size if file.exists() else 0), 0) if file is not None else 0

    def fail(self, title: str, failure: Failure) -> None:
        self.progress.write(command("error", secret.blank(failure.message), title=title))
        say_failure(self.progress, title, failure)

    def export(self, name: str, value: str) -> bool:
        file = self._file("GITHUB_ENV")
        if file is not None:
            with _writing(file):
                append_value(file, name, value)
        return file is not None

    def save_state(self, name: str, value: str) -> None:
        file = self._file("GITHUB_STATE")
        if file is not None:
            with _writing(file):
                append_value(file, name, value)

    def outside(self, path: Path) -> Path:
        return self._paths.outside(path)

    def shared_directory(self) -> Path | None:
        """RUNNER_TEMP: emptied with the job, and visible to host steps and container steps alike."""
        text = self._environ.get("RUNNER_TEMP", "")
        return Path(text) if text and Path(text).is_dir() else None

    def _file(self, variable: str) -> Path | None:
        text = self._environ.get(variable, "")
        return Path(text) if text else None


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """The work is done by now; only its result could not be handed over."""
    try:
        yield
    except OSError as error:
        message = f"the result cannot be handed to GitHub: {file} cannot be written ({error.strerror})"
        raise Failure(message, remedy="Run as the user of the runner, with its file commands mounted.") from None
