"""What `moorage doctor` asks a GitHub, reading only."""

from collections.abc import Sequence
from typing import Final

from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution import Distribution
from moorage.registries.github.api import DELETE, READ, WRITE, GithubApi
from moorage.registries.github.places import Places
from moorage.registries.interface import Ability

_LAST: Final = "a package's last tagged version stays until the package itself is deleted"


def examine(
    api: GithubApi, client: Distribution, places: Places, repository: Repository, *, allow_stub: bool
) -> Sequence[Ability]:
    """The API, the token, and whether it may list, pull, push and delete here; what to grant where it may not."""
    server = Ability("server", possible=True, detail=f"REST at {api.endpoints.rest}, GraphQL at {api.endpoints.graphql}")
    try:
        scopes = api.scopes()
    except RegistryError as error:
        return [server, Ability("token", possible=False, detail=f"{error.message}. {error.remedy}")]
    listing = _listing(api, places, repository)
    return [
        server,
        _token(api, scopes),
        listing,
        _pulling(client, repository),
        _granted(api, "push", WRITE),
        _granted(api, "delete", DELETE, _LAST),
        _untagging(api, places, repository, listing, allow_stub=allow_stub),
    ]


def _token(api: GithubApi, scopes: frozenset[str] | None) -> Ability:
    if api.token is None:
        return Ability("token", possible=False, detail=f"none was found, so only public packages are seen. {api.advice(READ)}")
    if scopes is None:
        kind = "GITHUB_TOKEN, of an app, or fine-grained (which GitHub Packages does not take)"
        return Ability("token", None, f"from {api.token.source}, without scopes: {kind}")
    return Ability(
        "token", possible=True, detail=f"from {api.token.source}, classic, with {', '.join(sorted(scopes)) or 'no scopes'}"
    )


def _listing(api: GithubApi, places: Places, repository: Repository) -> Ability:
    try:
        places.package(repository).peek()
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}. {api.advice(READ)}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True)


def _pulling(client: Distribution, repository: Repository) -> Ability:
    try:
        client.tags(repository)
    except NotFound as error:
        return Ability("pull", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except RegistryError as error:
        return Ability("pull", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("pull", possible=True)


def _granted(api: GithubApi, name: str, scope: str, more: str = "") -> Ability:
    """A scope that is there is half of the answer; nobody tells an account's role for a package."""
    if api.token is None or api.lacks(scope):
        return Ability(name, possible=False, detail=api.advice(scope))
    return Ability(name, None, "; ".join(part for part in (api.advice(scope).removesuffix("."), more) if part))


def _untagging(api: GithubApi, places: Places, repository: Repository, listing: Ability, *, allow_stub: bool) -> Ability:
    name = "delete tags"
    if listing.possible and places.package(repository).is_by_tag:
        return Ability(name, None, "each tag is a version of its own")
    if not allow_stub:
        return Ability(name, possible=False, detail="--no-stub forbids the only way, which is to move the tag to a stub")
    if api.token is None or api.lacks(WRITE) or api.lacks(DELETE):
        return Ability(
            name, possible=False, detail=f"takes the scopes {WRITE} and {DELETE}: the tag is moved to a stub that is deleted"
        )
    return Ability(name, None, "by moving the tag to a stub and deleting that, which takes the rights to push and to delete")
