"""Where an image lies in a Nexus: which of its repositories, under which name, and where its REST API answers.

A connector (a port or a subdomain of its own) serves one repository, which its address does not name; with path routing the
repository is the first part of the path, on the host of Nexus itself (help.sonatype.com, "Docker Registry", seen 2026-11).
"""

from dataclasses import dataclass
from typing import Final

from moorage.auth.origin import Origin
from moorage.errors import ConfigurationError
from moorage.oci.reference import BadReference, Registry, Repository

REST: Final = "/service/rest"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository of Nexus, and the name that an image has in it. `routed`: by path, so /v2 knows it by both together."""

    repository: str
    image: str
    routed: bool


class Places:
    """How the images of one registry lie in Nexus. `api_url` and `repository` are what the options say, or empty."""

    def __init__(self, registry: Registry, api_url: str, repository: str) -> None:
        self._registry = registry
        self._repository = repository
        self._same_host = not api_url or Origin.of(api_url).authority == registry.name.lower()
        head, found, _ = api_url.partition(REST)
        self.api_url = head if found else api_url

    def of(self, repository: Repository) -> Place:
        """Raises ConfigurationError where neither address nor options name the Nexus repository."""
        first, _, rest = repository.path.partition("/")
        if self._same_host and rest and self._repository in {"", first}:
            return Place(first, rest, routed=True)
        if self._repository:
            return Place(self._repository, repository.path, routed=False)
        raise ConfigurationError(
            f"{repository}: the address does not say which repository of Nexus this is",
            remedy="Give --nexus-repository NAME, and --nexus-api-url URL where Nexus itself answers on another host or port.",
        )

    def named(self, place: Place, image: str) -> Repository | None:
        """Another image of the same Nexus repository; None for a name that no client could push."""
        try:
            return Repository(self._registry, f"{place.repository}/{image}" if place.routed else image)
        except BadReference:
            return None
