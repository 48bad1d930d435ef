"""Names that nobody declared: a misspelt option would be ignored for ever, so it is told, with the nearest right one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from moorage.option import Option
from moorage.settings.problems import nearest
from moorage.settings.table import BY_NAME, TABLE

_OURS: Final = "MOORAGE_"
_OUTPUTS: Final = "MOORAGE_OUT_"
_INPUT: Final = "INPUT_"


def unknown_option(spelled: str, name: str, options: Iterable[Option[Any]] = TABLE) -> str:
    """The sentence for an option that does not exist. `spelled` is how it was written, `name` what that would be in the table."""
    meant = meant_by(name, options)
    return f"unknown {spelled}" + (f", did you mean {_respelled(spelled, name, meant)}?" if meant else "")


def meant_by(name: str, options: Iterable[Option[Any]] = TABLE) -> str | None:
    """The option that somebody who wrote this name most likely meant; other tools' words are understood."""
    by_name = {option.name: option for option in options}
    for option in by_name.values():
        if name in option.other_words:
            return option.name
    return nearest(name, tuple(by_name))


def unknown_in(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable of ours, and each input, that is given and does not exist."""
    for variable in sorted(name for name in environ if name.startswith(_OURS) and not name.startswith(_OUTPUTS)):
        name = variable.removeprefix(_OURS).lower().replace("_", "-")
        if name not in BY_NAME or BY_NAME[name].variable != variable:
            yield unknown_option(f"variable {variable}", name)
    for variable in sorted(name for name in environ if name.startswith(_INPUT) and environ[name]):
        name = variable.removeprefix(_INPUT).lower().replace("_", "-")
        if name not in BY_NAME and _is_meant_for_us(variable, name, environ):
            yield unknown_option(f"input {name}", name)


def _is_meant_for_us(variable: str, name: str, environ: Mapping[str, str]) -> bool:
    """Outside of an action, `INPUT_…` may belong to anybody (openSUSE sets INPUT_METHOD); a hyphen is the runner's mark."""
    return environ.get("GITHUB_ACTIONS") == "true" or "-" in variable or meant_by(name) is not None


def _respelled(spelled: str, name: str, meant: str) -> str:
    """The right name in the spelling of the wrong one."""
    kind, _, _ = spelled.partition(" ")
    if kind == "variable":
        return BY_NAME[meant].variable
    return f"--{meant}" if spelled.endswith(f"--{name}") else meant
