"""GitLab itself: REST and GraphQL (gitlabhq/gitlabhq, seen 2026-11)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from graphql import build_schema, graphql_sync, parse, validate
from graphql.error import GraphQLError

from tests.scripted_server import Reply
from tests.simulators.accounts import DELETE
from tests.simulators.conformance import SPECS, Specification
from tests.simulators.gitlab_tokens import API, DEPLOY, JOB, JOB_API, READ_API, READER, WRITER, GitLabDesk, project_of
from tests.simulators.simulator import Call, Simulator, route

if TYPE_CHECKING:
    from datetime import datetime

    from moorage.oci.reference import Digest
    from tests.scripted_server import Request
    from tests.simulators.accounts import Account
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Shelf

REPOSITORIES = "/api/v4/projects/{project}/registry/repositories"
_SCHEMA = build_schema((SPECS / "gitlab.graphql").read_text("utf-8"))


class GitLabRules:
    """GitLab's three descriptions: REST, the registry's own API, GraphQL."""

    parts = (Specification.load("gitlab"), Specification.load("gitlab-registry"))

    def covers(self, request: Request) -> bool:
        return request.path == "/api/graphql" or any(part.covers(request) for part in self.parts)

    def objections(self, request: Request, reply: Reply) -> list[str]:
        if request.path == "/api/graphql":
            return [] if reply.status != 200 else _about_query(request)
        if reply.headers.get("content-type", "") == "text/html":
            return []  # the word of a proxy in between
        return [line for part in self.parts if part.covers(request) for line in part.objections(request, reply)]


def _about_query(request: Request) -> list[str]:
    try:
        return [f"graphql: {error.message}" for error in validate(_SCHEMA, parse(json.loads(request.body)["query"]))]
    except GraphQLError as error:
        return [f"graphql: {error.message}"]


class GitLabSite(Simulator):
    """`database`: the registry behind has its metadata database, so that there are dates and kinds."""

    specification = GitLabRules()

    def __init__(self, upstream: str, clock: FakeClock | None = None, *, site: str = "") -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = GitLabDesk(self.accounts, "container_registry", "/jwt/auth", site=site)
        self.database = True
        self.protected: set[str] = set()  # repositories that a rule keeps from deletion
        self.scheduled: dict[str, int] = {}  # repositories to be deleted, after so many looks

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    def changes(self) -> Any:
        found = super().changes()
        del found["POST", "/api/graphql"]
        return found

    def lock(self, repository: str, tag: str) -> None:
        super().lock(repository, tag)
        self.desk.rules.setdefault(project_of(repository), []).append(f"^{re.escape(tag)}$")

    # GitLab: REST

    @route("GET", "/api/v4/personal_access_tokens/self")
    def own_token(self, call: Call) -> Reply:
        account = self._user(call.request)
        if account is None:
            return _message(401, "401 Unauthorized")
        scopes = [API] if API in account.rights else [READ_API, "read_registry"]
        return Reply.of(
            {"id": 7, "name": f"token of {account.name}", "active": True, "scopes": scopes, "expires_at": "2027-01-31"}
        )

    @route("GET", "/api/v4/projects/{project}")
    def project(self, call: Call) -> Reply:
        place = self._place(call)
        return self._refusal(call) or Reply.of({"id": _number(place), "name": "shop", "path_with_namespace": place})

    @route("GET", REPOSITORIES)
    def repositories(self, call: Call) -> Reply:
        return self._refusal(call) or self._page(
            call, [self._row(name) for name in self._rows() if project_of(name) == self._place(call)]
        )

    @route("GET", "/api/v4/groups/{group}/registry/repositories")
    def group(self, call: Call) -> Reply:
        rows = [self._row(name) for name in self._rows() if name.startswith(f"{call['group']}/")]
        known = any(project_of(row["path"]).startswith(f"{call['group']}/") for row in rows)
        return self._refusal(call, known=known) or self._page(call, rows)

    @route("GET", "/api/v4/registry/repositories/{id}")
    def one_repository(self, call: Call) -> Reply:
        shelf = self._shelf_of(call["id"])
        if shelf is not None and not self.faults.forgetful:
            self.scheduled[shelf.name] = self.scheduled.get(shelf.name, 99) - 1
            if self.scheduled[shelf.name] <= 0:
                del self.shelves[shelf.name]
        gone = shelf is None or shelf.name not in self.shelves
        return self._refusal(call, known=not gone) or Reply.of(self._row(shelf.name if shelf else ""))

    @route("DELETE", REPOSITORIES + "/{id}")
    def delete_repository(self, call: Call) -> Reply:
        shelf = self._shelf_of(call["id"])
        refused = self._refusal(call, known=shelf is not None, right=DELETE)
        if refused or shelf is None:
            return refused or Reply(404)
        if shelf.name in self.protected:
            return _message(403, "403 Forbidden - Deleting protected container repository forbidden.")
        self.scheduled[shelf.name] = 3
        return Reply.of(202, 202)

    @route("GET", REPOSITORIES + "/{id}/tags")
    def tags(self, call: Call) -> Reply:
        shelf = self._shelf_of(call["id"])
        refused = self._refusal(call, known=shelf is not None)
        return refused or self._page(call, [named(shelf, name) for name in sorted(shelf.tags)] if shelf else [])

    @route("GET", REPOSITORIES + "/{id}/tags/{tag}")
    def tag(self, call: Call) -> Reply:
        """One request per tag: what only this call of REST says."""
        shelf = self._shelf_of(call["id"])
        if refused := self._refusal(call, known=shelf is not None and call["tag"] in shelf.tags):
            return refused
        assert shelf is not None
        mark = shelf.tags[call["tag"]]
        held = shelf.manifests[mark.digest]
        revision = config(held)
        details = {"digest": str(held.digest), "created_at": spelled(mark.pushed), "total_size": held.size}
        return Reply.of(
            {
                **named(shelf, call["tag"]),
                **details,
                "revision": revision.removeprefix("sha256:"),
                "short_revision": revision[7:16],
            }
        )

    @route("DELETE", REPOSITORIES + "/{id}/tags/{tag}")
    def delete_tag(self, call: Call) -> Reply:
        shelf = self._shelf_of(call["id"])
        refused = self._refusal(call, known=shelf is not None and call["tag"] in shelf.tags, right=DELETE)
        if refused or shelf is None:
            return refused or Reply(404)
        if shelf.tags[call["tag"]].locked:
            return _message(403, "403 Forbidden - cannot delete protected tag(s)")
        self.untag(shelf.name, call["tag"])
        return Reply.of(200)

    # GitLab: GraphQL

    @route("POST", "/api/graphql")
    def graphql(self, call: Call) -> Reply:
        account = self._user(call.request)
        if account is None or JOB_API in account.rights:
            return _message(401, "Invalid token")
        asked = call.json
        root = {"containerRepository": lambda _, id: self._details(id)}  # noqa: A006 -- the argument's name in the schema
        result = graphql_sync(_SCHEMA, asked["query"], root, variable_values=asked.get("variables"))
        errors = {"errors": [{"message": error.message} for error in result.errors]} if result.errors else {}
        return Reply.of({"data": result.data, **errors})

    def _details(self, gid: str) -> dict[str, Any] | None:
        shelf = self._shelf_of(gid.rpartition("/")[2])
        return (
            None if shelf is None else {"id": gid, "path": shelf.name, "tags": lambda _, **asked: self._connection(shelf, asked)}
        )

    def _connection(self, shelf: Shelf, asked: dict[str, Any]) -> dict[str, Any]:
        """The registry's page is as long as asked for, and its cursor stands behind it; GitLab shows the first twenty of it."""
        after = [name for name in sorted(shelf.tags) if name > (asked.get("after") or "")]
        size = asked.get("first") or 20
        page = after[: min(size, self.faults.page_size or size)]
        more = {"hasNextPage": len(page) < len(after), "hasPreviousPage": False, "endCursor": page[-1] if page else None}
        return {"nodes": [self._node(shelf, name) for name in page[:20]], "pageInfo": more}

    def _node(self, shelf: Shelf, name: str) -> dict[str, Any]:
        held, pushed = shelf.manifests[shelf.tags[name].digest], spelled(shelf.tags[name].pushed)
        known = {"mediaType": held.media_type, "publishedAt": pushed} if self.database else {}
        return {
            **named(shelf, name), **known, "digest": str(held.digest), "createdAt": pushed, "totalSize": str(held.size),
            "revision": config(held).removeprefix("sha256:"), "referrers": referrers(shelf, held.digest),
        }  # fmt: skip

    def _refusal(self, call: Call, *, known: bool | None = None, right: str = "") -> Reply | None:
        account = self._user(call.request)
        if account is None:
            return _message(401, "401 Unauthorized")
        if not account.rights & {API, READ_API, JOB_API}:
            return Reply.of({"error": "insufficient_scope", "error_description": "The request requires more", "scope": API}, 403)
        exists = any(project_of(name) == self._place(call) for name in self._rows()) if known is None else known
        if not exists:
            return _message(404, "404 Not Found")
        return _message(403, "403 Forbidden") if right and right not in account.rights else None

    def _user(self, request: Request) -> Account | None:
        headers = request.headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        token = headers.get("private-token") or headers.get("job-token") or bearer
        found = next((one for one in self.accounts.everybody if one.password == token), None)
        by_job = "job-token" in headers
        return found if found is not None and found is not DEPLOY and (found is JOB) is by_job else None

    def _place(self, call: Call) -> str:
        """The project by its path, or by its number."""
        said = call.parts.get("project", "")
        return next((project_of(name) for name in self._rows() if str(_number(project_of(name))) == said), said)

    def _rows(self) -> list[str]:
        return sorted(self.shelves)

    def _row(self, name: str) -> dict[str, Any]:
        status = {"status": "delete_scheduled"} if name in self.scheduled else {}
        return {
            "id": self.shelf(name).id, "name": name.partition("/")[2], "path": name, "project_id": _number(project_of(name)),
            "location": f"registry.example.com/{name}", "created_at": spelled(self.shelf(name).made), **status,
        }  # fmt: skip

    def _page(self, call: Call, rows: list[Any]) -> Reply:
        number, size = int(call.query.get("page", "1")), min(int(call.query.get("per_page", "20")), 100)
        size = min(size, self.faults.page_size or size)
        following = str(number + 1) if number * size < len(rows) else ""
        headers = {"x_page": str(number), "x_per_page": str(size), "x_next_page": following, "x_total": str(len(rows))}
        return Reply.of(rows[(number - 1) * size : number * size], 200, **headers)

    def _shelf_of(self, number: str) -> Shelf | None:
        return next((shelf for shelf in self.shelves.values() if str(shelf.id) == number), None)


def _number(project: str) -> int:
    return sum(project.encode())


def named(shelf: Shelf | None, name: str) -> dict[str, Any]:
    path = f"{shelf.name if shelf else ''}:{name}"
    return {"name": name, "path": path, "location": f"registry.example.com/{path}"}


def config(held: Held) -> str:
    found: str = held.document.get("config", {}).get("digest", "")
    return found


def referrers(shelf: Shelf, digest: Digest) -> list[dict[str, str]]:
    found = shelf.referrers_of(digest)
    return [{"artifactType": held.document.get("artifactType", ""), "digest": str(held.digest)} for held in found]


def _message(status: int, text: str) -> Reply:
    return Reply.of({"message": text}, status)


def spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
