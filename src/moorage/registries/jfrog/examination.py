"""What `moorage doctor` asks an Artifactory, reading only."""

from collections.abc import Sequence

from moorage.errors import Denied, Failure, NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.interface import Ability
from moorage.registries.jfrog import payloads
from moorage.registries.jfrog.api import JFrogApi, permission
from moorage.registries.jfrog.place import Place


def examine(api: JFrogApi, repository: Repository, place: Place) -> Sequence[Ability]:
    """The server, whether this login may list here, and which permissions the rest takes: only administrators may know more."""
    return [_server(api), _listing(api, repository, place), _query(api, place), _push(place), *_deletions(api, place)]


def _server(api: JFrogApi) -> Ability:
    try:
        version = payloads.version(api.call("GET", "/api/system/version").json())
    except Denied:
        return Ability("server", None, "Artifactory does not tell its version to this login")
    except RegistryError as error:
        return Ability("server", possible=False, detail=f"{error.message}. Check --jfrog-api-url.")
    return Ability(
        "server", bool(version) or None, f"Artifactory {version}" if version else "it does not say which version it is"
    )


def _listing(api: JFrogApi, repository: Repository, place: Place) -> Ability:
    try:
        api.kind(place)
        api.tags(place)
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except Failure as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True, detail=f"the image {place.image} of Artifactory's repository {place.key}")


def _query(api: JFrogApi, place: Place) -> Ability:
    """AQL, without which every tag has to be read and nothing untagged is seen."""
    try:
        api.manifests(place)
    except RegistryError as error:
        return Ability("query (AQL)", possible=False, detail=f"{error.message}. Without it each tag is read. {error.remedy}")
    return Ability("query (AQL)", possible=True)


def _push(place: Place) -> Ability:
    needs = permission(place, "Deploy/Cache")
    return Ability("push", None, f"Artifactory tells only administrators what a login may do; it takes {needs}")


def _deletions(api: JFrogApi, place: Place) -> list[Ability]:
    try:
        why = api.obstacle(place)
    except RegistryError as error:
        why = error.message
    if why:
        detail = f"{why}. Name the local repository with --jfrog-repository."
        return [Ability(name, possible=False, detail=detail) for name in ("delete", "delete tags")]
    needs = f"Artifactory tells only administrators what a login may do; it takes {permission(place, 'Delete/Overwrite')}"
    return [Ability(name, None, needs) for name in ("delete", "delete tags")]
