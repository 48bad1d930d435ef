"""Nexus's REST API: who is asking, searches page by page, and what its refusals mean."""

import threading
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote

from moorage.auth.credential import Basic, Credential, Keychain
from moorage.errors import ConfigurationError, Denied, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.reference import Registry
from moorage.registries.distribution import Access
from moorage.registries.distribution.tokens import basic_header
from moorage.registries.nexus import payloads
from moorage.registries.nexus.payloads import Component, Kind
from moorage.registries.nexus.place import REST, Place, Places
from moorage.transport import outcome, pages
from moorage.transport.session import SUCCESS, Answer, Session

_WHERE: Final = "Give --nexus-api-url: the address of Nexus itself, generally on another port than its docker connectors."


def privilege(place: Place, *actions: str) -> str:
    """What Nexus calls the right to do this in a repository (help.sonatype.com, "Privileges", seen 2026-11)."""
    return " and ".join(f"nx-repository-view-docker-{place.repository}-{action}" for action in actions)


class NexusApi:
    """Thread-safe. `access` finds out whether the registry's own host speaks https, where no other address is given."""

    def __init__(self, registry: Registry, session: Session, keychain: Keychain, access: Access, places: Places) -> None:
        self._registry = registry
        self._session = session
        self._keychain = keychain
        self._access = access
        self._places = places
        self._lock = threading.Lock()
        self._asked = False
        self._credential: Credential | None = None
        self._kinds: dict[str, Kind | None] = {}

    @property
    def credential(self) -> Basic | None:
        """Who is asking. Raises ConfigurationError for credentials of a kind that Nexus does not take."""
        with self._lock:
            if not self._asked:
                self._credential, self._asked = self._keychain.credential(self._registry), True
        if self._credential is None or isinstance(self._credential, Basic):
            return self._credential
        raise ConfigurationError(
            f"{self._registry}: Nexus takes a user and password, or both codes of a user token; "
            f"{self._credential.source} holds a token of another kind",
            remedy="Give --images-repo-nexus-username and --images-repo-nexus-password.",
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        needs: str = "",
        params: Mapping[str, str] | None = None,
        ok: Collection[int] = SUCCESS,
    ) -> Answer:
        """One call below /service/rest/v1. `needs` are the privileges that it takes, for the advice of a refusal.

        Raises Unauthorized and Denied with what to do, and what the session raises.
        """
        url = f"{self._places.api_url or self._access.base}{REST}/v1{path}"
        answer = self._session.request(method, url, params=params, ok={*ok, 401, 403}, auth=_Signer(self.credential))
        if answer.status == 401 and 401 not in ok:
            raise self._unauthorized(method, answer)
        if answer.status == 403 and 403 not in ok:
            raise self.denied(outcome.refusal(method, answer).message, needs)
        return answer

    def search(self, place: Place, **criteria: str) -> list[Component]:
        """The manifests of the repository that fit, tagged and untagged, page by page: Nexus sets their size.

        Raises Unsupported where no Nexus answers.
        """
        said = f"{self._registry}: Nexus's search in {place.repository}"
        query = {"repository": place.repository, "format": "docker", "sort": "version", **criteria}

        def step(token: str) -> tuple[tuple[Component, ...], str | None]:
            params = {**query, "continuationToken": token} if token else query
            try:
                answer = self.call("GET", "/search", needs=privilege(place, "browse", "read"), params=params)
            except (NotFound, Unsupported) as error:
                raise Unsupported(f"no REST API of Nexus answers: {error.message}", remedy=_WHERE) from None
            found = payloads.page(answer.json(), said)
            return found.components, found.token

        return list(pages.walk("", step))

    def delete(self, place: Place, component: Component) -> bool:
        """Delete one component: one tag, or one untagged manifest. False where it is not there (any more)."""
        needs = privilege(place, "delete")
        answer = self.call("DELETE", f"/components/{quote(component.id, safe='')}", needs=needs, ok={204, 404})
        return answer.status == 204 or answer.uncertain  # gone by an attempt whose answer was lost

    def kind(self, place: Place) -> Kind | None:
        """What the repository is, None where this login must not know. Asked once.

        Raises Unsupported for one that is not there or holds something else than images.
        """
        with self._lock:
            if place.repository in self._kinds:
                return self._kinds[place.repository]
        answer = self.call("GET", f"/repositories/{quote(place.repository, safe='')}", ok={200, 401, 403, 404})
        if answer.status == 404:
            raise Unsupported(
                f"this Nexus has no repository {place.repository}",
                remedy="Correct --nexus-repository (or the first part of the path, where Nexus routes by path); " + _WHERE,
            )
        said = f"{self._registry}: Nexus's repository {place.repository}"
        found = payloads.kind(answer.json(), said) if answer.status == 200 else None
        if found is not None and found.format not in {"docker", "oci"}:
            raise Unsupported(f"the repository {place.repository} of this Nexus holds {found.format}, no images")
        with self._lock:
            return self._kinds.setdefault(place.repository, found)

    def members(self, place: Place) -> tuple[str, ...]:
        """The repositories that a group is made of, as far as this login may know."""
        try:
            return payloads.members(self.call("GET", f"/repositories/docker/group/{quote(place.repository, safe='')}").json())
        except RegistryError:
            return ()

    def denied(self, said: str, needs: str) -> Denied:
        """The error for a 403, with what to grant to whom."""
        who = f"the user of the credentials from {self.credential.source}" if self.credential else "the anonymous user"
        return Denied(said, remedy=f"Grant {needs or 'the privilege for this'} to a role of {who}.")

    def _unauthorized(self, method: str, answer: Answer) -> Unauthorized:
        said = outcome.refusal(method, answer).message
        if self.credential is None:
            return Unauthorized(
                f"{said}; no credentials for {self._registry} were found",
                remedy="Give --images-repo-nexus-username and --images-repo-nexus-password, or log in with docker.",
            )
        return Unauthorized(
            f"{said}; the credentials from {self.credential.source} are refused",
            remedy="Check user and password. Where Nexus demands user tokens, give the token's name code and pass code.",
        )


class _Signer:
    """Basic on every request. No session and no cookie, so Nexus asks for no CSRF token."""

    def __init__(self, credential: Basic | None) -> None:
        self._credential = credential

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": basic_header(self._credential)} if self._credential else {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- the protocol's signature
        return False
