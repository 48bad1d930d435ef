"""GitLab and its registry, by their source and documents (gitlabhq/gitlabhq, gitlab-org/container-registry 4.x, seen 2026-11).

Two programs behind one door: GitLab answers /jwt/auth, /api/v4 and /api/graphql, the registry /v2 and /gitlab/v1. As it is made,
a simulator is gitlab.com; `database`, `own_api`, `tag_route` and `desk.knows_delete` make others of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL
from tests.simulators.gitlab_site import GitLabSite, config, referrers, spelled
from tests.simulators.gitlab_tokens import project_of
from tests.simulators.simulator import CHANGING, Call, V2Call, route

if TYPE_CHECKING:
    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Shelf

OWN_LIST = "/gitlab/v1/repositories/{name*}/tags/list/"


class GitLabSimulator(GitLabSite):
    """`own_api`: a proxy lets /gitlab/v1 through. `tag_route` is how single tags go: "manifests", "tags/reference", or "".

    `half_way` breaks the deletion of a manifest off before its tags, once: the server then answers 500.
    """

    half_way = False

    def __init__(self, upstream: str, clock: FakeClock | None = None, *, site: str = "") -> None:
        super().__init__(upstream, clock, site=site)
        self.own_api = True
        self.tag_route = "manifests"

    @route("GET", "/jwt/auth")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    @route("GET", "/gitlab/v1/")
    def own_root(self, call: Call) -> Reply:
        if not (self.database and self.own_api):
            return Reply(404)
        return Reply(200) if self.desk.account(call.request) else self.desk.challenge(call.request)

    @route("GET", OWN_LIST)
    def own_list(self, call: Call) -> Reply:
        if not self.own_api:
            return Reply(404, b"<html>not found</html>", {"content-type": "text/html"})
        if not self.desk.allows(call.request, call["name"], PULL):
            return self._insufficient(call.request, call["name"], PULL)
        if not self.database:
            return oci_error(404, "NOT_FOUND", "no metadata database")
        shelf = self.shelves.get(call["name"])
        if shelf is None:
            return oci_error(404, "NAME_UNKNOWN", "repository name not known to registry")
        page, links = self._names(call, shelf)
        return Reply.of([self._own_tag(shelf, name) for name in page], 200, **links)

    def tag_list(self, call: V2Call) -> Reply:
        if call.name not in self.shelves:
            return oci_error(404, "NAME_UNKNOWN", "repository name not known to registry")
        page, links = self._names(call, self.shelf(call.name))
        return Reply.of({"name": call.name, "tags": page}, 200, **links)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        if not call.name:
            return None if self.desk.account(call.request) else self.desk.challenge(call.request)
        if not self.desk.allows(call.request, call.name, call.action):
            return self._insufficient(call.request, call.name, call.action)
        if self.faults.read_only and call.request.method in CHANGING:
            return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")
        return None

    def serve_v2(self, call: V2Call) -> Reply:
        if call.kind == "tags" and call.rest.startswith("reference/") and call.request.method == "DELETE":
            if self.tag_route != "tags/reference":
                return Reply(404, b"404 page not found\n", {"content-type": "text/plain; charset=utf-8"})
            return self._untag(call, call.rest.removeprefix("reference/"))
        return super().serve_v2(call)

    def delete_v2(self, call: V2Call) -> Reply:
        if self.faults.deletion_disabled:
            return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")
        if call.digest is None:
            wrong = oci_error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            return self._untag(call, call.rest) if self.tag_route == "manifests" else wrong
        if self.desk.rules.get(project_of(call.name)):
            return oci_error(401, "PROTECTED_MANIFEST", "manifests cannot be deleted where tags are protected")
        if self.database and call.digest in self.shelf(call.name).manifests and self.shelf(call.name).parents_of(call.digest):
            return oci_error(409, "MANIFEST_REFERENCED_IN_LIST", "manifest referenced by a manifest list")
        if self.half_way:
            self.half_way = False
            self.shelf(call.name).manifests.pop(call.digest, None)
            return oci_error(500, "UNKNOWN", "unknown error")
        return super().delete_v2(call)

    # How they work

    def _untag(self, call: V2Call, tag: str) -> Reply:
        if self.faults.deletion_disabled:
            return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")
        mark = self.shelf(call.name).tags.get(tag)
        if mark is None:
            return oci_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if mark.locked:
            return oci_error(401, "PROTECTED_TAG", f'tag "{tag}" is protected')
        self.untag(call.name, tag)
        return Reply(202)

    def _insufficient(self, request: Request, name: str, action: str) -> Reply:
        wanted = "*" if action == DELETE and not self.desk.knows_delete else action
        more = {"error": "insufficient_scope"} if self.desk.account(request) else {}
        return self.desk.challenge(request, f"repository:{name}:{wanted}", **more)

    def _names(self, call: Call, shelf: Shelf) -> tuple[list[str], dict[str, str]]:
        size = min(int(call.query.get("n", "100")), self.faults.page_size or 1000)
        after = [name for name in sorted(shelf.tags) if name > call.query.get("last", "")]
        if len(after) <= size:
            return after, {}
        following = urlencode({**call.query, "n": size, "last": after[size - 1]})
        return after[:size], {"link": f'<{call.request.path}?{following}>; rel="next"'}

    def _own_tag(self, shelf: Shelf, name: str) -> dict[str, Any]:
        mark = shelf.tags[name]
        held, pushed = shelf.manifests[mark.digest], spelled(mark.pushed)
        return {
            "name": name, "digest": str(held.digest), "media_type": held.media_type, "size_bytes": held.size,
            "created_at": pushed, "published_at": pushed,
            **({"config_digest": found} if (found := config(held)) else {}),
            **({"referrers": more} if (more := referrers(shelf, held.digest)) else {}),
        }  # fmt: skip
