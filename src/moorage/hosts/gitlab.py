"""A job of GitLab CI: foldable sections. GitLab cannot be told of a secret in mid-job; outputs go into a dotenv file."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from moorage.errors import Failure
from moorage.hosts.lines import Lines
from moorage.hosts.terminal import say_failure


class GitlabLines(Lines):
    """Lines in sections (docs.gitlab.com "Custom collapsible sections", seen 2026-11)."""

    def __init__(self, stream: TextIO, level: str = "info", clock: Callable[[], float] = time.time) -> None:
        super().__init__(stream, level)
        self._clock = clock
        self._sections = 0

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        with self._lock:
            self._sections += 1
            name = re.sub(r"[^a-z0-9_.-]+", "_", f"moorage_{self._sections}_{title.lower()}")[:60]
        self.raw(f"\x1b[0Ksection_start:{self._clock():.0f}:{name}[collapsed=true]\r\x1b[0K")
        self.write(title)
        try:
            yield
        finally:
            self.raw(f"\x1b[0Ksection_end:{self._clock():.0f}:{name}\r\x1b[0K\n")


class GitlabHost:
    """What later jobs need is written by --dotenv, which the component asks for."""

    def __init__(self, stream: TextIO, level: str) -> None:
        self.progress = GitlabLines(stream, level)

    def set_level(self, level: str) -> None:
        self.progress.set_level(level)

    def outputs(self, values: Mapping[str, str]) -> None:
        """Written by --dotenv, on every host alike."""

    def summary(self, markdown: str) -> None:
        """GitLab shows reports as artifacts, not as pages of a job."""

    def summary_limit(self) -> int:
        return 0

    def fail(self, title: str, failure: Failure) -> None:
        say_failure(self.progress, title, failure)

    def export(self, name: str, value: str) -> bool:  # noqa: ARG002 -- each line of a script is its own shell's business
        return False

    def save_state(self, name: str, value: str) -> None:
        """A job has no post step; `after_script` calls `moorage logout`."""

    def outside(self, path: Path) -> Path:
        return path

    def shared_directory(self) -> Path | None:
        return None
