"""Who is asking: what the options say, what docker has, or the identity of the workload that this is."""

from typing import Final

from moorage.auth.credential import Basic, Credential, IdentityToken, Keychain
from moorage.auth.keychain import ChainKeychain, LoginKeychain
from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry
from moorage.registries.acr import CLIENT_ID, PASSWORD, TENANT_ID, TOKEN_FILE, USERNAME
from moorage.registries.acr.workload import NO_USER, WorkloadIdentity, workload_identity
from moorage.registries.vendor import Connection


class RefreshKeychain:
    """Docker's logins; one that `az acr login` made is a refresh token by its user, wherever docker keeps it."""

    def __init__(self, docker: Keychain) -> None:
        self._docker = docker

    def credential(self, registry: Registry) -> Credential | None:
        found = self._docker.credential(registry)
        if isinstance(found, Basic) and found.username == NO_USER:
            return IdentityToken(found.password, found.source, NO_USER)
        return found


class Login:
    """`keychain` finds the credential for the registry, `docker_login` what docker lacks of it."""

    def __init__(self, connection: Connection) -> None:
        """Raises ConfigurationError for half a login."""
        self._registry = connection.registry
        self._given = _given(connection)
        self._workload = _workload(connection)
        docker: Keychain = RefreshKeychain(connection.keychain)
        if self._given is not None:
            self.keychain: Keychain = LoginKeychain({connection.registry: self._given})
        elif self._workload is not None:
            self.keychain = ChainKeychain(docker, self._workload)
        else:
            self.keychain = docker

    def docker_login(self) -> Basic | None:
        """What `docker login` takes; None where docker has a login of its own, or nobody has any."""
        if self._given is not None or self._workload is None:
            return self._given
        found = self.keychain.credential(self._registry)
        if isinstance(found, IdentityToken) and found.source == self._workload.source:
            return Basic(NO_USER, found.token, found.source)
        return None


def _given(connection: Connection) -> Basic | None:
    name, password = connection.options.get(USERNAME), connection.options.get(PASSWORD)
    prefix = f"--{connection.specific_prefix}-acr"
    if name and password:
        return Basic(name, password, f"{prefix}-username")
    if name or password:
        given, missing = ("username", "password") if name else ("password", "username")
        raise ConfigurationError(f"{prefix}-{given} is given, {prefix}-{missing} is not: a login takes both")
    return None


_PARTS: Final = (CLIENT_ID, TENANT_ID)


def _workload(connection: Connection) -> WorkloadIdentity | None:
    """None without a token file; the ids alone are in many environments for other reasons."""
    file = connection.options.get(TOKEN_FILE)
    if file is None:
        return None
    ids = [connection.options.get(part) for part in _PARTS]
    missing = [part for part, value in zip(_PARTS, ids, strict=True) if not value]
    if missing:
        raise ConfigurationError(*(f"{part.flag} (or ${part.variables[0]}) is needed with {TOKEN_FILE.flag}" for part in missing))
    client_id, tenant_id = (str(value) for value in ids)
    return workload_identity(connection, file, client_id, tenant_id)
