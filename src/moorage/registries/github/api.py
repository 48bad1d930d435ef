"""GitHub's REST API: who is asking, whose packages they are, pages, and what its refusals mean."""

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from moorage.auth.secret import Secret
from moorage.errors import Denied, NotFound, RegistryError, Unauthorized
from moorage.oci.reference import Registry
from moorage.registries.distribution.threads import in_threads
from moorage.registries.github import payloads
from moorage.registries.github.endpoints import LIMIT, Endpoints
from moorage.transport import outcome, pages, redact
from moorage.transport.session import SUCCESS, Answer, Session

T = TypeVar("T")

PAGE: Final = 100  # the most that GitHub gives at once
READ: Final = "read:packages"
WRITE: Final = "write:packages"
DELETE: Final = "delete:packages"
_HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_IMPLIED: Final = {READ: frozenset({READ, WRITE})}
_LAST: Final = re.compile(r"<([^>]*)>\s*;\s*rel=\"last\"", re.ASCII)
_SSO_URL: Final = re.compile(r"\burl=(\S+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What is sent to the API, and where it was found."""

    secret: Secret
    source: str


class GithubApi:
    """Thread-safe. Nothing is looked up before the first call: to publish, no API is needed.

    `locate` gives the addresses and raises ConfigurationError where they are not known; `find_token` may give None for anonymous.
    """

    def __init__(
        self,
        registry: Registry,
        session: Session,
        locate: Callable[[], Endpoints],
        find_token: Callable[[], Token | None],
        *,
        option: str,
        parallel: int,
    ) -> None:
        self._registry = registry
        self._session = session
        self._locate = locate
        self._find_token = find_token
        self._option = option
        self._parallel = parallel
        self._lock = threading.RLock()
        self._endpoints: Endpoints | None = None
        self._token: Token | None = None
        self._asked = False
        self._scopes: frozenset[str] | None = None  # of the last answer that told any
        self._owners: dict[str, str] = {}

    @property
    def endpoints(self) -> Endpoints:
        with self._lock:
            if self._endpoints is None:
                self._endpoints = self._locate()
                if self._endpoints.limited:
                    self._session.declare(self._endpoints.authority, LIMIT)
            return self._endpoints

    @property
    def token(self) -> Token | None:
        with self._lock:
            if not self._asked:
                self._token, self._asked = self._find_token(), True
            return self._token

    def call(
        self,
        method: str,
        path: str,
        *,
        needs: str,
        params: Mapping[str, str] | None = None,
        ok: Collection[int] = SUCCESS,
        idempotent: bool | None = None,
    ) -> Answer:
        """One call. `needs` is the scope that it takes, for the advice of a refusal.

        Raises Unauthorized and Denied with what to do, and what the session raises.
        """
        return self.send(method, self.endpoints.rest + path, needs=needs, params=params, ok=ok, idempotent=idempotent)

    def send(
        self,
        method: str,
        url: str,
        *,
        needs: str,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ok: Collection[int] = SUCCESS,
        idempotent: bool | None = None,
    ) -> Answer:
        """As `call`, to either of the APIs."""
        headers = {**_HEADERS, **({"Content-Type": "application/json"} if body is not None else {})}
        answer = self._session.request(
            method, url, headers=headers, params=params, body=body, ok={*ok, 401, 403},
            auth=_Signer(self.token), idempotent=idempotent,
        )  # fmt: skip
        self._learn(answer)
        if answer.status == 401:
            raise self._unauthorized(method, answer)
        if answer.status == 403:
            raise Denied(outcome.refusal(method, answer).message, remedy=self.advice(needs, answer))
        return answer

    def listed(self, path: str, params: Mapping[str, str], read: Callable[[Answer], list[T]], *, needs: str = READ) -> list[T]:
        """The items of all pages: the first alone, then those up to its `rel=last` side by side, then what is left."""

        def page(number: int) -> Answer:
            query = {**params, "per_page": str(PAGE), **({"page": str(number)} if number > 1 else {})}
            return self.call("GET", path, needs=needs, params=query)

        answers = [page(1)]
        if pages.next_link(answers[0]) is None:
            return read(answers[0])
        answers += in_threads(page, range(2, _last_page(answers[0]) + 1), self._parallel)
        found = [item for answer in answers for item in read(answer)]
        following = pages.next_link(answers[-1])
        return [*found, *self._walk(following, read, needs)] if following else found

    def walked(self, path: str, read: Callable[[Answer], list[T]], *, needs: str = READ) -> Iterator[T]:
        """The items page by page, no further than they are asked for."""
        yield from self._walk(f"{self.endpoints.rest}{path}?per_page={PAGE}", read, needs)

    def packages_of(self, owner: str) -> str:
        """`/orgs/OWNER/packages`, `/user/packages` for the token's own account, or `/users/OWNER/packages`.

        The way by `/users` is only documented for public packages, and works for others with a job's GITHUB_TOKEN; `/user`
        works for all, and only for the account itself (docs of 2026-11; dataaxiom/ghcr-cleanup-action#28).
        Raises NotFound for an account that is not there.
        """
        with self._lock:
            if owner not in self._owners:
                self._owners[owner] = self._route(owner)
            return f"{self._owners[owner]}/packages"

    def scopes(self) -> frozenset[str] | None:
        """The scopes of a classic token; None for tokens of other kinds, which have none. Asked without cost to any limit."""
        with self._lock:
            if self._scopes is None:
                self.call("GET", "/rate_limit", needs=READ, ok={*SUCCESS, 404})  # 404 where a GHES limits nothing
            return self._scopes

    def lacks(self, scope: str) -> bool:
        """Whether the token is known not to have a scope."""
        scopes = self.scopes()
        return scopes is not None and not _IMPLIED.get(scope, frozenset({scope})) & scopes

    def advice(self, needs: str, answer: Answer | None = None) -> str:
        """What to grant to whom, by what is known of the token's kind: only classic ones have scopes, and answers name them."""
        sso = _SSO_URL.search(answer.headers.get("x-github-sso", "")) if answer else None
        if sso:
            return f"Authorize the token for the organization's single sign-on: {redact.url(sso[1])}"
        scopes = self._scopes
        role = "Read" if needs == READ else "Write" if needs == WRITE else "Admin"
        if scopes is None:
            permission = "read" if needs == READ else "write"
            return (
                f"A personal access token (classic) needs the scope {needs}. In a job of GitHub Actions, GITHUB_TOKEN needs "
                f"`permissions: packages: {permission}`, and its repository the role {role} under Manage Actions access in the "
                "settings of the package. Fine-grained tokens do not work with GitHub Packages."
            )
        if not _IMPLIED.get(needs, frozenset({needs})) & scopes:
            has = f"it has {', '.join(sorted(scopes))}" if scopes else "it has none"
            return f"Give the personal access token the scope {needs}; {has}."
        return (
            f"The token has the scope {needs}; its account also needs the role {role} for this package, "
            "under Manage access in the settings of the package."
        )

    def _route(self, owner: str) -> str:
        place = f"{self.endpoints.rest}: the account {owner}"
        try:
            found = self.call("GET", f"/users/{quote(owner, safe='')}", needs=READ)
        except NotFound as error:
            raise NotFound(f"GitHub knows no account {owner}: {error.message}") from None
        if payloads.is_organization(found.json(), place):
            return f"/orgs/{owner}"
        return "/user" if self._is_own(owner) else f"/users/{owner}"

    def _is_own(self, owner: str) -> bool:
        """Whether the token is of this account; tokens of jobs and apps are of none, and are told so with 403."""
        try:
            answer = self.call("GET", "/user", needs=READ)
        except (Denied, Unauthorized):
            return False
        return payloads.login(answer.json(), "GitHub's answer about the token's account") == owner

    def _walk(self, url: str, read: Callable[[Answer], list[T]], needs: str) -> Iterator[T]:
        def step(address: str) -> tuple[list[T], str | None]:
            answer = self.send("GET", address, needs=needs)
            return read(answer), pages.next_link(answer)

        yield from pages.walk(url, step)

    def _learn(self, answer: Answer) -> None:
        told = answer.headers.get("x-oauth-scopes")
        if told is not None:
            with self._lock:
                self._scopes = frozenset(scope.strip() for scope in told.split(",") if scope.strip())

    def _unauthorized(self, method: str, answer: Answer) -> RegistryError:
        said = outcome.refusal(method, answer).message
        if self.token is None:
            return Unauthorized(
                f"{said}; no token for {self._registry} was found",
                remedy=f"Give --{self._option}, or log in with docker: a personal access token (classic), "
                "or GITHUB_TOKEN in a job of GitHub Actions.",
            )
        return Unauthorized(
            f"{said}; the token from {self.token.source} is refused",
            remedy="Check that it is of this GitHub and has not expired; GITHUB_TOKEN ends with its job.",
        )


class _Signer:
    """The token on every request."""

    def __init__(self, token: Token | None) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token.secret.reveal()}"} if self._token else {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return False


def _last_page(first: Answer) -> int:
    """The number of the last page by `rel="last"`; 1 where it is not said."""
    found = _LAST.search(first.headers.get("link", ""))
    number = parse_qs(urlsplit(found[1]).query).get("page", [""])[0] if found else ""
    return min(int(number), pages.MOST_PAGES) if number.isascii() and number.isdigit() else 1
