"""What `moorage doctor` asks a Harbor, reading only."""

from collections.abc import Sequence
from typing import Final

from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Repository
from moorage.registries.distribution import Distribution
from moorage.registries.harbor import payloads
from moorage.registries.harbor.api import HarborApi
from moorage.registries.harbor.payloads import Permission, SystemInfo
from moorage.registries.interface import Ability

# What each ability needs, in Harbor's words (robot permissions; src/common/rbac, seen 2026-11).
_NEEDS: Final = {
    "pull": ("repository:pull",),
    "push": ("repository:push",),
    "delete": ("artifact:delete",),
    "delete tags": ("tag:delete",),
}


def examine(api: HarborApi, client: Distribution, repository: Repository) -> Sequence[Ability]:
    """The server, whether this login may list, pull, push and delete here, and what to grant where it may not."""
    info = _system_info(api)
    listing = _listing(api, client, repository)
    server = Ability("server", bool(info.version) or None, info.version or "Harbor does not tell its version to this login")
    granted = _granted(api, repository) if listing.possible else None
    return [server, listing, *(_ability(name, needs, granted, info) for name, needs in _NEEDS.items())]


def _system_info(api: HarborApi) -> SystemInfo:
    try:
        return payloads.system_info(api.call("GET", "/systeminfo", right="none at all").json())
    except RegistryError:
        return SystemInfo("", None)


def _listing(api: HarborApi, client: Distribution, repository: Repository) -> Ability:
    try:
        client.tags(repository)
        api.call(
            "GET", f"{api.repository_path(repository)}/artifacts", right="artifact:list", params={"page": "1", "page_size": "1"}
        )
    except NotFound as error:
        return Ability("list", None, f"{repository} is not there yet, or must not be seen: {error.message}")
    except RegistryError as error:
        return Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("list", possible=True)


def _granted(api: HarborApi, repository: Repository) -> frozenset[Permission] | None:
    """What Harbor says this login may do in the project, None where it does not say."""
    place = f"{repository}: Harbor's permissions"
    try:
        found = api.call("GET", api.repository_path(repository), right="repository:read")
        scope = f"/project/{payloads.project_id(found.json(), place)}"
        answer = api.call("GET", "/users/current/permissions", right="none at all", params={"scope": scope, "relative": "true"})
        return payloads.permissions(answer.json(), place)
    except RegistryError:
        return None


def _ability(name: str, needs: tuple[str, ...], granted: frozenset[Permission] | None, info: SystemInfo) -> Ability:
    if info.read_only and name != "pull":
        return Ability(name, possible=False, detail="Harbor is in read-only mode; an administrator can end that")
    if granted is None:
        return Ability(name, None, f"Harbor does not say whether this login has {' and '.join(needs)}")
    missing = [need for need in needs if need not in {str(permission) for permission in granted}]
    if missing:
        return Ability(name, possible=False, detail=f"grant {' and '.join(missing)} in this project (robot permission or role)")
    return Ability(name, possible=True)
