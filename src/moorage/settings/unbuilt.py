"""Options that are known and whose behaviour is still to come. They are refused, never ignored: who asks for protection must not
believe that it is there. A line goes when its story is told.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moorage.errors import Unsupported
from moorage.option import Command, Option
from moorage.settings.options import in_use
from moorage.settings.request import Request


@dataclass(frozen=True, slots=True)
class _Unbuilt:
    """`harmless` are values that ask for nothing."""

    option: Option[Any]
    harmless: frozenset[Any] = frozenset({False})


_WANTED: Final[dict[Command, tuple[_Unbuilt, ...]]] = {
    Command.CLEANUP: (_Unbuilt(in_use.KUBE_CONFIG), _Unbuilt(in_use.KUBE_CONTEXT)),
}


def refuse_unbuilt(request: Request) -> None:
    """Raises Unsupported, before anything is touched, for everything that was asked for and is not there yet."""
    missing = list(_asked_for(request))
    if missing:
        raise Unsupported(
            f"{request.command} cannot do this yet, nothing was changed: {', '.join(missing)}",
            remedy="Leave these out; rules, protection and guards work without them.",
        )


def kubernetes_notice(request: Request) -> str:
    """What to tell about images that run in Kubernetes, which nothing looks up yet; empty with --without-kube."""
    if request.options.flag(in_use.WITHOUT_KUBE):
        return ""
    if not _kubeconfig(request.environ):
        return "there is no kubeconfig, so nobody asks Kubernetes which images run"
    return (
        "there is a kubeconfig, and which images run in Kubernetes is not looked up yet: "
        "name them with --keep-list or --protect, or say --without-kube"
    )


def _asked_for(request: Request) -> Iterator[str]:
    options = request.options
    for unbuilt in _WANTED.get(request.command, ()):
        if options.is_given(unbuilt.option) and options.value(unbuilt.option) not in unbuilt.harmless:
            yield f"{unbuilt.option.flag} (from {options.origin(unbuilt.option)})"


def _kubeconfig(environ: Mapping[str, str]) -> bool:
    named = [path for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    home = environ.get("HOME")
    return any(Path(path).is_file() for path in named or ([f"{home}/.kube/config"] if home else []))
