"""What `moorage doctor` asks a Quay, reading only.

No token to push is asked for before the repository is seen to be there: Quay would make it.
"""

from collections.abc import Sequence

from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution import Action, Distribution
from moorage.registries.distribution.examination import granted_actions
from moorage.registries.interface import Ability
from moorage.registries.quay.api import QuayApi
from moorage.registries.quay.login import Login, scopes

_BY_PUSHING = ("push", "delete", "delete tags")


def examine(api: QuayApi, client: Distribution, login: Login, repository: Repository) -> Sequence[Ability]:
    """Which of Quay's interfaces this login opens, whether it may list, pull, push and delete here, and what to grant."""
    if login.token is not None:
        way = Ability("api", possible=True, detail="OAuth token: dates and locks of tags, and the time machine, are known")
    else:
        way = Ability(
            "api", None, f"no OAuth token ({login.option}): dates come from image configs, locks and history stay unknown"
        )
    listing = _listing(api, client, login, repository)
    if listing.possible is not True:
        return [way, listing, *(Ability(name, None, listing.detail) for name in ("pull", *_BY_PUSHING))]
    pushes = _by_api(api, repository) if login.token is not None else _by_token(client, login, repository)
    return [way, listing, Ability("pull", possible=True), *pushes]


def _listing(api: QuayApi, client: Distribution, login: Login, repository: Repository) -> Ability:
    try:
        if login.token is not None:
            api.tags(repository)
        client.tags(repository)
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet: {error.message}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True)


def _by_api(api: QuayApi, repository: Repository) -> Sequence[Ability]:
    try:
        rights = api.rights(repository)
    except RegistryError as error:
        return [Ability(name, None, f"Quay does not say: {error.message}") for name in (*_BY_PUSHING, "delete repository")]
    write = "the token needs the scope repo:write, and whoever made it the permission Write in this repository"
    if rights.state != "NORMAL":
        write = f"the repository is in the state {rights.state}, in which Quay takes no writes; its settings can change that"
    admin = "the token needs the scope repo:admin, and whoever made it the permission Admin in this repository"
    return [
        *(Ability(name, rights.can_write, "" if rights.can_write else write) for name in _BY_PUSHING),
        # Nothing else needs it, so that its lack is no defect.
        Ability("delete repository", rights.can_admin or None, "" if rights.can_admin else admin),
    ]


def _by_token(client: Distribution, login: Login, repository: Repository) -> Sequence[Ability]:
    """Quay's tokens for /v2 say what they grant; whoever may push may delete."""
    try:
        token = client.access.token(tuple(scopes(repository, Action.PUSH)))
    except RegistryError as error:
        return [Ability(name, possible=False, detail=f"{error.message}. {error.remedy}") for name in _BY_PUSHING]
    granted = granted_actions(token, repository) if token is not None else None
    if granted is None:
        return [Ability(name, None, "Quay's token does not say; only trying would tell") for name in _BY_PUSHING]
    missing = f"grant the permission Write in this repository to {login.who}"
    may = "push" in granted
    return [Ability(name, may, "" if may else missing) for name in _BY_PUSHING]
