"""Google's own chain of credentials (Application Default Credentials): google-auth knows its kinds, the run's session sends.

google-auth would bring a second HTTP session along, whose retries know neither the time budget nor `--ca-file`. It takes any
callable as its transport. Its `default()` is not asked: it looks for the project as well, over the network and by running gcloud.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.errors import Failure, RegistryError, Unauthorized, Unsupported
from moorage.transport import redact
from moorage.transport.session import Answer, Session

VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
_USER: Final = "oauth2accesstoken"
_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_LARGEST: Final = 64 * 1024  # bytes; keys have about 2300
_ANY: Final = range(100, 600)  # google-auth judges answers by itself
_METADATA: Final = frozenset({"metadata.google.internal", "169.254.169.254"})  # plain HTTP, on the machine's own link
_METADATA_VARIABLES: Final = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP", "K_SERVICE", "CLOUD_RUN_JOB")
_PRODUCT: Final = Path("/sys/class/dmi/id/product_name")  # "Google Compute Engine" on its machines, and in what runs on them
_PROOFS: Final = ("subject_token", "refresh_token", "client_secret", "assertion", "actor_token")
_TRUSTED: Final = ".googleapis.com"
_ADDRESSES: Final = ("token_url", "service_account_impersonation_url")
KINDS: Final = frozenset(
    {"external_account", "external_account_authorized_user", "authorized_user", "impersonated_service_account"}
)
Document = Mapping[str, Any]


class ApplicationDefault:
    """Access tokens of one identity. Thread-safe. `source` is where it was found, in words that doctor may show.

    One that is not `certain` may turn out to be none: a machine of Google's need not have an identity that anybody may use.
    """

    def __init__(self, session: Session, open_identity: Callable[[], Any], source: str, *, certain: bool = True) -> None:
        self._session = session
        self._open = open_identity
        self._certain = certain
        self._absent = False
        self._lock = threading.Lock()
        self._identity: Any = None
        self.source = source

    def credential(self) -> Basic | None:
        """An access token as docker takes it, renewed when it is about to run out; None where there turned out to be none.

        Raises ConfigurationError without google-auth and for a file that is none, Unauthorized where Google gives no token.
        """
        with self._lock:
            if self._absent:
                return None
            try:
                if self._identity is None:
                    self._identity = self._explained(self._open)
                if not self._identity.valid:
                    self._renewed()
            except RegistryError:
                if self._certain:
                    raise
                self._absent = True
                return None
            self._certain = True  # from now on, no token is a failure
            return Basic(_USER, Secret(str(self._identity.token)), self.source)

    def renew(self) -> None:
        """Ask for another token, though the one at hand might serve still."""
        with self._lock:
            if self._identity is not None:
                self._renewed()

    def _renewed(self) -> None:
        from moorage.registries.gcr.google_auth import transport  # noqa: PLC0415 -- who has another login needs no google-auth

        self._explained(lambda: self._identity.refresh(transport(self._send)))

    def _explained(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except Failure:
            raise
        except Exception as error:  # noqa: BLE001 -- google-auth raises ValueError and its own for one and the same fault
            said = redact.text(str(error))
            raise Unauthorized(
                f"{self.source} gives no access token: {said}",
                remedy="Check the identity's rights in Google Cloud, or log in with docker: `gcloud auth configure-docker HOST`.",
            ) from None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Sent as all of a run is; only the machine's own metadata server is spoken to in plain HTTP."""
        _announce(headers, body)
        if urlsplit(url).hostname not in _METADATA:
            return self._session.request(method, url, headers=headers, body=body, ok=_ANY, idempotent=True)
        wire = replace(self._session.wire, insecure=self._session.wire.insecure | _METADATA)
        with Session(wire) as session:
            return session.request(method, url, headers=headers, body=body, ok=_ANY, idempotent=True)


def _announce(headers: Mapping[str, str], body: bytes | None) -> None:
    """Make known as secrets what proves who asks: google-auth's errors quote answers, and those may quote it."""
    form = parse_qs((body or b"").decode("latin-1"))
    proofs = [value for name in _PROOFS for value in form.get(name, ())]
    proofs += [value.rpartition(" ")[2] for name, value in headers.items() if name.lower() == "authorization"]
    for proof in proofs:
        Secret(proof)


def application_default(session: Session, environ: Mapping[str, str]) -> ApplicationDefault | None:
    """The first identity of the chain: the file that is named, gcloud's own, the machine's; None where there is none.

    A file of a kind that is not known, a service account's key among them, gives none. Asks nobody.
    """
    named = environ.get(VARIABLE, "")
    file = Path(named) if named else _of_gcloud(environ)
    document = read_document(file)
    if document is not None and document.get("type") in KINDS:
        found = document
        return ApplicationDefault(session, lambda: _of_document(found), VARIABLE if named else f"gcloud ({file})")
    if named or not _may_be_googles_machine(environ):
        return None
    return ApplicationDefault(session, _of_machine, "the metadata server", certain=False)


def read_document(file: Path) -> Document | None:
    """What a credentials file holds; None for no file, and for what is no JSON object."""
    try:
        with file.open("rb") as stream:
            document = json.loads(stream.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _of_gcloud(environ: Mapping[str, str]) -> Path:
    folder = environ.get("CLOUDSDK_CONFIG") or str(Path(environ.get("HOME") or "/nonexistent") / ".config" / "gcloud")
    return Path(folder) / "application_default_credentials.json"


def _may_be_googles_machine(environ: Mapping[str, str]) -> bool:
    """Elsewhere the metadata server would be waited for in vain, by everybody who pulls without a login."""
    if any(environ.get(name) for name in _METADATA_VARIABLES):
        return True
    try:
        return _PRODUCT.read_text().startswith("Google")
    except (OSError, ValueError):
        return False


def _of_document(document: Document) -> Any:
    from moorage.registries.gcr.google_auth import identity_of  # noqa: PLC0415 -- as above

    for name in _ADDRESSES:
        host = urlsplit(str(document.get(name) or f"https://sts{_TRUSTED}")).hostname or ""
        if not host.endswith(_TRUSTED):
            raise Unsupported(
                f"{VARIABLE}: {name} leads to {host}, which is not Google's; nothing was sent",
                remedy="Make the file anew with gcloud, or log in with docker.",
            )
    return identity_of(document, _SCOPES)


def _of_machine() -> Any:
    from moorage.registries.gcr.google_auth import identity_of_machine  # noqa: PLC0415 -- as above

    return identity_of_machine(_SCOPES)
