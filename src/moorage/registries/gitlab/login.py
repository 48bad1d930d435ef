"""Who is asking: which kind of token it is, how the registry and the API want to see it, and what it can be granted.

Kinds are told by GitLab's prefixes and by the user names that it reserves (docs, "Token overview"; lib/gitlab/auth.rb; seen
2026-11). Tokens without a prefix (an older GitLab, or one with a prefix of its own) count as access tokens.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from moorage.auth.credential import Basic, Credential, Keychain
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry
from moorage.registries.gitlab import TOKEN
from moorage.registries.vendor import Connection

JOB_USER: Final = "gitlab-ci-token"


class Kind(StrEnum):
    """Kinds of tokens that differ in what they may do."""

    JOB = "job token"
    DEPLOY = "deploy token"
    OAUTH = "OAuth token"
    ACCESS = "access token"
    OTHER = "token of another kind"
    NONE = "no token"


_PREFIXES: Final = {"glcbt-": Kind.JOB, "gldt-": Kind.DEPLOY, "gloas-": Kind.OAUTH}
_ADVICE: Final = {
    Kind.JOB: "A job token may delete only in the project of its own job; for another one give --{prefix}-gitlab-token an access "
    "token with the scope api.",
    Kind.DEPLOY: "Deploy tokens pull and push, never delete: give --{prefix}-gitlab-token an access token with the scope api.",
    Kind.NONE: "Give --{prefix}-gitlab-token an access token with the scope api, or log in with docker.",
}
_ROLE: Final = (
    "To delete, an access token needs the scope api (write_registry only pushes), and its user or bot the role Developer in this "
    "project, or Maintainer where the GitLab asks for that (ability admin_container_image)."
)


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials for one registry. `prefix` is how error messages name this storage's options."""

    registry: Registry
    keychain: Keychain
    prefix: str

    @property
    def credential(self) -> Credential | None:
        return self.keychain.credential(self.registry)

    @property
    def kind(self) -> Kind:
        return kind_of(self.credential)

    @property
    def source(self) -> str:
        credential = self.credential
        return credential.source if credential else "nowhere"

    def api_headers(self) -> Mapping[str, str]:
        """What proves to the API who is asking; empty for what it does not take (deploy tokens) and for nobody."""
        credential, kind = self.credential, self.kind
        if not isinstance(credential, Basic) or kind is Kind.DEPLOY:
            return {}
        token = credential.password.reveal()
        if kind is Kind.OAUTH:
            return {"Authorization": f"Bearer {token}"}
        return {"JOB-TOKEN" if kind is Kind.JOB else "PRIVATE-TOKEN": token}

    def graphql_headers(self) -> Mapping[str, str]:
        """As `api_headers` for GraphQL, which takes no job tokens."""
        credential, kind = self.credential, self.kind
        if not isinstance(credential, Basic) or kind not in {Kind.ACCESS, Kind.OAUTH}:
            return {}
        return {"Authorization": f"Bearer {credential.password.reveal()}"}

    def advice(self) -> str:
        """What to grant, or which other token to take, where a deletion is refused."""
        return _ADVICE.get(self.kind, _ROLE).format(prefix=self.prefix)


def kind_of(credential: Credential | None) -> Kind:
    if credential is None:
        return Kind.NONE
    if not isinstance(credential, Basic):
        return Kind.OTHER
    token = credential.password.reveal()
    for prefix, kind in _PREFIXES.items():
        if token.startswith(prefix):
            return kind
    if credential.username == "oauth2":
        return Kind.OAUTH
    if credential.username.startswith(("gitlab+deploy-token", "gitlab-deploy-token")):
        return Kind.DEPLOY
    if token == os.environ.get("CI_JOB_TOKEN"):  # by an older GitLab, without a prefix
        return Kind.JOB
    by_docker = credential.username == JOB_USER and not credential.source.endswith(TOKEN.name)
    return Kind.JOB if by_docker and not token.startswith("glpat-") else Kind.ACCESS


def login_of(connection: Connection) -> Login:
    """The token of the options before what docker has. Raises ConfigurationError for a deploy token without its user name."""
    prefix = connection.specific_prefix
    token = connection.options.get(TOKEN)
    if token is None:
        return Login(connection.registry, connection.keychain, prefix)
    credential = _given(token, connection)
    if kind_of(credential) is Kind.DEPLOY and credential.username == JOB_USER:
        raise ConfigurationError(
            f"--{prefix}-gitlab-token is a deploy token, which is known by its user name, and can pull and push alone",
            remedy="To publish, log in with docker (--username and --password work too); to delete, give an access token "
            "with the scope api.",
        )
    return Login(connection.registry, LoginKeychain({connection.registry: credential}), prefix)


def _given(token: Secret, connection: Connection) -> Basic:
    """The token as a login: GitLab looks at the user name of job and deploy tokens alone. What docker has with it is right."""
    held = connection.keychain.credential(connection.registry)
    if isinstance(held, Basic) and held.password == token:
        return held
    return Basic(JOB_USER, token, f"--{connection.specific_prefix}-{TOKEN.name}")
