"""Calling Moorage in this process, as its user would: arguments and environment in; exit code, stdout and stderr out."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moorage.cli.arguments import take_apart
from moorage.cli.main import run
from moorage.option import Command
from moorage.settings.config.file import Config, read_config
from moorage.settings.problems import Problems
from moorage.settings.request import Request, read_request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def problems(self) -> list[str]:
        found: list[str] = self.document["error"]["problems"]
        return found


def call(*argv: str, environ: Mapping[str, str] | None = None) -> Called:
    out, err = io.StringIO(), io.StringIO()
    code = run(argv, dict(environ or {}), out, err)
    return Called(code, out.getvalue(), err.getvalue())


def refused(*argv: str, environ: Mapping[str, str] | None = None, code: int = 2) -> list[str]:
    """The problems of a call that ends with this exit code, as JSON tells them."""
    called = call(*argv, "--output", "json", environ=environ)
    assert called.code == code, called
    return called.problems


def requested(
    directory: Path, command: str, *argv: str, environ: Mapping[str, str] | None = None, config: str | None = None
) -> Request:
    """What a call comes to before its verb runs. `config` is the text of the directory's moorage.yaml."""
    if config is not None:
        (directory / "moorage.yaml").write_text(config, encoding="utf-8")
    problems = Problems()
    arguments = take_apart(["--dir", str(directory), *argv], problems)
    return read_request(Command(command), arguments.flags, dict(environ or {}), problems)


def config_in(file: Path) -> Config:
    """What a config file says. Raises one ConfigurationError with every mistake in it."""
    problems = Problems()
    config = read_config(file, problems)
    problems.raise_any()
    return config
