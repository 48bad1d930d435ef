"""Options and keys that are known and whose behaviour is still to come. They are refused, never ignored: a user who asks for
protection must not believe that it is there. A line goes when its story is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moorage.errors import Unsupported
from moorage.option import Command, Option
from moorage.settings.options import git, images, in_use, safety, where
from moorage.settings.request import Request


@dataclass(frozen=True, slots=True)
class _Unbuilt:
    option: Option[Any]
    harmless: frozenset[Any] = frozenset({False, -1})  # values that ask for nothing


_WANTED: Final[dict[Command, tuple[_Unbuilt, ...]]] = {
    Command.PUBLISH: (
        _Unbuilt(safety.DRY_RUN),
        _Unbuilt(images.IMMUTABLE_TAGS),
        _Unbuilt(where.STAGES_STORAGE, frozenset({":local"})),
    ),
    Command.CLEANUP: (
        _Unbuilt(safety.JOURNAL),
        _Unbuilt(in_use.KUBE_CONFIG),
        _Unbuilt(in_use.KUBE_CONTEXT),
        _Unbuilt(git.GIT_HISTORY_SYNCHRONIZATION),
        _Unbuilt(git.GIT_HISTORY_BASED_CLEANUP),
        _Unbuilt(git.GIT_TAG_STRATEGY_LIMIT),
        _Unbuilt(git.GIT_TAG_STRATEGY_EXPIRY_DAYS),
        _Unbuilt(git.GIT_COMMIT_STRATEGY_LIMIT),
        _Unbuilt(git.GIT_COMMIT_STRATEGY_EXPIRY_DAYS),
        _Unbuilt(where.STAGES_STORAGE, frozenset({":local"})),
    ),
}


def refuse_unbuilt(request: Request) -> None:
    """Raises Unsupported, before anything is touched, for everything that was asked for and is not there yet."""
    missing = list(_asked_for(request))
    if missing:
        raise Unsupported(
            f"{request.command} cannot do this yet, nothing was changed: {', '.join(missing)}",
            remedy="Leave these out.",
        )


def _asked_for(request: Request) -> Iterator[str]:
    options = request.options
    for unbuilt in _WANTED.get(request.command, ()):
        if options.is_given(unbuilt.option) and options.value(unbuilt.option) not in unbuilt.harmless:
            yield f"{unbuilt.option.flag} (from {options.origin(unbuilt.option)})"
    if request.command is Command.CLEANUP and request.config and request.config.cleanup.keep_policies:
        yield f"cleanup.keepPolicies (in {request.config.path})"
