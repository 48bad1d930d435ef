"""Deleting at Docker Hub: a tag by the Hub's API, then the manifest by the registry's, which takes what nothing points at."""

from collections.abc import Iterable
from typing import Final

from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, RegistryError, Unreachable
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Action, Distribution, standard_scopes
from moorage.registries.distribution.examination import granted_actions
from moorage.registries.distribution.just_seen import JustSeen
from moorage.registries.dockerhub.api import RIGHT_TO_DELETE, HubApi, wraps_refusal
from moorage.registries.dockerhub.immutability import immutable_by
from moorage.transport import outcome
from moorage.transport.retry import SERVER_TROUBLE
from moorage.transport.session import Answer, Session

_IMMUTABLE: Final = "Change the repository's rules for immutable tags, or leave it: everything else was handled."
_REFERENCED: Final = (
    "Docker Hub keeps a manifest while a tag or another image needs it, also one without a tag, which it does not list. "
    "Look into Image Management at hub.docker.com, or leave it: everything else was handled."
)
_DONE: Final = frozenset({200, 202, 204})
_WITHOUT_500: Final = SERVER_TROUBLE - {500}
_TAG_TRIES: Final = 4
_REFERENCED_TRIES: Final = 3  # an index that was deleted just before holds its parts for a moment
_LOOKS: Final = 6  # pauses of at most 1 + 2 + … + 30 seconds


class Deletion:
    """Thread-safe. `seen` is told where tags were found to point; no tag is deleted on an older look than that."""

    def __init__(self, api: HubApi, client: Distribution, session: Session) -> None:
        self._api = api
        self._client = client
        self._session = session
        self.seen: JustSeen[tuple[Repository, Tag | Digest], Digest] = JustSeen()

    def untag(self, repository: Repository, tag: Tag) -> None:
        """Remove one tag; its manifest and its siblings stay.

        Raises NotFound; Denied where the login may not delete, which Docker Hub says by 403 or by a 500 around a 401 (docker/
        hub-feedback#2006 and #2398); ItemRefused for an immutable tag.
        """
        answer, tries = self._ask_to_untag(repository, tag), 1
        while answer.status == 500 and not wraps_refusal(answer) and tries < _TAG_TRIES:
            self._session.pause(tries)
            answer, tries = self._ask_to_untag(repository, tag), tries + 1
        gone_meanwhile = answer.status == 404 and (answer.uncertain or tries > 1)
        if answer.status not in _DONE and not gone_meanwhile:
            raise self._refusal(repository, tag, answer)

    def remove(self, repository: Repository, digest: Digest, tags: Iterable[Tag]) -> None:
        """Delete a manifest, and before it those of these tags that point at it right now.

        A tag that was moved is left alone; one that appeared meanwhile saves the manifest, since Docker Hub then refuses.
        Raises NotFound where nothing was there; ItemRefused where an immutable tag or something else still needs it; Unreachable
        where Docker Hub answered 500 and has not deleted it a minute later.
        """
        untagged = [tag for tag in tags if self._points_at(repository, tag, digest)]
        for tag in untagged:
            try:
                self.untag(repository, tag)
            except NotFound:
                continue
        try:
            self._remove(repository, digest)
        except NotFound:
            if not untagged:
                raise

    def _points_at(self, repository: Repository, tag: Tag, digest: Digest) -> bool:
        try:
            return (self.seen.take((repository, tag)) or self._client.head(repository, tag).digest) == digest
        except NotFound:
            return False

    def _ask_to_untag(self, repository: Repository, tag: Tag) -> Answer:
        path = f"/v2/repositories/{repository.path}/tags/{tag}/"  # without the last slash it redirects, and forgets the method
        return self._api.call("DELETE", path, ok={*_DONE, 400, 403, 404, 409, 500}, retry_on=_WITHOUT_500)

    def _remove(self, repository: Repository, digest: Digest) -> None:
        answer, tries = self._ask_to_remove(repository, digest), 1
        while answer.status == 403 and tries < _REFERENCED_TRIES and not self._lacks_right(repository):
            self._session.pause(tries)
            answer, tries = self._ask_to_remove(repository, digest), tries + 1
        if answer.status == 500:
            self._await(repository, digest, answer)
        elif answer.status == 403:
            raise self._still_needed(repository, digest, answer)
        elif answer.status == 404 and not answer.uncertain:
            raise outcome.refusal("DELETE", answer)

    def _ask_to_remove(self, repository: Repository, digest: Digest) -> Answer:
        url = f"{self._client.access.base}/v2/{repository.path}/manifests/{digest}"
        scopes = standard_scopes(repository, Action.DELETE)
        try:
            return self._client.call("DELETE", url, scopes, ok={*_DONE, 403, 404, 500}, retry_on=_WITHOUT_500)
        except Denied as error:
            raise type(error)(error.message, remedy=RIGHT_TO_DELETE) from None

    def _still_needed(self, repository: Repository, digest: Digest, answer: Answer) -> Denied:
        said = outcome.refusal("DELETE", answer).message
        if self._lacks_right(repository):
            return Denied(said, remedy=RIGHT_TO_DELETE)
        return ItemRefused(f"{said}: {repository}@{digest} is still needed by a tag or another image", remedy=_REFERENCED)

    def _await(self, repository: Repository, digest: Digest, answer: Answer) -> None:
        """After a 500: Docker Hub goes on in the background and does not want to be asked again (registry API, seen 2026-11)."""
        for attempt in range(1, _LOOKS + 1):
            self._session.pause(attempt)
            try:
                self._client.head(repository, digest)
            except NotFound:
                return
        raise Unreachable(
            f"{outcome.refusal('DELETE', answer).message}, and {repository}@{digest} is there; Docker Hub may be at it still",
            remedy="Run again later; what is gone by then is not asked for again.",
        )

    def _lacks_right(self, repository: Repository) -> bool:
        """Whether a 403 is about the login and not about the manifest, as far as the token tells."""
        token = self._client.access.token(tuple(standard_scopes(repository, Action.DELETE)))
        granted = granted_actions(token, repository) if token else None
        return granted is not None and not {"delete", "*"} & granted

    def _refusal(self, repository: Repository, tag: Tag, answer: Answer) -> RegistryError:
        if answer.status == 404:
            return self._absence(repository, tag, answer)
        rule = immutable_by(self._api, repository, tag)
        if rule:
            return ItemRefused(
                f"{outcome.refusal('DELETE', answer).message}: {repository}:{tag} stays, {rule}", remedy=_IMMUTABLE
            )
        if answer.status in {403, 500}:
            return self._api.refused("DELETE", answer)
        return outcome.refusal("DELETE", answer)

    def _absence(self, repository: Repository, tag: Tag, answer: Answer) -> RegistryError:
        """A 404 is believed when the registry, too, knows nothing of the tag."""
        try:
            self._client.head(repository, tag)
        except NotFound:
            return outcome.refusal("DELETE", answer)
        except RegistryError as error:
            return Contradiction(f"{outcome.refusal('DELETE', answer).message}; whether it is gone is not known: {error.message}")
        return Denied(f"{outcome.refusal('DELETE', answer).message}, and {repository}:{tag} is there", remedy=RIGHT_TO_DELETE)
