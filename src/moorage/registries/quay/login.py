"""Who is asking. /api/v1 takes OAuth access tokens and nothing else; /v2 takes them too, as the password of `$oauthtoken`.

So a token serves for everything, and what docker has (robots, users, app tokens) for /v2 alone (auth/credentials.py of quay/quay,
seen 2026-11).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moorage.auth.credential import Basic, Credential, Keychain
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.oci.reference import Registry, Repository
from moorage.registries.distribution import Action
from moorage.registries.quay import TOKEN
from moorage.registries.vendor import Connection

OAUTH_USER: Final = "$oauthtoken"


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials for one registry; `option` is how messages name the option of the token."""

    registry: Registry
    keychain: Keychain
    option: str
    given: Basic | None = None

    @property
    def credential(self) -> Credential | None:
        return self.keychain.credential(self.registry)

    @property
    def token(self) -> Secret | None:
        """The OAuth access token, where there is one; None leaves /v2 alone."""
        credential = self.credential
        return credential.password if isinstance(credential, Basic) and credential.username == OAUTH_USER else None

    @property
    def who(self) -> str:
        credential = self.credential
        return f"the account of the credentials from {credential.source}" if credential else "anonymous users"


def login_of(connection: Connection) -> Login:
    """The token of the options before what docker has."""
    option = f"--{connection.specific_prefix}-{TOKEN.name}"
    token = connection.options.get(TOKEN)
    if token is None:
        return Login(connection.registry, connection.keychain, option)
    given = Basic(OAUTH_USER, token, option)
    return Login(connection.registry, LoginKeychain({connection.registry: given}), option, given)


def scopes(repository: Repository, action: Action) -> Sequence[str]:
    """Quay knows `pull`, `push` and `*`, refuses any other word with 400, and takes the right to push for deletions
    (endpoints/v2/v2auth.py and manifest.py, seen 2026-11).
    """
    return (f"repository:{repository.path}:{'pull' if action is Action.PULL else 'pull,push'}",)
