"""What `moorage doctor` asks of Docker Hub, reading only."""

from collections.abc import Sequence
from typing import Final

from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution import Action, Distribution, standard_scopes
from moorage.registries.distribution.examination import granted_actions
from moorage.registries.dockerhub.api import HubApi
from moorage.registries.dockerhub.immutability import immutability
from moorage.registries.interface import Ability

# The permission of an access token for each action (docs.docker.com, access tokens, seen 2026-11).
_NEEDS: Final = {Action.PULL: "Read", Action.PUSH: "Read, Write", Action.DELETE: "Read, Write, Delete"}
_UNSAID: Final = "Docker Hub tells only when it is tried; nothing was tried"


def examine(api: HubApi, client: Distribution, repository: Repository) -> Sequence[Ability]:
    """The login to the API, whether it may list here, what the registry's token grants, and rules of immutable tags."""
    login = _login(api)
    if login.possible is False:
        return [login, Ability("list", possible=False, detail="the login is refused")]
    listing = _listing(api, repository)
    return [login, listing, *_rights(client, repository), *_rules(api, repository)]


def _login(api: HubApi) -> Ability:
    try:
        token = api.tokens.token()
    except RegistryError as error:
        return Ability("login to the API", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("login to the API", possible=True, detail="" if token else "as a visitor: no login was found")


def _listing(api: HubApi, repository: Repository) -> Ability:
    try:
        api.call("GET", f"{api.named(repository)}/tags", params={"page": "1", "page_size": "1"})
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True)


def _rights(client: Distribution, repository: Repository) -> Sequence[Ability]:
    try:
        token = client.access.token(tuple(standard_scopes(repository, Action.DELETE)))
    except RegistryError as error:
        return [Ability(action.value, possible=False, detail=f"{error.message}. {error.remedy}") for action in Action]
    granted = granted_actions(token, repository) if token else None
    if granted is None:
        return [
            Ability(action.value, None, f"{_UNSAID}; an access token needs the permission {needs}")
            for action, needs in _NEEDS.items()
        ]
    return [_right(action, needs, granted) for action, needs in _NEEDS.items()]


def _right(action: Action, needs: str, granted: frozenset[str]) -> Ability:
    if action.value in granted or "*" in granted:
        return Ability(action.value, possible=True)
    who = "an admin of the repository" if action is Action.DELETE else "a collaborator"
    return Ability(action.value, possible=False, detail=f"use an access token with the permission {needs}, of {who}")


def _rules(api: HubApi, repository: Repository) -> Sequence[Ability]:
    try:
        rules = immutability(api, repository).rules
    except RegistryError:
        return []
    if not rules:
        return []
    return [Ability("delete immutable tags", None, f"the repository keeps what matches {', '.join(map(repr, rules))}")]
