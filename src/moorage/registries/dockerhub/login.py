"""Who is asking: what the options say, else what docker has for Docker Hub."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moorage.auth.credential import Basic, Bearer, Keychain
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.oci.reference import DOCKER_HUB_HOSTS, Registry
from moorage.registries.dockerhub import API_URL, PASSWORD, TOKEN, USERNAME
from moorage.registries.vendor import Connection, VendorOptions

REGISTRY_HOST: Final = "registry-1.docker.io"  # where the registry answers, whatever name it was called by
TOKEN_HOSTS: Final = frozenset({"auth.docker.io"})  # its token service


@dataclass(frozen=True, slots=True)
class Login:
    """`keychain` is for the registry and its token service; `ready` a bearer token of the API, for which nothing is exchanged.

    `given` is the login of the options, which docker does not know of.
    """

    registry: Registry
    keychain: Keychain
    prefix: str  # how messages name the options, `--images-repo-docker-hub`
    given: Basic | None = None
    ready: Bearer | None = None

    def for_api(self) -> Basic | Bearer | None:
        """What the API is shown; None for a visitor. Raises ConfigurationError for a kind of credential that it does not take."""
        if self.ready is not None:
            return self.ready
        found = self.keychain.credential(self.registry)
        if found is None or isinstance(found, Basic):
            return found
        raise ConfigurationError(
            f"Docker Hub's API takes a user name with a password or access token; {found.source} holds a token of another kind",
            remedy=f"Give {self.prefix}-username and {self.prefix}-token.",
        )


def login(connection: Connection) -> Login:
    """Who is asking, by options before docker. Raises ConfigurationError for half a login."""
    options, prefix = connection.options, f"--{connection.specific_prefix}-docker-hub"
    name, token, password = options.get(USERNAME), options.get(TOKEN), options.get(PASSWORD)
    given = {"token": token, "password": password}
    if name:
        basic = _basic(name, given, prefix)
        return Login(connection.registry, LoginKeychain({connection.registry: basic}), prefix, given=basic)
    if token:
        return Login(connection.registry, connection.keychain, prefix, ready=Bearer(token, f"{prefix}-token"))
    if password:
        raise ConfigurationError(f"{prefix}-password is given, {prefix}-username is not: Docker Hub's login takes both")
    return Login(connection.registry, connection.keychain, prefix)


def api_address(connection: Connection) -> str:
    """Where Docker Hub's API is.

    Raises ConfigurationError for a registry that is not Docker Hub and whose API nobody named: its login is not for Docker Hub.
    """
    given = _address(connection.options)
    if given == API_URL.default and connection.registry.name not in DOCKER_HUB_HOSTS:
        raise ConfigurationError(
            f"{connection.registry} is not Docker Hub, so its login is not shown to {given}",
            remedy="Give the address of its own API with --docker-hub-api-url, or leave the implementation to the address.",
        )
    return given


def registry_host(registry: Registry) -> str:
    return REGISTRY_HOST if registry.name in DOCKER_HUB_HOSTS else registry.name


def _address(options: VendorOptions) -> str:
    return options.get(API_URL) or str(API_URL.default)


def _basic(name: str, given: Mapping[str, Secret | None], prefix: str) -> Basic:
    """A token before a password: it says more exactly what it may do."""
    for kind, secret in given.items():
        if secret:
            return Basic(name, secret, f"{prefix}-{kind}")
    raise ConfigurationError(
        f"{prefix}-username is given, neither {prefix}-token nor {prefix}-password is: Docker Hub's login takes both"
    )
