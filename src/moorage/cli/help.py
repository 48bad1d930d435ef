"""Help, rendered from the option table."""

import textwrap
from collections.abc import Iterator
from typing import Any, Final

from moorage.cli.verbs import USAGES
from moorage.option import Command, Option, Shape
from moorage.settings.describe import described
from moorage.settings.table import themes

_INDENT: Final = 6
_EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 unexpected, 2 configuration, 3 registry, 4 docker, 5 part of it failed, 6 refused by a guard."
)


def overview(width: int) -> str:
    """`moorage --help`."""
    lines = ["Publish container images under computed names, and clean registries up by policy.", ""]
    lines += ["Usage: moorage COMMAND [OPTIONS]", "", "Commands:"]
    lines += [f"  {command:<15} {usage.summary}" for command, usage in USAGES.items()]
    lines += [
        "",
        "`moorage COMMAND --help` lists the options of a command; docs/options.md lists all.",
        *_wrapped(_EXIT_CODES, width, 0),
    ]
    return "\n".join(lines) + "\n"


def about(command: Command, width: int) -> str:
    """`moorage COMMAND --help`."""
    usage = USAGES[command]
    lines = [usage.summary, "", f"Usage: moorage {command}{' ' if usage.words else ''}{usage.words} [OPTIONS]", ""]
    for theme, options in themes().items():
        own = [option for option in options if command in option.commands]
        if own:
            lines += [f"{theme}:", *(line for option in own for line in _entry(option, width)), ""]
    lines += _wrapped(
        "Each option is also $MOORAGE_NAME, an input of the action and the component, and a key under `options:`.", width, 0
    )
    return "\n".join(lines) + "\n"


def _entry(option: Option[Any], width: int) -> Iterator[str]:
    yield f"  {option.flag}" + ("" if option.shape is Shape.FLAG else f" {option.metavar}")
    yield from _wrapped(described(option), width, _INDENT)


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    space = " " * indent
    return textwrap.wrap(text, max(width, 40), initial_indent=space, subsequent_indent=space, break_on_hyphens=False)
