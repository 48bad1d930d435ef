"""What a token is asked to allow: `repository:NAME:ACTIONS` (distribution's token specification, scope.md)."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final

from moorage.oci.reference import Repository

CATALOG: Final = "registry:catalog:*"


class Action(StrEnum):
    """What a call does with a repository."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"


Scopes = Callable[[Repository, Action], Sequence[str]]

# Deleting asks for all three: Docker Hub and GitLab document it so, and a token service leaves out what it does not grant.
_ACTIONS: Final = {Action.PULL: "pull", Action.PUSH: "pull,push", Action.DELETE: "pull,push,delete"}


def standard_scopes(repository: Repository, action: Action) -> Sequence[str]:
    """The scopes that CNCF distribution, Docker Hub and GitLab understand."""
    return (f"repository:{repository.path}:{_ACTIONS[action]}",)


def missing_scopes(wanted: str, asked: Iterable[str]) -> tuple[str, ...]:
    """The scopes in a challenge's space-separated `scope` that are not covered by those that were asked for."""
    have: dict[str, set[str]] = {}
    for scope in asked:
        name, _, actions = scope.rpartition(":")
        have.setdefault(name, set()).update(actions.split(","))
    missing = []
    for scope in wanted.split()[:16]:
        name, _, actions = scope.rpartition(":")
        if name and not set(actions.split(",")) <= have.get(name, set()):
            missing.append(scope)
    return tuple(missing)
