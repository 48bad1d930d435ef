"""Who is asking. What docker has comes first: access tokens (`oauth2accesstoken`), keys (`_json_key`), gcloud's helpers.

Where docker has nothing, the key of a service account that GOOGLE_APPLICATION_CREDENTIALS names serves as `_json_key`. Other
kinds of such files (workload identity federation, users) and the metadata server give no login by themselves: gcloud's helper
makes one of them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from moorage.auth.credential import Basic, Credential, Keychain, Renewing
from moorage.auth.secret import Secret
from moorage.oci.reference import Registry

VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
ADVICE: Final = (
    "Log in with docker: `gcloud auth configure-docker HOST`, an access token for the user oauth2accesstoken, or the key of a "
    f"service account for _json_key. A service account's key that {VARIABLE} names is found by itself."
)
_KEY_USER: Final = "_json_key"
_LARGEST: Final = 64 * 1024  # bytes; keys have about 2300


class GoogleKeychain:
    """Docker's logins, then the key in the environment. Thread-safe."""

    def __init__(self, docker: Keychain, environ: Mapping[str, str]) -> None:
        self._docker = docker
        self._key = _key(environ.get(VARIABLE, ""))

    def credential(self, registry: Registry) -> Credential | None:
        return self._docker.credential(registry) or self._key

    def renew(self, registry: Registry) -> bool:
        """Ask docker's helper for another access token: one lives for an hour."""
        return isinstance(self._docker, Renewing) and self._docker.renew(registry)

    def for_docker(self, registry: Registry) -> Basic | None:
        """What docker has to be told, as it does not know it by itself."""
        return self._key if self._docker.credential(registry) is None else None


def _key(path: str) -> Basic | None:
    """The key of a service account in this file, None for no file and for files that hold something else."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            document = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("type") != "service_account":
        return None
    Secret(str(document.get("private_key", "")))  # known as a secret from now on, line by line
    return Basic(_KEY_USER, Secret(json.dumps(document)), VARIABLE)
