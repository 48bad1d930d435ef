"""Where a password may go: to its registry, and to the token service that this registry may rightly name."""

from collections.abc import Set as AbstractSet

from moorage.auth.origin import Origin
from moorage.errors import Denied


def check_realm(
    realm: str,
    registry: Origin,
    *,
    with_password: bool,
    listed: AbstractSet[str] = frozenset(),
    allowed: AbstractSet[str] = frozenset(),
    plain: AbstractSet[str] = frozenset(),
) -> None:
    """Raise Denied where this token service must not be asked.

    A password (or refresh token) goes to a realm over https that is on the registry's own host, whatever the port, or among the
    hosts that the vendor lists (`auth.docker.io` for Docker Hub; `*` where the registry's word is taken for it, as with
    self-managed GitLabs) or the user allows. Anonymous questions may go to any https
    realm: they hold nothing. Plain http is for a realm of a registry that is itself spoken to in plain HTTP by rule: both
    loopback, or both among `plain` (--insecure-registry).
    """
    try:
        there = Origin.of(realm)
    except ValueError:
        raise Denied(f"{registry} names a token service that is no URL", remedy="Check the registry's configuration.") from None
    if there.scheme == "http" and not _plainly(registry, there, plain):
        raise Denied(
            f"{registry} sends its clients to {there}, in plain HTTP",
            remedy=f"Give the token service TLS, or allow plain HTTP: --insecure-registry {there.authority}",
        )
    if not with_password or there.host == registry.host or (there.is_loopback and registry.is_loopback):
        return
    if "*" not in listed and not there.is_named_in(listed) and not there.is_named_in(allowed):
        raise Denied(
            f"{registry} sends passwords to {there}, another host",
            remedy=f"If that is the token service of this registry, allow it: --allow-realm {there.host}",
        )


def _plainly(registry: Origin, realm: Origin, plain: AbstractSet[str]) -> bool:
    if registry.is_loopback and realm.is_loopback:
        return True
    return (registry.is_loopback or registry.is_named_in(plain)) and realm.is_named_in(plain)
