"""Docker Hub's own API: the bearer token of a login, pages, and what refusals mean."""

import json
import math
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import parse_qs, urljoin, urlsplit

from moorage.auth.credential import Basic, Bearer
from moorage.auth.origin import Origin
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, Denied, RegistryError, Unauthorized
from moorage.oci.reference import Repository
from moorage.registries.distribution.threads import in_threads
from moorage.registries.dockerhub import payloads
from moorage.registries.dockerhub.login import Login
from moorage.transport import outcome, pages, redact
from moorage.transport.retry import SERVER_TROUBLE
from moorage.transport.session import SUCCESS, Answer, Session

T = TypeVar("T")

PAGE: Final = 100  # the most that Docker Hub gives at once (its API description, seen 2026-11)
_LIFE: Final = 9 * 60.0  # seconds; a token lives ten minutes by the API description (seen 2026-11)
RIGHT_TO_DELETE: Final = (
    "To delete, use an access token with the permission Read, Write, Delete, of the repository's owner or one of its admins."
)
_RIGHT_TO_READ: Final = "Use an access token with the permission Read, of the repository's owner or one of its collaborators."
# A 500 that wraps the refusal of a registry behind (docker/hub-feedback#2398, 2024-07).
_WRAPPED: Final = re.compile(rb"status=40[13]\b")


class HubTokens:
    """The API's bearer token: exchanged on first use, before it gets too old, and when the API does not take it any more.

    Thread-safe; however many threads want one, it is asked for once.
    """

    def __init__(self, session: Session, url: str, login: Login, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._url = url
        self._login = login
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._until = 0.0

    def token(self) -> Secret | None:
        """None for a visitor. Raises Unauthorized for a login that is refused, ConfigurationError for one of another kind."""
        with self._lock:
            credential = self._login.for_api()
            if not isinstance(credential, Basic):
                return credential.token if credential else None
            if self._token is None or self._until <= self._monotonic():
                started = self._monotonic()
                self._token, self._until = self._exchanged(credential), started + _LIFE
            return self._token

    def drop(self, token: Secret) -> bool:
        """Forget a token that was refused; one that another thread has fetched since then stays. False where none can be had."""
        with self._lock:
            if isinstance(self._login.for_api(), Bearer):
                return False
            if self._token == token:
                self._token = None
            return True

    def _exchanged(self, credential: Basic) -> Secret:
        """Password, personal and organization access token alike; for the last, the name is the organization's."""
        body = json.dumps({"identifier": credential.username, "secret": credential.password.reveal()}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            answer = self._session.request("POST", f"{self._url}/v2/auth/token", headers=headers, body=body, idempotent=True)
        except (Unauthorized, Denied) as error:
            raise Unauthorized(
                f"{error.message}; the login from {credential.source} is refused",
                remedy="Check the name and the token. With two-factor login or single sign-on Docker Hub wants an access token "
                "in place of the password; that of an organization goes with the organization's name.",
            ) from None
        return payloads.access_token(answer.json(), redact.url(answer.url))


class HubApi:
    """Thread-safe."""

    def __init__(self, session: Session, url: str, login: Login, *, parallel: int) -> None:
        self._session = session
        self._url = url
        self._login = login
        self._parallel = parallel
        self.tokens = HubTokens(session, url, login)

    @staticmethod
    def named(repository: Repository) -> str:
        """`NAMESPACE/repositories/NAME`. Raises ConfigurationError for a path of other than two segments."""
        namespace, _, name = repository.path.partition("/")
        if not name or "/" in name:
            raise ConfigurationError(f"{repository} is no repository of Docker Hub, which holds exactly ACCOUNT/REPOSITORY")
        return f"/v2/namespaces/{namespace}/repositories/{name}"

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        ok: Collection[int] = SUCCESS,
        retry_on: Collection[int] = SERVER_TROUBLE,
    ) -> Answer:
        """One call. Raises Unauthorized and Denied with what to do, and what the session raises."""
        answer = self._session.request(
            method, self._url + path, params=params, ok={*ok, 401, 403}, retry_on=retry_on, auth=_Signer(self.tokens)
        )
        if answer.status in {401, 403} and answer.status not in ok:
            raise self.refused(method, answer)
        return answer

    def listed(self, path: str, read: Callable[[Answer], payloads.Page[T]]) -> list[T]:
        """The items of all pages: the first alone, then those that its `count` promises side by side, then what is left.

        Pages are asked for by number. `next` only says that there is more, and must do so for the host that was asked.
        """

        def page(number: int) -> tuple[payloads.Page[T], bool]:
            answer = self.call("GET", path, params={"page": str(number), "page_size": str(PAGE)})
            found = read(answer)
            return found, _continues(answer, found.following, number + 1)

        first, more = page(1)
        found = list(first.items)
        last = min(math.ceil(first.count / len(found)), pages.MOST_PAGES) if more and found else 1
        side = in_threads(page, range(2, last + 1), self._parallel)
        for one, more in side:
            found += one.items
            if not more:  # fewer than promised, since something was deleted meanwhile
                return found

        def step(number: int) -> tuple[Sequence[T], int | None]:
            one, more = page(number)
            return one.items, number + 1 if more else None

        return [*found, *pages.walk(last + 1, step)] if more else found

    def refused(self, method: str, answer: Answer) -> RegistryError:
        """The error for a 401, a 403, or a 500 that wraps one."""
        said = outcome.refusal(method, answer).message
        credential = self._login.for_api()
        prefix = self._login.prefix
        if credential is None:
            return Unauthorized(
                f"{said}; no login for Docker Hub was found",
                remedy=f"Give {prefix}-username and {prefix}-token, or log in with docker.",
            )
        if answer.status == 401:
            return Unauthorized(
                f"{said}; the token from {credential.source} is refused",
                remedy=f"A token that is given alone is a bearer token of the API and lives ten minutes; "
                f"for an access token, give {prefix}-username too.",
            )
        return Denied(
            f"{said}; the login from {credential.source} may not do that",
            remedy=RIGHT_TO_DELETE if method == "DELETE" else _RIGHT_TO_READ,
        )


def wraps_refusal(answer: Answer) -> bool:
    """Whether a 500 says that the registry behind the API answered 401 or 403."""
    return answer.status == 500 and _WRAPPED.search(answer.body) is not None


def _continues(answer: Answer, following: str | None, number: int) -> bool:
    """Whether there is another page. Raises Contradiction where that is said to be elsewhere, or to be another than the next."""
    if following is None:
        return False
    try:
        url = urljoin(answer.url, following)
        same = Origin.of(url) == Origin.of(answer.url)
    except ValueError:
        url, same = following, False
    if not same:
        raise Contradiction(f"{redact.url(answer.url)} names a next page on another host: {redact.url(url)}")
    if parse_qs(urlsplit(url).query).get("page") != [str(number)]:
        raise Contradiction(f"{redact.url(answer.url)} names a next page that is not number {number}: {redact.url(url)}")
    return True


class _Signer:
    """One request's signature; a token that was refused is exchanged anew once."""

    def __init__(self, tokens: HubTokens) -> None:
        self._tokens = tokens
        self._sent: Secret | None = None

    def headers(self) -> Mapping[str, str]:
        self._sent = self._tokens.token()
        return {"Authorization": f"Bearer {self._sent.reveal()}"} if self._sent else {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return self._sent is not None and self._tokens.drop(self._sent)
