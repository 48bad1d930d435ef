"""Quay's own API, /api/v1: tags with their history, repositories, rights. It takes OAuth access tokens only."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from moorage.errors import Denied, Unauthorized, Unsupported
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Access
from moorage.registries.quay import payloads
from moorage.registries.quay.login import Login
from moorage.registries.quay.payloads import Rights, TagRecord
from moorage.transport import outcome, pages, retry
from moorage.transport.session import SUCCESS, Answer, Session

ROOT: Final = "/api/v1"
PAGE: Final = 100  # the most that Quay gives at once; more is cut to it (endpoints/api/tag.py, seen 2026-11)
READ: Final = "repo:read"
WRITE: Final = "repo:write"
ADMIN: Final = "repo:admin"
_OVERLOADED: Final = 503
_NOT_WRITABLE: Final = b"read only or mirror mode"


class QuayApi:
    """Thread-safe. `access` finds out whether the registry speaks https; `url` is another address of the API, if it has one."""

    def __init__(self, session: Session, access: Access, login: Login, url: str) -> None:
        self._session = session
        self._access = access
        self._login = login
        self._url = url if not url or url.endswith(ROOT) else url + ROOT

    def tags(self, repository: Repository) -> list[TagRecord]:
        """Every live tag, each once. Raises NotFound for a repository that is not there.

        A tag that moves while pages are read comes first anew, and again on a later page: the newest word counts.
        """
        place = f"{repository}: Quay's list of tags"

        def step(number: int) -> tuple[Sequence[TagRecord], int | None]:
            params = {"limit": str(PAGE), "page": str(number), "onlyActiveTags": "true"}
            page = payloads.tag_page(self._call("GET", f"{_path(repository)}/tag/", READ, params=params).json(), place)
            return page.tags, number + 1 if page.has_more else None

        found: dict[Tag, TagRecord] = {}
        for record in pages.walk(1, step):
            found.setdefault(record.name, record)
        return list(found.values())

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Raises NotFound, and ItemRefused for an immutable tag."""
        answer = self._call("DELETE", f"{_path(repository)}/tag/{tag}", WRITE, ok={*SUCCESS, 404})
        if answer.status == 404 and not answer.uncertain:  # else an earlier attempt did it, and its answer was lost
            raise outcome.refusal("DELETE", answer)

    def restore_tag(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """Let a tag point at a manifest again that Quay still has in its time machine. Raises NotFound where it has not."""
        body = json.dumps({"manifest_digest": str(digest)}).encode()
        self._call("POST", f"{_path(repository)}/tag/{tag}/restore", WRITE, body=body)

    def rights(self, repository: Repository) -> Rights:
        answer = self._call("GET", _path(repository), READ, params={"includeTags": "false"})
        return payloads.rights(answer.json(), f"{repository}: Quay's word on it")

    def repositories(self, namespace: str) -> list[str]:
        """The paths of all repositories of a namespace that this token may see."""
        place = f"{self._access.registry}: Quay's list of repositories"

        def step(token: str) -> tuple[Sequence[str], str | None]:
            params = {"namespace": namespace, **({"next_page": token} if token else {})}
            page = payloads.repository_page(self._call("GET", "/repository", READ, params=params).json(), place)
            return page.paths, page.following or None

        return list(pages.walk("", step))

    def delete_repository(self, repository: Repository) -> None:
        """Mark a repository for deletion with all it holds; Quay purges it in the background."""
        self._call("DELETE", _path(repository), ADMIN)

    def _call(
        self,
        method: str,
        path: str,
        scope: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ok: Collection[int] = SUCCESS,
    ) -> Answer:
        """One call. `scope` is what the token needs for it, for the advice of a refusal."""
        ok = {*ok, 401, 403}
        answer = self._send(method, path, params, body, {*ok, _OVERLOADED}, retry.SERVER_TROUBLE - {_OVERLOADED})
        if answer.status == _OVERLOADED:
            if _NOT_WRITABLE in answer.body:
                raise Unsupported(
                    outcome.refusal(method, answer).message,
                    remedy="The repository is a mirror or read-only: change its state in Quay's settings, or clean its source.",
                )
            answer = self._send(method, path, params, body, ok, retry.SERVER_TROUBLE)
        if answer.status == 401:
            raise self._unauthorized(method, answer)
        if answer.status == 403:
            raise self._denied(method, answer, scope)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        ok: Collection[int],
        retry_on: Collection[int],
    ) -> Answer:
        headers = {"X-Requested-With": "XMLHttpRequest"}  # some servers want it of everybody (BROWSER_API_CALLS_XHR_ONLY)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._session.request(
            method, self._base + path, headers=headers, params=params, body=body, ok=ok, auth=_Signer(self._login),
            idempotent=True, retry_on=retry_on,
        )  # fmt: skip

    @property
    def _base(self) -> str:
        return self._url or self._access.base + ROOT

    def _unauthorized(self, method: str, answer: Answer) -> Unauthorized:
        source = self._login.credential.source if self._login.credential else "nowhere"
        return Unauthorized(
            f"{outcome.refusal(method, answer).message}; the token from {source} is refused",
            remedy="Quay's API takes OAuth access tokens alone: make one under Organization, Applications, Generate Token. "
            f"The token of a robot belongs to docker's login, and then {self._login.option} is not needed.",
        )

    def _denied(self, method: str, answer: Answer, scope: str) -> Denied:
        said = outcome.refusal(method, answer)
        level = scope.removeprefix("repo:").title()
        return Denied(
            said.message,
            remedy=f"The token needs the scope {scope}, and whoever made it the permission {level} in this repository. "
            "Quay also answers so for repositories that are not there.",
        )


def _path(repository: Repository) -> str:
    return f"/repository/{repository.path}"


class _Signer:
    """An OAuth access token on every request; it lives as long as its application."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def headers(self) -> Mapping[str, str]:
        token = self._login.token
        return {"Authorization": f"Bearer {token.reveal()}"} if token else {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return False
