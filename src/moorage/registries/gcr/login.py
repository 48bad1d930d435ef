"""Who is asking. What docker has comes first: access tokens (`oauth2accesstoken`), keys (`_json_key`), gcloud's helpers.

Where docker has nothing, Google's own chain serves: the file that GOOGLE_APPLICATION_CREDENTIALS names, gcloud's application
default credentials, the metadata server. The key of a service account serves as it is, as `_json_key`; everything else as an
access token.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from moorage.auth.credential import Basic, Credential, Keychain, Renewing
from moorage.auth.secret import Secret
from moorage.oci.reference import Registry
from moorage.registries.gcr.application_default import VARIABLE, application_default, read_document
from moorage.transport.session import Session

ADVICE: Final = (
    "Log in with docker: `gcloud auth configure-docker HOST`, an access token for the user oauth2accesstoken, or the key of a "
    f"service account for _json_key. What {VARIABLE} names, `gcloud auth application-default login` has made, or the machine "
    "has, is found by itself."
)
_KEY_USER: Final = "_json_key"


class GoogleKeychain:
    """Docker's logins, then Google's own chain. Thread-safe."""

    def __init__(self, docker: Keychain, environ: Mapping[str, str], session: Session) -> None:
        self._docker = docker
        self._key = _key(environ.get(VARIABLE, ""))
        self._chain = application_default(session, environ) if self._key is None else None

    def credential(self, registry: Registry) -> Credential | None:
        return self._docker.credential(registry) or self._own()

    def renew(self, registry: Registry) -> bool:
        """Ask for another access token, which lives for an hour, where this one came from."""
        if self._docker.credential(registry) is not None:
            return isinstance(self._docker, Renewing) and self._docker.renew(registry)
        if self._chain is None:
            return False
        self._chain.renew()
        return True

    def for_docker(self, registry: Registry) -> Basic | None:
        """What docker has to be told, as it does not know it by itself."""
        return self._own() if self._docker.credential(registry) is None else None

    def _own(self) -> Basic | None:
        return self._chain.credential() if self._chain is not None else self._key


def _key(path: str) -> Basic | None:
    """The key of a service account in this file, None for no file and for files that hold something else."""
    document = read_document(Path(path)) if path else None
    if document is None or document.get("type") != "service_account":
        return None
    Secret(str(document.get("private_key", "")))  # known as a secret from now on, line by line
    return Basic(_KEY_USER, Secret(json.dumps(document)), VARIABLE)
