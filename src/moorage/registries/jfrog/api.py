"""Artifactory's REST API: queries, listings, deletions, and what its refusals mean."""

import json
import threading
from collections.abc import Collection, Mapping
from typing import Final

from moorage.errors import Denied, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.reference import Digest, Registry, Tag
from moorage.registries.distribution import Access
from moorage.registries.jfrog import payloads
from moorage.registries.jfrog.login import Login, Signer
from moorage.registries.jfrog.payloads import IMAGE_FILE, INDEX_FILE, Folder, Kind
from moorage.registries.jfrog.place import CONTEXT, Place, Places
from moorage.transport import outcome, pages
from moorage.transport.session import SUCCESS, Answer, Session

AT_ONCE: Final = (
    3  # queries; Artifactory lets others wait, and answers 429 after ten seconds (jfrog.com/help, "AQL", seen 2026-11)
)
_PAGE: Final = 1000
_LOCAL: Final = "Name the local repository behind it with --jfrog-repository, at an address that leads to it."
_WHERE: Final = "Give --jfrog-api-url, the address of Artifactory such as https://acme.jfrog.io/artifactory."


def permission(place: Place, *actions: str) -> str:
    """What Artifactory calls the right to do this: actions of a permission target that covers the image."""
    return f"{' and '.join(actions)} on {place.key}/{place.image}/**"


