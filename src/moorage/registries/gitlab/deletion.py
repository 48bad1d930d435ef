"""Deleting at GitLab's registry: one tag, or a manifest with all its tags; how the token service is asked, and what no means.

A tag goes by `DELETE manifests/TAG` (GitLab 16.4 and later), else by `DELETE tags/reference/TAG` (2.8.0-gitlab to 16.x), else by
the stub way (a registry that is not GitLab's behind a GitLab). Which of them a host knows is found out once, with the first tag.
The digest that a tag shares with its siblings is never deleted for it. GitLab's REST deletion is not used: before 12.4 it took
the whole manifest, and later it makes these same calls.
"""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from typing import Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Unsupported
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.client import DELETED
from moorage.registries.distribution.stub import StubWay
from moorage.registries.gitlab.login import Login
from moorage.transport import outcome
from moorage.transport.session import Answer, Session

ENABLE: Final = (
    "Enable deletion in GitLab's registry (`registry['storage_delete_enabled'] = true` in gitlab.rb, `storage.delete.enabled`), "
    "and make sure that it is not read-only or in maintenance."
)
_LIFT: Final = (
    "A rule for protected or immutable tags covers it (Settings, Packages and registries, Container registry): change the rule, "
    "or use a login whose role it lets delete. Everything else was handled."
)
_NOT_DONE: Final = frozenset({400, 404, 405, 415, 501})
_ANSWERS: Final = DELETED | _NOT_DONE | {401, 403}


class Route(Enum):
    """How a registry removes one tag."""

    MANIFEST = "manifests"
    REFERENCE = "tags/reference"
    STUB = "stub"


def deletion_scopes(repository: Repository) -> tuple[str, ...]:
    """What a token for a deletion is asked for.

    Without push, which nobody needs for it: GitLab makes a repository of every path that somebody may push to, and refuses the
    whole token where a rule protects the path from pushes (container_registry_authentication_service.rb, seen 2026-11).
    """
    return (f"repository:{repository.path}:pull,delete",)


def everything_scopes(repository: Repository) -> tuple[str, ...]:
    """What a token for a deletion has to be asked for before GitLab 12.x, which knows no `delete`.

    Job tokens are never granted `*`, and it counts as push where a rule protects the path from pushes: hence not at once.
    """
    return (f"repository:{repository.path}:pull,delete,*",)


