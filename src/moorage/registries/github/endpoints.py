"""Where GitHub's APIs are, by the host of the registry that they belong to."""

import logging
import re
from dataclasses import dataclass
from typing import Final

from moorage.auth.origin import Origin
from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry
from moorage.transport.session import Budget

PUBLIC: Final = "https://api.github.com"
# Secondary limit of the REST API: 900 points a minute, of which a read costs 1 and anything else 5, so 180 deletions a minute
# (docs.github.com, "Rate limits for the REST API", seen 2026-11). A GHES has no limits unless its administrator sets them.
LIMIT: Final = Budget(900, {"DELETE": 5.0, "POST": 5.0, "PUT": 5.0, "PATCH": 5.0})
_DATA_RESIDENCY: Final = re.compile(r"containers\.([a-z0-9-]+\.ghe\.com)", re.ASCII)
_SERVER: Final = re.compile(r"(?:containers|docker)\.(.+)", re.ASCII)
_PUBLIC_HOSTS: Final = frozenset({"ghcr.io", "docker.pkg.github.com"})
_log = logging.getLogger("moorage.registries.github")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Two addresses without a trailing slash; `limited` where GitHub's own documented limits hold."""

    rest: str
    graphql: str
    limited: bool

    @property
    def authority(self) -> str:
        """`HOST` or `HOST:PORT` of the REST API."""
        return Origin.of(self.rest).authority


def endpoints(registry: Registry, rest: str, graphql: str) -> Endpoints:
    """The APIs behind a registry. `rest` and `graphql` are what the options say, empty where they say nothing.

    Raises ConfigurationError for a host that is none of GitHub's own and no `containers.HOST` or `docker.HOST`.
    """
    known = _known(registry.name.lower().partition(":")[0])
    given = _ours(registry, rest, known)
    address = given or known
    if not address:
        raise ConfigurationError(
            f"the address of GitHub's API that belongs to {registry} is not known",
            remedy=f"Give --github-api-url: https://HOST/api/v3 for a GitHub Enterprise Server, {PUBLIC} for github.com.",
        )
    found = _ours(registry, graphql, known) or _graphql(address)
    return Endpoints(address, found, limited=address == PUBLIC or address.endswith(".ghe.com"))


def _known(host: str) -> str:
    if host in _PUBLIC_HOSTS:
        return PUBLIC
    if residency := _DATA_RESIDENCY.fullmatch(host):
        return f"https://api.{residency[1]}"
    server = _SERVER.fullmatch(host)
    return f"https://{server[1]}/api/v3" if server else ""


def _graphql(rest: str) -> str:
    return f"{rest.removesuffix('/v3')}/graphql" if rest.endswith("/api/v3") else f"{rest}/graphql"


def _ours(registry: Registry, given: str, known: str) -> str:
    """The address that was given, or empty where it is that of another GitHub.

    Every job has GITHUB_API_URL of the server that it runs on, and may publish to another one: the token for ghcr.io is not sent
    to a GHES, nor that of a GHES to github.com.
    """
    if not given or not known:
        return given
    of_public, public = given in {PUBLIC, f"{PUBLIC}/graphql"}, known == PUBLIC
    of_server = given.endswith(("/api/v3", "/api/graphql")) and not Origin.of(given).is_loopback
    if (of_public and not public) or (of_server and public):
        _log.warning("%s belongs to %s, so the API at %s is not asked", registry, known, given)
        return ""
    return given
