"""Finds credentials as docker does: logins given by hand, DOCKER_AUTH_CONFIG, credential helpers, config.json. Never writes."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from moorage.auth.credential import Credential, Keychain, Renewing
from moorage.auth.docker_config import DockerConfig, Entries, host_of_key, parse_variable, read_config
from moorage.auth.helper import HELPER_PREFIX, HELPER_SECONDS, ask_helper
from moorage.oci.reference import DOCKER_HUB, DOCKER_HUB_HOSTS, Registry

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
AUTH_VARIABLE = "DOCKER_AUTH_CONFIG"


class ChainKeychain:
    """Asks several keychains in turn; the first that knows a credential wins."""

    def __init__(self, *keychains: Keychain) -> None:
        self._keychains = keychains

    def credential(self, registry: Registry) -> Credential | None:
        for keychain in self._keychains:
            found = keychain.credential(registry)
            if found is not None:
                return found
        return None

    def renew(self, registry: Registry) -> bool:
        """Where the credential came from, another one may be had by now."""
        for keychain in self._keychains:
            if keychain.credential(registry) is not None:
                return isinstance(keychain, Renewing) and keychain.renew(registry)
        return False


class LoginKeychain:
    """Credentials given by hand (`--username`, `--password`, `--registry-auth`), by registry; Docker Hub's aliases are one."""

    def __init__(self, logins: Mapping[Registry, Credential]) -> None:
        self._logins = {_canonical(registry.name): credential for registry, credential in logins.items()}

    def credential(self, registry: Registry) -> Credential | None:
        return self._logins.get(_canonical(registry.name))


class DockerKeychain:
    """What docker would use: $DOCKER_AUTH_CONFIG, then `credHelpers`, `credsStore` and `auths` of config.json.

    `config_dir` is DOCKER_CONFIG; a config.json that is not there is an empty one. Helpers get `environ` as their environment,
    and are asked once per registry, and again by `renew`. Everything is read on first use. Thread-safe.
    Raises ConfigurationError, naming file or variable and place, for what cannot be read; secrets are never part of it.
    """

    def __init__(
        self, config_dir: Path, *, environ: Mapping[str, str] | None = None, helper_seconds: float = HELPER_SECONDS
    ) -> None:
        self._file = config_dir / "config.json"
        self._environ = dict(os.environ if environ is None else environ)
        self._helper_seconds = helper_seconds
        self._lock = threading.RLock()
        self._read: tuple[Entries, DockerConfig] | None = None
        self._answers: dict[str, Credential | None] = {}

    def credential(self, registry: Registry) -> Credential | None:
        if registry.is_layout:
            return None
        host = _canonical(registry.name)
        with self._lock:
            if host not in self._answers:
                self._answers[host] = self._find(host)
            return self._answers[host]

    def renew(self, registry: Registry) -> bool:
        """Ask a helper again; what stands in a file does not change by being read twice."""
        host = _canonical(registry.name)
        with self._lock:
            before = self._answers.get(host)
            if before is None or not before.source.startswith(HELPER_PREFIX):
                return False
            self._answers[host] = self._find(host)
            return self._answers[host] != before

    def _find(self, host: str) -> Credential | None:
        variable, config = self._sources()
        return _entry(variable, host) or self._from_helpers(config, host) or _entry(config.auths, host)

    def _sources(self) -> tuple[Entries, DockerConfig]:
        if self._read is None:
            text = self._environ.get(AUTH_VARIABLE, "")
            self._read = (parse_variable(text, AUTH_VARIABLE) if text.strip() else {}, read_config(self._file))
        return self._read

    def _from_helpers(self, config: DockerConfig, host: str) -> Credential | None:
        """The registry's own helper before the general store; only one of them is asked, as docker does."""
        own = [name for key, name in config.helpers.items() if _canonical(host_of_key(key)) == host]
        name = own[0] if own else config.store
        if not name:
            return None
        server = DOCKER_HUB_KEY if host == DOCKER_HUB.name else host
        return ask_helper(name, server, environ=self._environ, seconds=self._helper_seconds, named_by=str(self._file))


def _canonical(host: str) -> str:
    host = host.lower()
    return DOCKER_HUB.name if host in DOCKER_HUB_HOSTS else host


def _entry(entries: Entries, host: str) -> Credential | None:
    """The entry for a host: its bare name first, then `/v1/` and `/v2/` as old logins wrote them, then the shortest path."""
    fitting = [key for key in entries if _canonical(host_of_key(key)) == host]
    fitting.sort(key=lambda key: (_depth(key), len(key), key))
    return next((entries[key] for key in fitting if entries[key] is not None), None)


def _depth(key: str) -> int:
    path = key.partition("://")[2] or key
    path = path.partition("/")[2].strip("/")
    return 0 if not path else 1 if path in {"v1", "v2"} else 2