class Deletion:
    """Thread-safe."""

    def __init__(self, client: Distribution, session: Session, login: Login, *, allow_stub: bool) -> None:
        self._client = client
        self._login = login
        self._allow_stub = allow_stub
        self._stub = StubWay(client, session, ENABLE)
        self._lock = threading.Lock()
        self._route: Route | None = None
        self._wants_everything = False
        self._ruled: set[Repository] = set()  # whose project has rules for tags
        self._denied: set[Repository] = set()  # where neither scope brought the right to delete
        self._forbidden: dict[Repository, bool] = {}  # whether 403 is the answer to any deletion

    def untag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Raises NotFound; ItemRefused where a rule keeps it; Unsupported with nothing changed."""
        if self._route is None:
            with self._lock:  # one thread finds out, the others then know
                if self._route is None:
                    self._route = self._first_untag(repository, tag)
                    return
        if not self._untag_by(self._route, repository, tag):
            raise Unsupported(f"{repository}:{tag}: {repository.registry} no longer removes single tags, the tag stays")

    def cannot_untag(self, repository: Repository) -> str:
        """Why single tags cannot be removed, as far as it is known by now."""
        if self._route is Route.STUB and not self._allow_stub:
            return f"{repository.registry} removes no single tags, and the way around it is forbidden (--no-stub)"
        return ""

    def remove(self, repository: Repository, digest: Digest, tags: Iterable[Tag], points_at: Callable[[Tag], Digest]) -> None:
        """Delete a manifest; `tags` are those that were seen on it, `points_at` says what a tag points at right now.

        Where the project has rules for tags, GitLab refuses to delete any manifest by its digest (handlers/manifests.go, seen
        2026-11): then its tags go one by one, and the manifest with GitLab's own garbage collection.
        """
        if repository in self._ruled:
            self._remove_by_tags(repository, digest, tags, points_at)
            return
        answer = self._ask(repository, f"manifests/{digest}")
        if answer.status in DELETED:
            return
        if _by_rule(answer):
            self._ruled.add(repository)
            self._remove_by_tags(repository, digest, tags, points_at)
        elif answer.status == 404 and answer.uncertain:
            self._remove_left(repository, tags, points_at)
        elif answer.status == 403:
            raise ItemRefused(_refusal(answer).message, remedy=_LIFT)
        else:
            raise _refusal(answer)

    def _remove_by_tags(
        self, repository: Repository, digest: Digest, tags: Iterable[Tag], points_at: Callable[[Tag], Digest]
    ) -> None:
        names = sorted(tags)
        if not names:
            raise ItemRefused(
                f"{repository}@{digest} stays: GitLab deletes no manifest on request where the project has rules for tags",
                remedy="GitLab's garbage collection takes it by itself once nothing leads to it.",
            )
        gone: list[str] = []
        try:
            for tag in names:
                if _points(points_at, tag) == digest:
                    self.untag(repository, tag)
                    gone.append(tag.text)
        except ItemRefused as error:
            before = f"; removed before it: {', '.join(gone)}" if gone else ""
            raise ItemRefused(error.message + before, remedy=error.remedy) from None
        if not gone:
            raise NotFound(f"none of its tags points at {repository}@{digest} any more")

    def _remove_left(self, repository: Repository, tags: Iterable[Tag], points_at: Callable[[Tag], Digest]) -> None:
        """After an attempt that may have stopped half-way: tags that are left over the manifest that is gone."""
        for tag in sorted(tags):
            if _points(points_at, tag) is None:
                with suppress(NotFound):
                    self.untag(repository, tag)

    # One tag

    def _first_untag(self, repository: Repository, tag: Tag) -> Route:
        for route in (Route.MANIFEST, Route.REFERENCE):
            if self._untag_by(route, repository, tag):
                return route
        self._untag_by(Route.STUB, repository, tag)
        return Route.STUB

    def _untag_by(self, route: Route, repository: Repository, tag: Tag) -> bool:
        """Whether the tag is gone now; False where the registry does not know this route."""
        if route is Route.STUB:
            if not self._allow_stub:
                raise Unsupported(
                    f"{repository.registry} removes no single tags, {repository}:{tag} stays",
                    remedy="Leave --no-stub away, or delete all tags of the image together.",
                )
            self._stub.remove(repository, tag)
            return True
        answer = self._ask(repository, f"{route.value}/{tag}")
        if answer.status in DELETED or (answer.status == 404 and answer.uncertain):
            return True
        if _by_rule(answer) or answer.status == 403:
            raise ItemRefused(f"{_refusal(answer).message}; {repository}:{tag} stays", remedy=_LIFT)
        if answer.status == 404:
            self._client.head(repository, tag)  # raises NotFound when it is the tag, and not the route, that is not known
        return False

    # Asking

    def _ask(self, repository: Repository, rest: str) -> Answer:
        """DELETE with a token for it. Raises Denied where this login may not delete here at all.

        That is when the token service left the right out of the token, and when what stands before the registry answers 403
        whatever is to go.
        """
        url = f"{self._client.access.base}/v2/{repository.path}/{rest}"
        scopes = everything_scopes if self._wants_everything else deletion_scopes
        answer = self._client.call("DELETE", url, scopes(repository), ok=_ANSWERS)
        if _lacks_right(answer) and not self._wants_everything and repository not in self._denied:
            answer = self._client.call("DELETE", url, everything_scopes(repository), ok=_ANSWERS)
            self._wants_everything = not _lacks_right(answer)
        if _lacks_right(answer):
            self._denied.add(repository)
            error = self._client.access.refused("DELETE", answer, deletion_scopes(repository))
            raise self._advised(error) if isinstance(error, Denied) else error
        if answer.status == 403 and not self._may_delete(repository):
            raise self._advised(_refusal(answer))
        return answer

    def _advised(self, error: RegistryError) -> Denied:
        return Denied(f"{error.message} (it is the {self._login.kind})", remedy=self._login.advice())

    def _may_delete(self, repository: Repository) -> bool:
        """Whether a 403 was about that item alone: what nothing has may be deleted, so to speak. Asked once, changes nothing."""
        if repository not in self._forbidden:
            url = f"{self._client.access.base}/v2/{repository.path}/manifests/{Digest.of(os.urandom(32))}"
            answer = self._client.call("DELETE", url, deletion_scopes(repository), ok=_ANSWERS)
            self._forbidden[repository] = answer.status in {401, 403}
        return not self._forbidden[repository]


def _by_rule(answer: Answer) -> bool:
    """Whether the refusal comes from the project's rules for tags.

    A right that is missing in the token is a 401 with the code UNAUTHORIZED, always. Rules answer 401 too, with codes of their
    own (handlers/manifests.go and its api_integration_test.go, seen 2026-11).
    """
    codes = outcome.codes(answer)
    return answer.status == 401 and bool(codes) and "UNAUTHORIZED" not in codes


def _lacks_right(answer: Answer) -> bool:
    return answer.status == 401 and not _by_rule(answer)


def _refusal(answer: Answer) -> RegistryError:
    error = outcome.refusal("DELETE", answer, remedy=ENABLE)
    return error if isinstance(error, NotFound | Unsupported | Denied) else Unsupported(error.message, remedy=ENABLE)


def _points(points_at: Callable[[Tag], Digest], tag: Tag) -> Digest | None:
    try:
        return points_at(tag)
    except NotFound:
        return None
