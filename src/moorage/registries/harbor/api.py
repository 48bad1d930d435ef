"""Harbor's own API: who is asking, how a repository stands in a path, pages, and what its refusals mean."""

import math
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar
from urllib.parse import quote

from moorage.auth.credential import Basic, Credential, Keychain
from moorage.errors import ConfigurationError, Denied, Unauthorized
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution import Access
from moorage.registries.distribution.threads import in_threads
from moorage.registries.distribution.tokens import basic_header
from moorage.transport import outcome, pages
from moorage.transport.session import SUCCESS, Answer, Session

T = TypeVar("T")

PAGE: Final = 100  # the most that Harbor gives at once (swagger: maximum)
ROOT: Final = "/api/v2.0"
_READ_ONLY: Final = (
    "An administrator has put Harbor into read-only mode; run again when that is over (Configuration, System Settings)."
)


class HarborApi:
    """Thread-safe. `access` finds out whether the registry speaks https; `url` is another address of the API, if it has one."""

    def __init__(
        self, registry: Registry, session: Session, keychain: Keychain, access: Access, *, url: str, parallel: int
    ) -> None:
        self._registry = registry
        self._session = session
        self._keychain = keychain
        self._access = access
        self._url = url if not url or url.endswith(ROOT) else url + ROOT
        self._parallel = parallel
        self._lock = threading.Lock()
        self._asked = False
        self._credential: Credential | None = None

    @property
    def credential(self) -> Basic | None:
        """Who is asking. Raises ConfigurationError for credentials of a kind that Harbor's API does not take."""
        with self._lock:
            if not self._asked:
                self._credential, self._asked = self._keychain.credential(self._registry), True
        if self._credential is None or isinstance(self._credential, Basic):
            return self._credential
        raise ConfigurationError(
            f"{self._registry}: Harbor's API takes a user or robot and its password; {self._credential.source} holds a token",
            remedy="Give --images-repo-harbor-username and --images-repo-harbor-password, best of a robot account.",
        )

    def repository_path(self, repository: Repository) -> str:
        """`/projects/PROJECT/repositories/NAME`; a NAME with slashes is encoded twice, as Harbor's router wants it.

        Raises ConfigurationError for a path without a project.
        """
        project, _, name = repository.path.partition("/")
        if not name:
            raise ConfigurationError(
                f"{repository} is no repository of Harbor, where each lies in a project",
                remedy="Write HOST/PROJECT/NAME; a project is made in Harbor before the first push.",
            )
        return f"/projects/{project}/repositories/{quote(quote(name, safe=''), safe='')}"

    def artifact_path(self, repository: Repository, reference: Tag | Digest) -> str:
        return f"{self.repository_path(repository)}/artifacts/{reference}"

    def call(
        self,
        method: str,
        path: str,
        *,
        right: str,
        params: Mapping[str, str] | None = None,
        ok: Collection[int] = SUCCESS,
    ) -> Answer:
        """One call. `right` is what Harbor calls the permission it needs, `RESOURCE:ACTION`, for the advice of a refusal.

        Raises Unauthorized and Denied with what to do, and what the session raises: ItemRefused for 412 (immutable, or part of
        an index) among others.
        """
        answer = self._session.request(
            method, self._base + path, params=params, ok={*ok, 401, 403}, auth=_Signer(self.credential)
        )
        if answer.status == 401:
            raise self._unauthorized(method, answer)
        if answer.status == 403:
            raise self._denied(method, answer, right)
        return answer

    def listed(self, path: str, params: Mapping[str, str], right: str, read: Callable[[Answer], list[T]]) -> list[T]:
        """The items of all pages: the first alone, then those that its X-Total-Count promises side by side, then what is left.

        A page may hold fewer items than were asked for, since what Harbor hides is taken out after counting; only a missing
        `rel=next` says that it was the last (source of 2.5, seen 2026-11).
        """

        def page(number: int) -> Answer:
            query = {**params, "page": str(number), "page_size": str(PAGE)}
            return self.call("GET", path, right=right, params=query)

        answers = [page(1)]
        if pages.next_link(answers[0]) is not None:
            answers += in_threads(page, range(2, self._last_page(answers[0], len(read(answers[0]))) + 1), self._parallel)
        found = [item for answer in answers for item in read(answer)]
        if pages.next_link(answers[-1]) is None:
            return found

        def step(number: int) -> tuple[list[T], int | None]:
            answer = page(number)
            return read(answer), number + 1 if pages.next_link(answer) is not None else None

        return [*found, *pages.walk(len(answers) + 1, step)]

    @property
    def _base(self) -> str:
        return self._url or self._access.base + ROOT

    def _last_page(self, first: Answer, size: int) -> int:
        total = first.headers.get("x-total-count", "")
        if not total.isascii() or not total.isdigit() or not size:
            return 1
        return min(math.ceil(int(total) / size), pages.MOST_PAGES)

    def _unauthorized(self, method: str, answer: Answer) -> Unauthorized:
        said = outcome.refusal(method, answer).message
        if self.credential is None:
            return Unauthorized(
                f"{said}; no credentials for {self._registry} were found",
                remedy="Give --images-repo-harbor-username and --images-repo-harbor-password, or log in with docker.",
            )
        return Unauthorized(
            f"{said}; the credentials from {self.credential.source} are refused",
            remedy="Check the name (robots are called robot$PROJECT+NAME), and whether the secret has expired.",
        )

    def _denied(self, method: str, answer: Answer, right: str) -> Denied:
        """Harbor's code tells a missing right (FORBIDDEN) from read-only mode (DENIED; source of 2.x, seen 2026-11)."""
        said = outcome.refusal(method, answer).message
        if "DENIED" in outcome.codes(answer):
            return Denied(said, remedy=_READ_ONLY)
        who = f"the account of the credentials from {self.credential.source}" if self.credential else "anonymous users"
        return Denied(
            said, remedy=f"Grant {right} in this project to {who}: a robot permission, or the role Maintainer for users."
        )


class _Signer:
    """Basic on every request. No session and no cookie, so Harbor asks for no CSRF token."""

    def __init__(self, credential: Basic | None) -> None:
        self._credential = credential

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": basic_header(self._credential)} if self._credential else {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return False
