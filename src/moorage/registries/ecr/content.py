"""/v2 of ECR: the plain distribution API, with passwords that expire, tags that do not move, and deletions by ECR's own API."""

import os
import threading
from collections.abc import Sequence
from typing import Any

from moorage.errors import Denied, ItemRefused, Unauthorized
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution import Access, Distribution
from moorage.registries.ecr.api import EcrApi
from moorage.registries.ecr.login import EcrKeychain
from moorage.registries.ecr.payloads import NOT_THERE, Refusal
from moorage.registries.ecr.refusal import refused
from moorage.registries.ecr.trouble import NO_CREDENTIALS
from moorage.transport import outcome
from moorage.transport.session import Answer, Session

_IMMUTABLE = (
    "The repository keeps its tags (imageTagMutability): publish under another tag, delete this one first, or exclude it in the "
    "repository's settings."
)


class EcrContent(Distribution):
    """Thread-safe."""

    def __init__(self, registry: Registry, session: Session, keychain: EcrKeychain, api: EcrApi) -> None:
        super().__init__(registry, session, keychain)
        self._login = keychain
        self._api = api
        self._turn = threading.Lock()

    def call(self, method: str, url: str, scopes: Sequence[str], **options: Any) -> Answer:
        """A call, once more with a new password where the old one may have expired.

        ECR says so with a 403 that has no challenge (flipt-io/flipt#3043, seen 2026-11), as it says that a right is missing.
        """
        access = self.access
        try:
            answer = super().call(method, url, scopes, **options)
        except (Denied, Unauthorized) as error:
            if not self._renewed(access):
                raise self._advised(error) from None
            try:
                answer = super().call(method, url, scopes, **options)
            except (Denied, Unauthorized):
                self._login.stop_renewing()
                raise
        if answer.status == 400 and "TAG_INVALID" in outcome.codes(answer):  # kaniko#204 quotes it, seen 2026-11
            raise ItemRefused(outcome.refusal(method, answer).message, remedy=_IMMUTABLE)
        return answer

    def delete(self, repository: Repository, reference: Tag | Digest, *, remedy: str | None = None) -> bool:
        """By BatchDeleteImage: whether /v2 deletes is told both ways (containers-roadmap#1229, tsuru#2914; seen 2026-11)."""
        refusal = self._api.delete(repository, [reference])[reference]
        if refusal is not None:
            raise refused(repository, reference, refusal, remedy)
        return True

    def require_deletion(self, repository: Repository, *, remedy: str | None = None) -> None:
        """Raise Denied unless images may be deleted here. Asked with a digest that nothing has, so nothing changes."""
        nothing = Digest.of(os.urandom(32))
        refusal: Refusal | None = self._api.delete(repository, [nothing])[nothing]
        if refusal is not None and refusal.code != NOT_THERE:
            raise refused(repository, nothing, refusal, remedy)

    def _renewed(self, stale: Access) -> bool:
        """Whether this registry is to be asked again with another password; one thread gets it for all."""
        with self._turn:
            if self.access is not stale:
                return True
            if not self._login.renew(stale.credential):
                return False
            self.access = Access(stale.registry, self._session, self._login)
            return True

    def _advised(self, error: Denied | Unauthorized) -> Denied | Unauthorized:
        if isinstance(error, Unauthorized) and self.access.credential is None:
            return Unauthorized(error.message, remedy=NO_CREDENTIALS)
        return error
