"""Workload identity: the platform's token becomes one of Microsoft Entra, and that a refresh token of the registry.

Plain OAuth, so that neither `az` nor azure-identity is needed: client credentials with an assertion (RFC 7523;
learn.microsoft.com, seen 2026-11), then ACR's own `POST /oauth2/exchange`. Everything is asked for on first use, once.
"""

import threading
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from moorage.auth.credential import Credential, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, NotFound, RegistryError, Unauthorized, Unreachable
from moorage.oci.reference import Registry
from moorage.registries.acr import AUTHORITY, TOKEN_FILE
from moorage.registries.distribution.challenge import chosen
from moorage.registries.vendor import Connection
from moorage.transport import redact
from moorage.transport.session import Session

NO_USER: Final = "00000000-0000-0000-0000-000000000000"  # the user of a refresh token, for docker
# Microsoft Entra and the audience of tokens for registries, by the registry's cloud (azure-containerregistry 1.2, seen 2026-11).
_CLOUDS: Final = {
    ".azurecr.io": ("https://login.microsoftonline.com", "https://containerregistry.azure.net"),
    ".azurecr.cn": ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
    ".azurecr.us": ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
}
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LARGEST_TOKEN: Final = 65536  # characters


class WorkloadIdentity:
    """A keychain for one registry. Thread-safe."""

    def __init__(
        self, session: Session, registry: Registry, *, file: Path, client_id: str, tenant_id: str, authority: str, audience: str
    ) -> None:
        self._session = session
        self._registry = registry
        self._file = file
        self._client_id = client_id
        self._tenant_id = tenant_id
        self._authority = authority
        self._audience = audience
        self._lock = threading.Lock()
        self._found: IdentityToken | None = None
        self.source = f"the workload identity {client_id}"

    def credential(self, registry: Registry) -> Credential | None:
        """Raises ConfigurationError for a file that cannot be read, Unauthorized where Entra or the registry refuses."""
        if registry != self._registry:
            return None
        with self._lock:
            if self._found is None:
                self._found = IdentityToken(self._refresh_token(self._entra_token()), self.source, NO_USER)
            return self._found

    def _entra_token(self) -> Secret:
        form = {
            "grant_type": "client_credentials", "client_id": self._client_id, "scope": f"{self._audience}/.default",
            "client_assertion_type": _ASSERTION, "client_assertion": self._assertion().reveal(),
        }  # fmt: skip
        try:
            return self._ask(f"{self._authority}/{self._tenant_id}/oauth2/v2.0/token", form, "access_token")
        except (Unreachable, Unauthorized):
            raise
        except RegistryError as error:  # Entra refuses with 400 (AADSTS…)
            raise Unauthorized(f"{self.source} is refused: {error.message}", remedy=_TRUST) from None

    def _refresh_token(self, entra: Secret) -> Secret:
        base, answer = self._session.knock(self._registry.name, "/v2/", ok={200, 401})
        challenge = chosen(answer.headers.get("www-authenticate", ""))
        service = challenge["service"] if challenge else ""  # NAME.azurecr.io, also behind another domain
        form = {
            "grant_type": "access_token", "service": service or self._registry.name, "tenant": self._tenant_id,
            "access_token": entra.reveal(),
        }  # fmt: skip
        try:
            return self._ask(f"{base}/oauth2/exchange", form, "refresh_token")
        except NotFound as error:
            raise Unauthorized(f"{self._registry} takes no workload identities: {error.message}", remedy=_TRUST) from None

    def _assertion(self) -> Secret:
        try:
            content = self._file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no token"
            raise ConfigurationError(f"{TOKEN_FILE.flag} {self._file} cannot be read: {why}") from None
        if not content or len(content) > _LARGEST_TOKEN:
            raise ConfigurationError(f"{TOKEN_FILE.flag} {self._file} holds no token")
        return Secret(content)

    def _ask(self, url: str, form: dict[str, str], field: str) -> Secret:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            answer = self._session.request("POST", url, headers=headers, body=urlencode(form).encode(), idempotent=True)
        except Unauthorized as error:
            raise Unauthorized(f"{self.source} is refused: {error.message}", remedy=_TRUST) from None
        document = answer.json()
        token = document.get(field) if isinstance(document, dict) else None
        if not isinstance(token, str) or not token:
            raise Contradiction(f"{redact.url(answer.url)} answered without a token")
        return Secret(token)


_TRUST: Final = (
    "Check client and tenant id, the federated credential of the application (issuer, subject, audience), and that it has a role "
    "in the registry such as AcrPush or AcrDelete."
)


def workload_identity(connection: Connection, file: Path, client_id: str, tenant_id: str) -> WorkloadIdentity:
    name = connection.registry.name.partition(":")[0]
    cloud = next((found for suffix, found in _CLOUDS.items() if name.endswith(suffix)), _CLOUDS[".azurecr.io"])
    return WorkloadIdentity(
        connection.session, connection.registry, file=file, client_id=client_id, tenant_id=tenant_id,
        authority=connection.options.get(AUTHORITY) or cloud[0], audience=cloud[1],
    )  # fmt: skip
