"""What `moorage doctor` asks a Nexus, reading only."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from moorage.errors import Failure, NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution import Distribution
from moorage.registries.interface import Ability
from moorage.registries.nexus import payloads
from moorage.registries.nexus.api import NexusApi, privilege
from moorage.registries.nexus.deletion import Deletion
from moorage.registries.nexus.place import Place

_NAMELESS: Final = "it answers as a Nexus does, and does not say which version it is"
_READ_ONLY: Final = "its deployment policy is read-only (writePolicy DENY): nothing can be pushed or deleted"


def examine(api: NexusApi, client: Distribution, deletion: Deletion, repository: Repository, place: Place) -> Sequence[Ability]:
    """The server, whether this login may list here, and which privileges the rest takes: Nexus tells nobody what he may do."""
    listing = _listing(api, client, repository, place)
    policy = _write_policy(api, place)
    return [_server(api), listing, _push(place, policy), *_deletions(deletion, place, policy)]


def _server(api: NexusApi) -> Ability:
    """Its version stands in the `Server` header."""
    try:
        answer = api.call("GET", "/status")
    except RegistryError as error:
        return Ability("server", possible=False, detail=f"{error.message}. Check --nexus-api-url.")
    _, nexus, version = answer.headers.get("server", "").partition("Nexus/")
    return Ability("server", possible=True, detail=nexus + version) if nexus else Ability("server", None, _NAMELESS)


def _listing(api: NexusApi, client: Distribution, repository: Repository, place: Place) -> Ability:
    try:
        api.kind(place)
        client.tags(repository)
        api.search(place, name=f'"{place.image}"', version='"latest"')
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except Failure as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True, detail=f"the image {place.image} of Nexus's repository {place.repository}")


def _write_policy(api: NexusApi, place: Place) -> str:
    """What the repository lets in; only administrators of repositories may know."""
    try:
        return payloads.write_policy(api.call("GET", f"/repositories/docker/hosted/{quote(place.repository, safe='')}").json())
    except RegistryError:
        return ""


def _push(place: Place, policy: str) -> Ability:
    needs = privilege(place, "read", "add", "edit")
    if policy == "DENY":
        return Ability("push", possible=False, detail=f"{place.repository}: {_READ_ONLY}")
    if policy == "ALLOW_ONCE":
        return Ability("push", None, f"a tag can be pushed once and not moved (writePolicy ALLOW_ONCE); it takes {needs}")
    return Ability("push", None, f"Nexus does not say what this login may do; it takes {needs}")


def _deletions(deletion: Deletion, place: Place, policy: str) -> list[Ability]:
    try:
        why, remedy = deletion.obstacle(place)
    except Failure as error:
        why, remedy = error.message, error.remedy
    if not why and policy == "DENY":
        why, remedy = f"{place.repository}: {_READ_ONLY}", "Change the policy in Nexus."
    if why:
        return [Ability(name, possible=False, detail=f"{why}. {remedy}") for name in ("delete", "delete tags")]
    needs = f"Nexus does not say what this login may do; it takes {privilege(place, 'delete')}"
    return [Ability(name, None, needs) for name in ("delete", "delete tags")]
