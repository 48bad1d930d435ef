"""Who is asking, and where: what the options say, and what docker has."""

from collections.abc import Callable
from typing import Final

from moorage.auth.credential import Basic, Keychain
from moorage.auth.keychain import ChainKeychain, LoginKeychain
from moorage.registries.github import API_URL, GRAPHQL_URL, TOKEN
from moorage.registries.github.api import Token
from moorage.registries.github.endpoints import Endpoints, endpoints
from moorage.registries.vendor import Connection

_ANY_USER: Final = "x-access-token"  # GitHub looks at the token alone


def locator(connection: Connection) -> Callable[[], Endpoints]:
    rest, graphql = connection.options.get(API_URL) or "", connection.options.get(GRAPHQL_URL) or ""
    return lambda: endpoints(connection.registry, rest, graphql)


def token(connection: Connection, option: str) -> Token | None:
    """The token of the options, else the password of docker's login."""
    given = connection.options.get(TOKEN)
    if given:
        return Token(given, f"--{option}")
    found = connection.keychain.credential(connection.registry)
    if found is None:
        return None
    return Token(found.password if isinstance(found, Basic) else found.token, found.source)


def keychain(connection: Connection, option: str) -> Keychain:
    """Docker's login, else the token of the options under any name."""
    given = connection.options.get(TOKEN)
    if not given:
        return connection.keychain
    return ChainKeychain(
        connection.keychain, LoginKeychain({connection.registry: Basic(_ANY_USER, given, f"--{option}")})
    )  # fmt: skip
