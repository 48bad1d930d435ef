"""Deleting from Quay: single tags by the API or, since 2024-08, by /v2; whole manifests by /v2, with all their tags at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Unsupported
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Action, Distribution
from moorage.registries.distribution.client import DELETED
from moorage.registries.quay.api import QuayApi
from moorage.registries.quay.departed import Departed
from moorage.registries.quay.login import Login, scopes
from moorage.transport import outcome
from moorage.transport.session import Session

_IMMUTABLE: Final = (
    "The tag is immutable: whoever administers the repository can change that in Quay. Everything else was handled."
)
_UNTAGGED: Final = (
    "Quay has no call for it, and collects it by itself: within hours, unless it belongs to an image by its subject."
)
_READ_ONLY: Final = "Quay is read-only, or takes no pushes and deletions at the moment; run again when that is over."
_TOO_OLD: Final = "this Quay is older than 2024-08 and deletes single tags by its own API alone"


class Deletion:
    """Thread-safe."""

    def __init__(self, client: Distribution, api: QuayApi, session: Session, login: Login, departed: Departed) -> None:
        self._client = client
        self._api = api
        self._session = session
        self._login = login
        self._departed = departed
        self._lock = threading.Lock()
        self._untags: bool | None = None  # whether /v2 deletes tags; None until somebody asked

    def cannot_untag(self, repository: Repository) -> str:
        """Why single tags cannot be deleted, or empty. Without a token for the API, the server's version decides."""
        if self._login.token is not None or self._v2_untags(repository):
            return ""
        return f"{_TOO_OLD}, which takes an OAuth token ({self._login.option})"

    def tag(self, repository: Repository, tag: Tag) -> None:
        """Delete this tag alone. Raises NotFound; ItemRefused for an immutable tag; Unsupported, having changed nothing."""
        reason = self.cannot_untag(repository)
        if reason:
            raise Unsupported(f"{repository}:{tag} stays: {reason}", remedy=self._token_needed())
        with self._explained():
            if self._login.token is not None:
                self._api.delete_tag(repository, tag)
            else:
                self._tag_by_v2(repository, tag)

    def manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete every tag of a manifest, with which it goes. What went with its index is gone already, and that is well.

        Raises NotFound; ItemRefused for an immutable tag, and for what has no tag and is there.
        """
        with self._explained():
            try:
                self._client.delete(repository, digest, remedy=_READ_ONLY)
            except NotFound:
                if self._departed.holds(repository, digest):
                    return
                self._client.head(repository, digest)  # raises NotFound where it is gone indeed
                raise ItemRefused(f"{repository}@{digest} has no tag by which Quay could delete it", remedy=_UNTAGGED) from None
        self._departed.note(repository, digest)

    def _tag_by_v2(self, repository: Repository, tag: Tag) -> None:
        answer = self._client.call(
            "DELETE", self._url(repository, tag), scopes(repository, Action.DELETE), ok={*DELETED, 404, 405}
        )
        if answer.status in DELETED or (answer.status == 404 and answer.uncertain):
            return
        if outcome.codes(answer):  # Quay's own words: it is not there, or nothing may be changed
            raise outcome.refusal("DELETE", answer, remedy=_READ_ONLY if answer.status == 405 else None)
        self._untags = False
        raise Unsupported(f"{repository}:{tag} stays: {_TOO_OLD}", remedy=self._token_needed())

    def _v2_untags(self, repository: Repository) -> bool:
        """Whether the server has the call at all, by what it allows on the address of a tag; asked once.

        Quay is a Flask application, and Flask answers OPTIONS by itself with the methods that an address has. Where something in
        front of it does not let that through, trying will tell.
        """
        with self._lock:
            if self._untags is None:
                self._untags = self._allows_deletion(repository)
            return self._untags

    def _allows_deletion(self, repository: Repository) -> bool:
        try:
            answer = self._session.request("OPTIONS", self._url(repository, Tag("latest")), ok=range(200, 500))
        except RegistryError:
            return True
        allowed = answer.headers.get("allow", "").upper()
        return "PUT" not in allowed or "DELETE" in allowed

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Refusals with what to do about them, unless they say so already."""
        try:
            yield
        except ItemRefused as error:
            raise ItemRefused(error.message, remedy=error.remedy if error.remedy == _UNTAGGED else _IMMUTABLE) from None
        except Denied as error:
            if self._login.token is not None and "repo:write" in error.remedy:
                raise
            raise Denied(
                error.message,
                remedy=f"Grant the permission Write in this repository to {self._login.who}; deletions need no more than pushes.",
            ) from None

    def _token_needed(self) -> str:
        return f"Give {self._login.option} an OAuth token with the scopes repo:read and repo:write, or update Quay."

    def _url(self, repository: Repository, tag: Tag) -> str:
        return f"{self._client.access.base}/v2/{repository.path}/manifests/{tag}"
