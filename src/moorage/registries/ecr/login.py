"""The login for /v2 and for docker: user AWS and a password good for twelve hours, which GetAuthorizationToken gives."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from moorage.auth.credential import Basic, Credential, Keychain
from moorage.errors import Denied, Unauthorized
from moorage.oci.reference import Registry
from moorage.registries.ecr.api import EcrApi
from moorage.registries.ecr.aws import Aws

if TYPE_CHECKING:
    from moorage.registries.ecr.payloads import Token

_MARGIN: Final = timedelta(minutes=10)


def _now() -> datetime:
    return datetime.now(UTC)


class EcrKeychain:
    """AWS's own credentials before what docker has. Thread-safe; the password is asked for once, and again before it expires.

    Docker's login serves where AWS's chain holds nothing, or may not ask for a password: for publishing, it is enough.
    """

    def __init__(self, aws: Aws, api: EcrApi, docker: Keychain, now: Callable[[], datetime] = _now) -> None:
        self._aws = aws
        self._api = api
        self._docker = docker
        self._now = now
        self._lock = threading.RLock()
        self._held: Token | None = None
        self._in_vain = False  # a new password was refused like the old one, so that is not what it is about

    def credential(self, registry: Registry) -> Credential | None:
        """Raises Denied and Unauthorized for AWS credentials that get no password, where docker has no login either."""
        own = self.own()
        return own if own is not None else self._docker.credential(registry)

    def own(self) -> Basic | None:
        """What AWS gives, None where only docker may have a login."""
        with self._lock:
            if not self._aws.source:
                return None
            if self._held is None or self._held.expires - _MARGIN <= self._now():
                try:
                    self._held = self._api.token()
                except (Denied, Unauthorized):
                    if self._docker.credential(self._api.registry) is None:
                        raise
                    return None
            return Basic(self._held.username, self._held.password, self._aws.source)

    def renew(self, refused: Credential | None) -> bool:
        """After a refusal: whether there is a newer password than the refused one now."""
        with self._lock:
            if self._held is None or not isinstance(refused, Basic) or self._in_vain:
                return False
            if refused.password == self._held.password:
                self._held = None
            own = self.own()
            return own is not None and own.password != refused.password

    def stop_renewing(self) -> None:
        """A password that was just renewed is refused all the same."""
        self._in_vain = True
