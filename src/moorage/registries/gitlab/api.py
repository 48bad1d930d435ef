"""GitLab's own API, REST and GraphQL: where it is, who is asking, which project a repository lies in, what refusals mean.

python-gitlab is not used here: it has sessions, retries and errors of its own, none of which know of a time budget, of one budget
of requests per host, or of secrets that must not be seen. It is the independent client of the tests.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from moorage.auth.origin import Origin
from moorage.auth.realm import check_realm
from moorage.errors import ConfigurationError, Denied, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.reference import Repository
from moorage.registries.distribution import Access
from moorage.registries.gitlab import API_URL, payloads
from moorage.registries.gitlab.login import Login
from moorage.registries.gitlab.payloads import Found
from moorage.registries.vendor import Connection
from moorage.transport import outcome, pages
from moorage.transport.session import SUCCESS, Answer, Budget, Session

ROOT: Final = "/api/v4"
REALM_PATH: Final = "/jwt/auth"
_PAGE: Final = 100  # the most that GitLab gives at once
# gitlab.com's documented limit for authenticated users, per user (docs, "GitLab.com settings", seen 2026-11).
_GITLAB_COM: Final = ("gitlab.com", Budget(per_minute=2000, burst=200))


class GitLabApi:
    """Thread-safe. `realms` are the hosts of token services that the registry may name, as for `Access`."""

    def __init__(self, connection: Connection, access: Access, login: Login, realms: frozenset[str]) -> None:
        self._session: Session = connection.session
        self._given = connection.options.get(API_URL) or ""
        self._prefix = connection.specific_prefix
        self._access = access
        self._login = login
        self._realms = realms
        self._projects: dict[str, list[Found]] = {}
        self._session.declare(*_GITLAB_COM)

    @property
    def login(self) -> Login:
        return self._login

    @property
    def url(self) -> str:
        """`https://GITLAB/api/v4`. Raises ConfigurationError where neither option nor registry says it, Denied as `Access` does.

        $CI_API_V4_URL is the GitLab of the job; a registry that names another one gets no tokens sent there.
        """
        learned = self._learned()
        given = self._given if not self._given or self._given.endswith(ROOT) else self._given + ROOT
        from_job = given and os.environ.get("CI_API_V4_URL", "").rstrip("/") == given
        if from_job and learned and Origin.of(learned) != Origin.of(given):
            return learned
        if not given and not learned:
            raise ConfigurationError(
                f"{self._access.registry} does not say which GitLab it belongs to", remedy="Give --gitlab-api-url."
            )
        return given or learned

    def call(self, method: str, path: str, *, params: Mapping[str, str] | None = None, ok: Collection[int] = SUCCESS) -> Answer:
        """One call of the REST API. Raises Unauthorized and Denied with what to do, and what the session raises."""
        signed = _Signer(self._login.api_headers)
        answer = self._session.request(method, self.url + path, params=params, ok={*ok, 401, 403}, auth=signed)
        return self._believed(method, answer, ok)

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The `data` of one query. Raises Unsupported where this login cannot ask, or GitLab objects to the query."""
        headers = self._login.graphql_headers()
        if not headers:
            raise Unsupported(f"GitLab's GraphQL API takes no {self._login.kind}")
        url = self.url.removesuffix(ROOT) + "/api/graphql"
        body = json.dumps({"query": query, "variables": variables}).encode()
        answer = self._session.request(
            "POST", url, headers={"Content-Type": "application/json"}, body=body, ok={200, 401, 403},
            auth=_Signer(lambda: headers), idempotent=True,
        )  # fmt: skip
        document = self._believed("POST", answer, {200}).json()
        if not isinstance(document, dict) or document.get("errors") or not isinstance(document.get("data"), dict):
            raise Unsupported(outcome.refusal("POST", answer).message)
        return document["data"]

    def located(self, repository: Repository) -> Found:
        """The repository as the API knows it. Raises NotFound where no project of this path has it, or it must not be seen."""
        for project in self._possible_projects(repository.path):
            try:
                found = [one for one in self._listed("projects", project) if one.path == repository.path]
            except NotFound:
                continue
            if found:
                return found[0]
        raise NotFound(f"{repository} is in no project that this login may see")

    def below(self, prefix: str) -> Sequence[Found]:
        """Every registry repository whose path is `prefix` or lies below: a project, a group, or a part of a project.

        Raises Unsupported without a prefix, NotFound where there is neither project nor group.
        """
        if not prefix:
            raise Unsupported(
                f"{self._access.registry}: GitLab lists the repositories of a group or project, not of all of it",
                remedy="Give an address with a group or project in it, such as HOST/GROUP.",
            )
        whole, *parents = self._possible_projects(prefix) or [""]
        places = [("projects", whole), ("groups", prefix), *(("projects", parent) for parent in parents)]
        missing: NotFound | None = None
        for kind, path in places:
            if not path:
                continue
            try:
                listed = self._listed(kind, path)
            except NotFound as error:
                missing = error
                continue
            return [one for one in listed if one.path == prefix or one.path.startswith(f"{prefix}/")]
        raise missing or NotFound(f"{prefix} is no group of {self._access.registry}")

    def delete(self, found: Found) -> None:
        """Schedule the deletion of a repository and all in it."""
        self.call("DELETE", f"/projects/{found.project}/registry/repositories/{found.id}", ok={202, 204})
        self._projects.clear()

    def status(self, found: Found) -> str:
        """How far a deletion is: `delete_scheduled`, `delete_ongoing`, `delete_failed`. Raises NotFound when it is gone."""
        answer = self.call("GET", f"/registry/repositories/{found.id}")
        return payloads.repository(answer.json(), f"{found.path}: GitLab's repository").status

    def _listed(self, kind: str, path: str) -> list[Found]:
        """The registry repositories of a project or group; asked once."""
        key = f"{kind}/{path}"
        if key not in self._projects:
            self._projects[key] = list(self._pages(f"/{kind}/{quote(path, safe='')}/registry/repositories"))
        return self._projects[key]

    def _pages(self, path: str) -> Iterator[Found]:
        """By page numbers: the `Link` of a GitLab behind a proxy names its external host, which may not be reachable."""

        def step(number: int) -> tuple[list[Found], int | None]:
            answer = self.call("GET", path, params={"page": str(number), "per_page": str(_PAGE)})
            following = answer.headers.get("x-next-page", "").strip()
            found = payloads.repositories(answer.json(), f"{path}: GitLab's list")
            return found, int(following) if following.isascii() and following.isdigit() else None

        return pages.walk(1, step)

    def _possible_projects(self, path: str) -> list[str]:
        """The paths that may be the project, the longest first; a project lies in a group or a user's namespace."""
        parts = path.split("/")
        return ["/".join(parts[:count]) for count in range(len(parts), 1, -1)]

    def _learned(self) -> str:
        """The API beside the token service that the registry names, which passwords may be sent to."""
        challenge = self._access.challenge
        realm = challenge["realm"] if challenge else ""
        if not urlsplit(realm).path.endswith(REALM_PATH):
            return ""
        wire = self._session.wire
        check_realm(
            realm, Origin.of(self._access.base), with_password=True,
            listed=self._realms, allowed=wire.allow_realms, plain=wire.insecure,
        )  # fmt: skip
        return realm.partition("?")[0].removesuffix(REALM_PATH) + ROOT

    def _believed(self, method: str, answer: Answer, ok: Collection[int]) -> Answer:
        if answer.status in ok:
            return answer
        error: RegistryError = outcome.refusal(method, answer)
        who = f"the {self._login.kind} from {self._login.source}"
        if isinstance(error, Unauthorized):
            raise Unauthorized(f"{error.message}; GitLab's API does not accept {who}", remedy=self._login.advice())
        if isinstance(error, Denied):
            raise Denied(f"{error.message}; this is more than {who} may do", remedy=self._login.advice())
        raise error


class _Signer:
    def __init__(self, headers: Callable[[], Mapping[str, str]]) -> None:
        self._headers = headers

    def headers(self) -> Mapping[str, str]:
        return self._headers()

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return False
