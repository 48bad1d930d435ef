"""The user's own Docker configuration: where it is, and what it says. It is read, never written."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moorage.auth.docker_config import read_config
from moorage.errors import ConfigurationError

CONFIG_FILE: Final = "config.json"
_REMEDY: Final = "Correct the file, or name another directory with --docker-config."

# What a run needs. Left behind on purpose: plugin settings and hooks, aliases (`build` may be aliased), formats, detach keys.
KEPT: Final[Mapping[str, type]] = {
    "auths": dict,
    "credHelpers": dict,
    "credsStore": str,
    "HttpHeaders": dict,
    "proxies": dict,
    "currentContext": str,
    "cliPluginsExtraDirs": list,
}
_SHOWN: Final[Mapping[type, str]] = {dict: "an object", str: "a text", list: "a list"}


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """A Docker configuration directory as found, and the part of its config.json that a run needs."""

    directory: Path
    content: Mapping[str, Any]


def read_source(directory: Path) -> ConfigSource:
    """Read a directory's config.json; a missing one is an empty one. Raises ConfigurationError with path, line and column."""
    file = directory / CONFIG_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ConfigSource(directory, {})
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", remedy=_REMEDY) from None
    except json.JSONDecodeError as error:
        problem = f"{file}, line {error.lineno}, column {error.colno}: {error.msg}"
        raise ConfigurationError(problem, remedy=_REMEDY) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{file} is no JSON text: {type(error).__name__}", remedy=_REMEDY) from None
    problems = list(_misfits(content))
    if problems:
        raise ConfigurationError(*(f"{file}: {problem}" for problem in problems), remedy=_REMEDY)
    read_config(file)  # the logins in it are looked at where logins are read, and become known as secrets there
    return ConfigSource(directory, {name: content[name] for name in KEPT if content.get(name)})


def _misfits(content: object) -> Iterator[str]:
    if not isinstance(content, dict):
        yield "an object in braces is needed"
        return
    for name, kind in KEPT.items():
        if not isinstance(content.get(name), kind | None):
            yield f"{name} must be {_SHOWN[kind]}"
