"""What `moorage doctor` asks of ACR, reading only."""

import base64
import json
from collections.abc import Sequence

from moorage.auth.secret import Secret
from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.acr.api import AcrApi, remedy_for, scope
from moorage.registries.distribution import Distribution
from moorage.registries.interface import Ability

_ACTIONS = {"pull": "pull", "push": "pull,push", "delete": "delete"}


def examine(api: AcrApi, client: Distribution, repository: Repository) -> Sequence[Ability]:
    """Whether this login may list, pull, push and delete here, and whether the repository is locked."""
    return [
        _listing(api, repository),
        *(_right(client, repository, *pair) for pair in _ACTIONS.items()),
        *_locks(api, repository),
    ]


def _listing(api: AcrApi, repository: Repository) -> Ability:
    try:
        api.repository(repository)
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True)


def _right(client: Distribution, repository: Repository, name: str, actions: str) -> Ability:
    needed = scope(repository, actions)
    try:
        token = client.access.token((needed,))
    except RegistryError as error:
        return Ability(name, possible=False, detail=f"{error.message}. {remedy_for(needed)}")
    granted = granted_actions(token, repository) if token else None
    if granted is None:
        return Ability(name, None, f"ACR's token does not say; nothing was tried. {remedy_for(needed)}")
    if set(actions.split(",")) <= granted:
        return Ability(name, possible=True)
    return Ability(name, possible=False, detail=remedy_for(needed))


def granted_actions(token: Secret, repository: Repository) -> frozenset[str] | None:
    """The actions that ACR's token grants, by its `access` claim, whose keys are capitals or not; None where it does not say.

    The signature is not looked at: the claim informs a person and decides nothing.
    """
    try:
        part = token.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        entries = [{key.lower(): value for key, value in entry.items()} for entry in claims["access"]]
        return frozenset(action for entry in entries if entry["name"] == repository.path for action in entry["actions"])
    except (IndexError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _locks(api: AcrApi, repository: Repository) -> Sequence[Ability]:
    try:
        lock = api.repository(repository).attributes.lock
    except RegistryError:
        return []
    return [Ability("delete from a locked repository", possible=False, detail=f"{lock} is false")] if lock else []
