"""Who is asking: a JFrog token, or user and password (or user and token, as docker keeps them)."""

import base64
import binascii
import json
import threading
from collections.abc import Mapping
from typing import Final

from moorage.auth.credential import Basic, Bearer, Credential, Keychain
from moorage.auth.keychain import ChainKeychain, LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry
from moorage.registries.distribution.tokens import basic_header
from moorage.registries.jfrog import TOKEN
from moorage.registries.vendor import Connection
from moorage.transport.session import Answer

_USERS: Final = "/users/"


class Login:
    """Thread-safe. `keychain` is for /v2, where a token is the password of its user; the REST API takes it as it is.

    `for_docker` is that user and password, None where the token does not say its user, or there is none.
    """

    def __init__(self, connection: Connection) -> None:
        token = connection.options.get(TOKEN)
        source = f"--{connection.specific_prefix}-jfrog-token"
        self._registry = connection.registry
        self._given = Bearer(token, source) if token else None
        self.for_docker = Basic(user, token, source) if token and (user := user_of(token)) else None
        self.keychain: Keychain = connection.keychain
        if self.for_docker:
            self.keychain = LoginKeychain({connection.registry: self.for_docker})
        elif self._given:
            self.keychain = ChainKeychain(_OnlyBasic(connection.keychain), LoginKeychain({connection.registry: self._given}))
        self._docker = connection.keychain
        self._lock = threading.Lock()
        self._asked = False
        self._found: Credential | None = None

    @property
    def credential(self) -> Basic | Bearer | None:
        """For the REST API. Raises ConfigurationError for credentials of a kind that Artifactory does not take."""
        if self._given:
            return self._given
        with self._lock:
            if not self._asked:
                self._found, self._asked = self._docker.credential(self._registry), True
        if self._found is None or isinstance(self._found, Basic | Bearer):
            return self._found
        raise ConfigurationError(
            f"{self._registry}: Artifactory takes a token, or a user and password; {self._found.source} holds neither, but a "
            "token that only a token service takes",
            remedy="Give --images-repo-jfrog-token, an access or identity token.",
        )

    @property
    def source(self) -> str:
        """Where the credentials come from, for messages; empty for none."""
        return self.credential.source if self.credential else ""


class Signer:
    """Bearer for tokens, else Basic, on every request; implements `moorage.transport.exchange.Authorizer`."""

    def __init__(self, credential: Basic | Bearer | None) -> None:
        self._credential = credential

    def headers(self) -> Mapping[str, str]:
        if isinstance(self._credential, Bearer):
            return {"Authorization": f"Bearer {self._credential.token.reveal()}"}
        return {"Authorization": basic_header(self._credential)} if self._credential else {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return False


class _OnlyBasic:
    """What another keychain has, if it is a user and password."""

    def __init__(self, keychain: Keychain) -> None:
        self._keychain = keychain

    def credential(self, registry: Registry) -> Credential | None:
        found = self._keychain.credential(registry)
        return found if isinstance(found, Basic) else None


def user_of(token: Secret) -> str:
    """The user that an access token was made for; empty where it does not say: reference tokens are no JWTs.

    The claim `sub` is `jfac@…/users/NAME` or `jfrt@…/users/NAME` (jfrog.com/help, "Access Tokens", seen 2026-11). It is read
    without checking the signature: whether the token is any good is for Artifactory to say.
    """
    parts = token.reveal().split(".")
    try:
        subject = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))["sub"]
    except (IndexError, ValueError, KeyError, TypeError, binascii.Error):
        return ""
    return subject.partition(_USERS)[2] if isinstance(subject, str) else ""
