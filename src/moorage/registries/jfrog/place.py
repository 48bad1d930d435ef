"""Where an image lies in an Artifactory: under which repository key, by which name, and where the REST API answers.

The key is the first part of the path (`acme.jfrog.io/docker-local/app`), or it stands in the host name
(`docker-local.example.com/app`, `acme-docker-local.jfrog.io/app`) or behind a port, which the address does not tell
(jfrog.com/help, "Get Started With Docker", seen 2026-11). Reverse proxies as JFrog configures them serve /artifactory under each
of these names.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from moorage.errors import ConfigurationError
from moorage.oci.reference import BadReference, Registry, Repository

CONTEXT: Final = "/artifactory"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository of Artifactory by its key, and the name that an image has in it. `routed`: the key is part of the path."""

    key: str
    image: str
    routed: bool

    def folder(self, name: str) -> str:
        """Where the manifest called so lies: a tag, or `sha256:…` for what was pushed by digest."""
        return f"{self.key}/{self.image}/{name}"


class Places:
    """How the images of one registry lie in Artifactory. `api_url` and `key` are what the options say, or empty."""

    def __init__(self, registry: Registry, api_url: str, key: str) -> None:
        self._registry = registry
        self._key = key
        self.api_url = api_url + CONTEXT if api_url and not urlsplit(api_url).path else api_url

    def of(self, repository: Repository) -> Place:
        """Raises ConfigurationError where neither address nor options name the repository key."""
        first, _, rest = repository.path.partition("/")
        if rest and self._key in {"", first}:
            return Place(first, rest, routed=True)
        if self._key:
            return Place(self._key, repository.path, routed=False)
        raise ConfigurationError(
            f"{repository}: the address does not say which repository of Artifactory this is",
            remedy="Give --jfrog-repository KEY, and --jfrog-api-url URL where Artifactory answers on another host or port.",
        )

    def named(self, place: Place, image: str) -> Repository | None:
        """Another image of the same repository of Artifactory; None for a name that no client could push."""
        try:
            return Repository(self._registry, f"{place.key}/{image}" if place.routed else image)
        except BadReference:
            return None
