"""What can be said about our rights at a registry that only speaks the OCI API, without changing anything.

A registry with a token service says in the token what it grants (the `access` claim of distribution's tokens, jwt.md). It is read
without checking the signature, since it informs a person and decides nothing. Behind Basic only trying would tell.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Final

from moorage.auth.secret import Secret
from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.scope import Action, standard_scopes
from moorage.registries.interface import Ability

_UNKNOWN: Final = "only trying would tell; nothing was tried"


def examine(client: Distribution, repository: Repository) -> Sequence[Ability]:
    """Whether this login may list, pull, push and delete here, with what to do where it may not."""
    listing = _listing(client, repository)
    if listing.possible is False:
        return [listing]
    challenge = client.access.challenge
    if challenge is None:
        return [listing, *(Ability(action.value, None, f"the registry asks for no login; {_UNKNOWN}") for action in Action)]
    if challenge.scheme != "bearer":
        return [listing, *(Ability(action.value, None, _UNKNOWN) for action in Action)]
    return [listing, *_by_token(client, repository)]


def _listing(client: Distribution, repository: Repository) -> Ability:
    try:
        client.tags(repository)
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True)


def _by_token(client: Distribution, repository: Repository) -> Sequence[Ability]:
    scopes = tuple(standard_scopes(repository, Action.DELETE))
    try:
        token = client.access.token(scopes)
    except RegistryError as error:
        return [Ability(action.value, possible=False, detail=f"{error.message}. {error.remedy}") for action in Action]
    granted = granted_actions(token, repository) if token is not None else None
    if granted is None:
        return [Ability(action.value, None, f"the token does not say; {_UNKNOWN}") for action in Action]
    return [
        Ability(action.value, possible=True)
        if action.value in granted or "*" in granted
        else Ability(action.value, possible=False, detail=f"grant repository:{repository.path}:{action.value} to this account")
        for action in Action
    ]


def granted_actions(token: Secret, repository: Repository) -> frozenset[str] | None:
    """The actions that a token's `access` claim grants in a repository; None for a token that is no JWT or has no such claim."""
    parts = token.reveal().split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        entries = claims["access"]
        return frozenset(
            action
            for entry in entries
            if entry["type"] == "repository" and entry["name"] == repository.path
            for action in entry["actions"]
        )
    except (IndexError, ValueError, KeyError, TypeError, binascii.Error):
        return None
