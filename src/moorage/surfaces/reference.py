"""docs/options.md: the whole table, by theme."""

from collections.abc import Iterator
from typing import Any, Final

from moorage.option import EVERY_COMMAND, Option, Shape
from moorage.registries.vendor import OPENING
from moorage.settings.describe import default_of
from moorage.settings.table import themes

_INTRODUCTION: Final = """# Options

Every option is a flag (`--images-repo`), a variable (`MOORAGE_IMAGES_REPO`), an input of the GitHub action and of the GitLab
component (`images-repo`), and a key under `options:` in the config file. The first of these that says something wins:

1. the flag,
2. the input,
3. the variable,
4. the config file,
5. what the CI system says (the last column names it where there is something),
6. the default.

An empty text says nothing. Lists take one value per flag; everywhere else they are separated by commas or line breaks. Yes and no
are `true`/`false`, `1`/`0` or `yes`/`no`; a flag alone means `true`, and `--flag=false` its opposite. Durations are numbers with
units: `2h`, `7d`, `2w 3d`, `1h30m`. Where a specific option (`--images-repo-github-token`) and its common form
(`--repo-github-token`) are given, the specific one wins, wherever it stands. An unknown flag, input, key or `MOORAGE_…` variable
is an error (`MOORAGE_OUT_…` are outputs and are ignored). `--log-level debug` says where each value came from.
"""


def render_reference() -> str:
    """The text of docs/options.md."""
    return _INTRODUCTION + "".join(f"\n{line}\n" if line.startswith("#") else f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for theme, options in themes().items():
        yield f"## {theme}"
        yield ""
        yield "| option | variable | commands | meaning | default |"
        yield "|---|---|---|---|---|"
        yield from (_row(option) for option in options)


def _row(option: Option[Any]) -> str:
    value = "" if option.shape is Shape.FLAG else f" {option.metavar}"
    repeatable = " (repeatable)" if option.shape is Shape.MANY else ""
    choices = f" One of {', '.join(f'`{choice}`' for choice in option.choices)}." if option.choices else ""
    secret = " *Secret.*" if option.secret else ""
    cells = (
        f"`{option.flag}{value}`{repeatable}",
        f"`{option.variable}`",
        _commands(option),
        f"{option.help}{choices}{secret}",
        default_of(option),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _commands(option: Option[Any]) -> str:
    if option.commands == EVERY_COMMAND:
        return "all"
    if option.commands >= OPENING:
        return ", ".join(["those that reach a registry", *sorted(option.commands - OPENING)])
    return ", ".join(sorted(option.commands))
