"""What `moorage doctor` asks a GitLab, reading only."""

from collections.abc import Sequence
from dataclasses import replace

from moorage.errors import ConfigurationError, NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution import Action, Distribution, standard_scopes
from moorage.registries.gitlab import payloads
from moorage.registries.gitlab.api import GitLabApi
from moorage.registries.gitlab.deletion import deletion_scopes, everything_scopes
from moorage.registries.gitlab.grants import read_grants
from moorage.registries.gitlab.login import Kind
from moorage.registries.gitlab.tags import TagLists
from moorage.registries.interface import Ability


def examine(client: Distribution, api: GitLabApi, lists: TagLists, repository: Repository) -> Sequence[Ability]:
    """The login, the API, and whether this login may list, pull, push and delete here; what to grant where it may not."""
    login = api.login
    who = Ability("login", login.kind is not Kind.NONE, f"{login.kind} from {login.source}")
    listing = _listing(lists, repository)
    pull = _granted(client, api, "pull", (f"repository:{repository.path}:pull",), repository)
    # Nobody is asked for the right to push where the repository is not there yet: GitLab would make it.
    push = (
        _granted(client, api, "push", tuple(standard_scopes(repository, Action.PUSH)), repository)
        if listing.possible
        else Ability("push", None, "is known once the repository is there")
    )
    delete = _granted(client, api, "delete", deletion_scopes(repository), repository)
    if delete.possible is False and (older := _granted(client, api, "*", everything_scopes(repository), repository)).possible:
        delete = replace(older, name="delete")  # before GitLab 12.x
    return [who, _token(api), listing, pull, push, delete]


def _listing(lists: TagLists, repository: Repository) -> Ability:
    try:
        lists.detailed(repository)
        lists.names(repository)
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet: {error.message}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True, detail=lists.way)


def _token(api: GitLabApi) -> Ability:
    """What GitLab's API says about an access token; the others cannot ask."""
    try:
        where = api.url
        if api.login.kind is not Kind.ACCESS:
            return Ability("api", None, f"{where}; it tells nothing about a {api.login.kind}")
        found = payloads.own_token(api.call("GET", "/personal_access_tokens/self").json(), where)
    except (RegistryError, ConfigurationError) as error:
        return Ability("api", None, f"{error.message}. {error.remedy}")
    expires = f", expires {found.expires}" if found.expires else ""
    return Ability("api", possible=True, detail=f"{where}: token '{found.name}' with {', '.join(found.scopes)}{expires}")


def _granted(client: Distribution, api: GitLabApi, action: str, scopes: tuple[str, ...], repository: Repository) -> Ability:
    """Whether the token service grants an action; it leaves out in silence what it refuses."""
    try:
        grants = read_grants(client.access.token(scopes), repository)
    except RegistryError as error:
        return Ability(action, possible=False, detail=f"{error.message}. {error.remedy}")
    if grants is None:
        return Ability(action, None, "the registry's tokens do not say what they grant")
    if action not in grants.actions:
        advice = api.login.advice() if action == "delete" else f"grant {action} in this project: read_registry or write_registry"
        return Ability(action, possible=False, detail=advice)
    rules = "rules for tags keep some tags from this login" if action == "delete" and grants.has_rules else ""
    return Ability(action, possible=True, detail=rules)