class JFrogApi:
    """Thread-safe. `access` finds out whether the registry's own host speaks https, where no other address is given."""

    def __init__(self, registry: Registry, session: Session, login: Login, access: Access, places: Places) -> None:
        self._registry = registry
        self._session = session
        self._login = login
        self._access = access
        self._places = places
        self._queries = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._kinds: Mapping[str, Kind] | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        needs: str = "",
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ok: Collection[int] = SUCCESS,
    ) -> Answer:
        """One call below /artifactory. `needs` is the permission that it takes, for the advice of a refusal.

        Raises Unauthorized and Denied with what to do, and what the session raises. Queries are sent again like reads.
        """
        url = f"{self._places.api_url or self._access.base + CONTEXT}{path}"
        headers = {"Content-Type": "text/plain"} if body is not None else None
        signer = Signer(self._login.credential)
        answer = self._session.request(
            method, url, headers=headers, params=params, body=body, ok={*ok, 401, 403}, auth=signer, idempotent=True
        )
        if answer.status == 401:
            raise self._unauthorized(method, answer)
        if answer.status == 403:
            raise self.denied(outcome.refusal(method, answer).message, needs)
        return answer

    def manifests(self, place: Place, digest: Digest | None = None) -> list[Folder]:
        """The manifests of an image under all their names, or those with this digest, in one query.

        Raises Denied where this login must not query (anonymous users often), Unsupported where no Artifactory answers.
        """
        alternatives: list[list[object]] = [[{"name": IMAGE_FILE}, {"name": INDEX_FILE}]]
        if digest is not None:
            alternatives.append([{"sha256": digest.hex}, {"@docker.manifest.digest": str(digest)}])
        criteria = {
            "repo": place.key,
            "path": {"$match": f"{place.image}/*"},
            "$and": [{"$or": one} for one in alternatives],
        }
        # Users who are no administrators get an answer only with these first three fields.
        fields = ("repo", "path", "name", "created", "modified", "sha256", "property")
        query = f"items.find({json.dumps(criteria)}).include({', '.join(json.dumps(field) for field in fields)})"
        try:
            with self._queries:
                answer = self.call("POST", "/api/search/aql", needs=permission(place, "Read"), body=query.encode())
        except (NotFound, Unsupported) as error:
            raise Unsupported(f"no Artifactory answers: {error.message}", remedy=_WHERE) from None
        return payloads.folders(answer.json(), f"{self._registry}: a query for {place.image} in {place.key}", place.image)

    def tags(self, place: Place) -> list[Tag]:
        """The tags of an image. Folders of digests, which some versions list among them, are none. Raises NotFound."""
        listed = self._listed(f"/api/docker/{place.key}/v2/{place.image}/tags/list", "tags", permission(place, "Read"))
        return payloads.tags(listed, f"{self._registry}: the image {place.image} in {place.key}")

    def images(self, place: Place) -> list[str]:
        """The names of all images of the repository. Raises NotFound for a repository that is not there."""
        return self._listed(f"/api/docker/{place.key}/v2/_catalog", "repositories", f"Read on {place.key}/**")

    def kind(self, place: Place) -> Kind | None:
        """What the repository is, None where this login must not know. Asked once, for all.

        Raises Unsupported for one that is not there or holds something else than images.
        """
        kinds = self._all_kinds()
        if not kinds:
            return None
        found = kinds.get(place.key)
        if found is None:
            raise Unsupported(
                f"this Artifactory shows no repository {place.key}",
                remedy="Correct --jfrog-repository (or the first part of the path), or grant Read in it.",
            )
        if found.package_type not in {"docker", "oci"}:
            raise Unsupported(f"the repository {place.key} of this Artifactory holds {found.package_type}, no images")
        return found

    def obstacle(self, place: Place) -> str:
        """Why nothing can be deleted in this repository, empty where nothing speaks against it."""
        kind = self.kind(place)
        if kind is None or kind.type in {"LOCAL", "FEDERATED"}:
            return ""
        if kind.type == "VIRTUAL":
            return f"{place.key} is a virtual repository of Artifactory, which only shows others"
        return (
            f"{place.key} is a {kind.type.lower()} repository of Artifactory: what is deleted there comes back with the next pull"
        )

    def require_deletion(self, place: Place) -> None:
        """Raises Unsupported, with nothing changed, where nothing can be deleted."""
        why = self.obstacle(place)
        if why:
            raise Unsupported(why, remedy=_LOCAL)

    def delete(self, place: Place, name: Tag | Digest) -> bool:
        """Delete a folder with its manifest. False for 404, which Artifactory answers for missing rights as well."""
        needs = permission(place, "Delete/Overwrite")
        try:
            answer = self.call("DELETE", f"/{place.folder(str(name))}", needs=needs, ok={200, 204, 404})
        except Unsupported as error:
            raise Unsupported(error.message, remedy=_LOCAL) from None
        return answer.status != 404 or answer.uncertain  # gone by an attempt whose answer was lost

    def denied(self, said: str, needs: str) -> Denied:
        """The error for what is refused, with what to grant to whom."""
        source = self._login.source
        who = f"the account of the credentials from {source}" if source else "anonymous users"
        return Denied(said, remedy=f"Grant {needs or 'the permission for this'} to {who}.")

    def _all_kinds(self) -> Mapping[str, Kind]:
        with self._lock:
            if self._kinds is None:
                try:
                    answer = self.call("GET", "/api/repositories")
                    self._kinds = payloads.kinds(answer.json(), f"{self._registry}: Artifactory's list of repositories")
                except Denied:
                    self._kinds = {}
                except (NotFound, Unsupported) as error:
                    raise Unsupported(f"no Artifactory answers: {error.message}", remedy=_WHERE) from None
            return self._kinds

    def _listed(self, path: str, key: str, needs: str) -> list[str]:
        """All pages. `Link` says that there are more, and is not followed: behind a proxy, what Artifactory takes for its own
        address may be another one. It is asked for the names after the last instead.
        """
        said = f"{self._registry}: Artifactory's list of {key}"

        def step(last: str) -> tuple[list[str], str | None]:
            params = {"n": str(_PAGE), "last": last} if last else None
            answer = self.call("GET", path, needs=needs, params=params)
            names = payloads.names(answer.json(), key, said)
            return names, names[-1] if names and "next" in answer.headers.get("link", "") else None

        return list(pages.walk("", step))

    def _unauthorized(self, method: str, answer: Answer) -> RegistryError:
        said = outcome.refusal(method, answer).message
        source = self._login.source
        if not source:
            return Unauthorized(
                f"{said}; no credentials for {self._registry} were found",
                remedy="Give --images-repo-jfrog-token, or log in with docker.",
            )
        return Unauthorized(
            f"{said}; the credentials from {source} are refused",
            remedy="Check whether the token has expired or was revoked, and whether it is of this instance. API keys are gone.",
        )
