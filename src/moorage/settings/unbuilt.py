"""Options and keys that are known and whose behaviour is still to come. A line goes when its story is told.

What people would rely on is refused: who asks for protection must not believe that it is there. What only saves work is told: it
is among the variables that `moorage ci-env` sets for every later step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moorage.errors import Unsupported
from moorage.option import Command, Option
from moorage.settings.options import images, in_use, safety
from moorage.settings.request import Request


@dataclass(frozen=True, slots=True)
class _Unbuilt:
    """`harmless` are values that ask for nothing; `refused` says whether to stop, or to tell and go on."""

    option: Option[Any]
    refused: bool = True
    harmless: frozenset[Any] = frozenset({False})


_WANTED: Final[dict[Command, tuple[_Unbuilt, ...]]] = {
    Command.PUBLISH: (_Unbuilt(safety.DRY_RUN), _Unbuilt(images.IMMUTABLE_TAGS)),
    Command.CLEANUP: (_Unbuilt(in_use.KUBE_CONFIG), _Unbuilt(in_use.KUBE_CONTEXT)),
}


def refuse_unbuilt(request: Request) -> None:
    """Raises Unsupported, before anything is touched, for everything that was asked for and is not there yet."""
    missing = [_named(request, option) for option in _asked_for(request, refused=True)]
    if missing:
        raise Unsupported(
            f"{request.command} cannot do this yet, nothing was changed: {', '.join(missing)}",
            remedy="Leave these out; rules, protection and guards work without them.",
        )


def told_unbuilt(request: Request) -> Iterator[str]:
    """A sentence for everything that was asked for, is not there yet, and makes no result wrong."""
    for option in _asked_for(request, refused=False):
        yield f"{_named(request, option)} has no effect yet"


def _asked_for(request: Request, *, refused: bool) -> Iterator[Option[Any]]:
    options = request.options
    for unbuilt in _WANTED.get(request.command, ()):
        given = options.is_given(unbuilt.option) and options.value(unbuilt.option) not in unbuilt.harmless
        if given and unbuilt.refused is refused:
            yield unbuilt.option


def _named(request: Request, option: Option[Any]) -> str:
    return f"{option.flag} (from {request.options.origin(option)})"
