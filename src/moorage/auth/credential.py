"""What a registry accepts as proof, and where it was found (never its value)."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from moorage.auth.secret import Secret
from moorage.oci.reference import Registry


@dataclass(frozen=True, slots=True)
class Basic:
    """User name and password, as Docker keeps them."""

    username: str
    password: Secret
    source: str  # "the Docker config", "docker-credential-gcr", "--registry-auth": said by doctor


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """A refresh token that a token service exchanges (docker's `identitytoken`, user `<token>` of credential helpers)."""

    token: Secret
    source: str
    username: str = ""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A ready token, sent as it is (docker's `registrytoken`, cloud access tokens)."""

    token: Secret
    source: str


Credential = Basic | IdentityToken | Bearer


class Keychain(Protocol):
    """Finds the credential for a registry, or None for anonymous."""

    def credential(self, registry: Registry) -> Credential | None:
        """Raises ConfigurationError when a credential helper is missing, hangs or prints garbage."""


@runtime_checkable
class Renewing(Protocol):
    """A keychain that can give another credential in the middle of a run: helpers of clouds give tokens that live for an hour."""

    def renew(self, registry: Registry) -> bool:
        """Ask anew for what was refused, having worked before; whether `credential` gives something else from now on."""
