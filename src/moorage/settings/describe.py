"""How an option reads for people: the same sentence in help, docs, action and component."""

from typing import Any

from moorage.option import Option


def described(option: Option[Any]) -> str:
    """What an option is for, with its choices and its default."""
    parts = [option.help]
    if option.choices:
        parts.append(f"One of {', '.join(option.choices)}.")
    if default := default_of(option):
        parts.append(f"Default: {default}.")
    return " ".join(parts)


def default_of(option: Option[Any]) -> str:
    """What applies when nothing is given, empty where that is nothing."""
    if option.default_text or option.default in (None, False, ()):
        return option.default_text
    return "true" if option.default is True else str(option.default)
