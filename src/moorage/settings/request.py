"""One call of Moorage, read from all its sources: which command, with which values, and every mistake in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.option import Command
from moorage.settings.ci import CiJob, CiSystem
from moorage.settings.options import general
from moorage.settings.problems import Problems
from moorage.settings.resolve import Resolved, resolve
from moorage.settings.sources import Flags, ForeignVariables, Inputs, Listed, Source, Variables
from moorage.settings.table import TABLE, options_of
from moorage.settings.unknown import unknown_in

if TYPE_CHECKING:
    from moorage.settings.config.file import Config

# These work on a text or a directory alone; a config file that is broken need not stop them.
_WITHOUT_CONFIG = frozenset({Command.SLUG, Command.LOGOUT})


@dataclass(frozen=True, slots=True)
class Request:
    """`problems` holds what is wrong so far; who builds settings from this adds to it and raises it."""

    command: Command
    options: Resolved
    job: CiJob
    directory: Path
    problems: Problems
    environ: Mapping[str, str] = field(repr=False)
    config: "Config | None" = None
    strays: tuple[str, ...] = ()  # inputs that are given and mean nothing to this command, a sentence each


def read_request(command: Command, flags: Mapping[str, Sequence[str]], environ: Mapping[str, str], problems: Problems) -> Request:
    """Ask every source for every option of the command. `flags` are texts by option name."""
    given: list[Source] = [Flags(flags), Inputs(environ), Variables(environ)]
    places = resolve((general.DIRECTORY, general.CONFIG), given, Problems())
    directory = _directory(places, problems)
    config = None if command in _WITHOUT_CONFIG else _config(places, directory, problems)
    job = CiJob.of(environ)
    sources = [*given, Listed(config.options if config else {}), ForeignVariables(environ), Listed(job.options())]
    options = resolve(options_of(command), sources, problems)
    problems.add_all(unknown_in(environ))
    return Request(command, options, job, directory, problems, environ, config, tuple(_strays(command, job)))


def _directory(places: Resolved, problems: Problems) -> Path:
    named = places.value(general.DIRECTORY)
    directory = Path(named or ".").absolute()
    if named and not directory.is_dir():
        problems.add(f"bad {places.origin(general.DIRECTORY)} {named!r}: there is no such directory")
    return directory


def _config(places: Resolved, directory: Path, problems: Problems) -> "Config | None":
    named = places.value(general.CONFIG)
    if named is None and not _has_config(directory):
        return None
    from moorage.settings.config.file import find_config, read_config  # noqa: PLC0415 -- YAML is for those who have a file

    with problems.gather():
        path = find_config(directory, named)
        return read_config(path, problems) if path else None
    return None


def _has_config(directory: Path) -> bool:
    return any((directory / name).is_file() for name in ("moorage.yaml", ".moorage.yml", "werf.yaml"))


def _strays(command: Command, job: CiJob) -> Sequence[str]:
    """In GitHub's steps every input was given by the user, who may have taken one command for another."""
    inputs = Inputs(job.environ)
    return [
        f"input {option.name} means nothing to {command} and is not used"
        for option in TABLE
        if job.system is CiSystem.GITHUB and command not in option.commands and inputs.find(option)
    ]
