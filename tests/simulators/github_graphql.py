"""GitHub's old Docker registry: docker.pkg.github.com and `docker.HOST` of a GHES, with the GraphQL API (seen 2026-11)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, build_schema, graphql_sync, parse, validate

from tests.scripted_server import Reply, Request, oci_error
from tests.simulators.conformance import SPECS
from tests.simulators.github import ADMIN, DELETE, FINE_GRAINED, READ, VERSION, VERSIONS, WRITE, GithubSimulator, Rules, ways
from tests.simulators.simulator import CHANGING, Call, V2Call, route

if TYPE_CHECKING:
    from moorage.oci.reference import Digest
    from tests.simulators.accounts import Account
    from tests.simulators.memory import Mark, Shelf

SCHEMA = build_schema((SPECS / "github.graphql").read_text("utf-8"))
PUBLIC = "Public package versions are not eligible for deletion."


class GraphRules(Rules):
    """REST by its description, GraphQL by the schema: what is asked must be valid in it; answers are, by how they are made."""

    def covers(self, request: Request) -> bool:
        return super().covers(request) or request.path.endswith("/graphql")

    def objections(self, request: Request, reply: Reply) -> list[str]:
        if not request.path.endswith("/graphql"):
            return super().objections(request, reply)
        return [f"GraphQL: {error.message}" for error in validate(SCHEMA, parse(json.loads(request.body)["query"]))]


class OldDockerSimulator(GithubSimulator):
    """A version is a tag; a manifest without tags is collected, with what it alone led to.

    `kind` "docker" or "container": the images were moved, so that only REST knows them. `forgets_type`: GraphQL does not even
    know the type DOCKER any more. `joins_tags`: a version of type `docker` has all tags.
    """

    specification = GraphRules.load("github")
    kind = "graphql"
    forgets_type = False
    joins_tags = False
    limited = 0  # so many queries are answered with RATE_LIMITED

    def answer(self, request: Request) -> Reply:
        """GraphQL says in the body what HTTP says in the method: faults, counts and routes go by that."""
        if request.path.endswith("/graphql"):
            is_mutation = json.loads(request.body)["query"].lstrip().startswith("mutation")
            request = replace(request, method="DELETE" if is_mutation else "GET")
        return super().answer(request)

    @route("GET", "/graphql")
    @route("DELETE", "/graphql")
    @route("GET", "/api/graphql")
    @route("DELETE", "/api/graphql")
    def graphql(self, call: Call) -> Reply:
        refused = self._refusal(call)
        if refused:
            return refused
        if self.limited:
            self.limited -= 1
            reset = str(int(self.clock.now().timestamp()) + 33)
            errors = [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 7."}]
            return Reply.of({"errors": errors}, 200, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
        if self.forgets_type and "DOCKER" in call.json["query"]:
            code = {"code": "argumentLiteralsIncompatible", "typeName": "Field", "argumentName": "packageType"}
            return Reply.of({"errors": [{"message": "invalid value (DOCKER)", "extensions": code, "path": ["query"]}]})
        account = self.tokens.by_request(call.request)
        assert account is not None
        root = {
            "repository": lambda _, owner, name, **__: self._repository(account, owner, name),
            "repositoryOwner": lambda _, login: self._account(account, login),
            "node": lambda _, id: self._node(id),  # noqa: A006 -- GitHub's name
            "deletePackageVersion": lambda _, input: self._delete(account, input["packageVersionId"]),  # noqa: A006
        }
        done = graphql_sync(SCHEMA, call.json["query"], root, variable_values=call.json.get("variables"))
        errors = [_spelled(error) for error in done.errors or ()]
        return Reply.of({"data": done.data, **({"errors": errors} if errors else {})})

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """Basic, with any user name."""
        account = self.tokens.by_basic(call.request)
        if account is None:
            realm = 'Basic realm="GitHub Package Registry"'
            return oci_error(401, "UNAUTHORIZED", "authentication required", www_authenticate=realm)
        if call.name and call.action not in {*account.rights, "delete"}:
            return oci_error(403, "DENIED", "permission_denied: The token provided does not match expected scopes.")
        if self.faults.read_only and call.request.method in CHANGING:
            return oci_error(403, "DENIED", "Repository was archived so is read-only.")
        return None

    # REST, for packages of type `docker`

    @ways("GET", VERSIONS)
    def versions(self, call: Call) -> Reply:
        shelf = self._shelf(call)
        if self.kind != "docker" or shelf is None:
            return super().versions(call)
        rows = [self._docker_version(name, mark, [name]) for name, mark in shelf.tags.items()]
        return self._page(
            call, [self._docker_version("v", next(iter(shelf.tags.values())), [*shelf.tags])] if self.joins_tags else rows
        )

    @ways("DELETE", VERSION)
    def delete_version(self, call: Call) -> Reply:
        found, shelf = self._found(f"PV_{call['id']}"), self._shelf(call)
        if self.kind != "docker" or found is None or shelf is None:
            return super().delete_version(call)
        refused = self._refusal(call, DELETE)
        if refused is None:
            self._soon(lambda: self._drop(shelf, found[1], found[2].digest))
        return refused or Reply(204)

    def _shelf(self, call: Call) -> Shelf | None:
        if self.kind != "docker" or call["kind"] != "docker":
            return super()._shelf(call)
        mine = (shelf for name, shelf in self.shelves.items() if name.startswith(f"{call['owner']}/") and shelf.tags)
        return next((shelf for shelf in mine if shelf.name.rpartition("/")[2] == call["name"]), None)

    def _package(self, shelf: Shelf) -> dict[str, Any]:
        found = super()._package(shelf)
        owner, project, name = shelf.name.split("/")
        repository = {"id": 9, "name": project, "full_name": f"{owner}/{project}"}
        return {**found, "name": name, "repository": repository} if self.kind == "docker" else found

    def _docker_version(self, name: str, mark: Mark, tags: list[str]) -> dict[str, Any]:
        dates = dict.fromkeys(("created_at", "updated_at"), self._date(mark.pushed))
        urls = dict.fromkeys(("url", "package_html_url"), "https://github.com")
        return {"id": mark.id, "name": name, **urls, **dates, "metadata": {"package_type": "docker", "docker": {"tags": tags}}}

    # GraphQL

    def _account(self, account: Account, login: str) -> dict[str, Any]:
        shelves = [shelf for shelf in self.shelves.values() if shelf.name.startswith(f"{login}/")]
        if login not in self.owners:
            raise _refused("NOT_FOUND", f"Could not resolve to a RepositoryOwner with the login of '{login}'.")
        return {
            "__typename": self.owners[login],
            "id": f"O_{login}",
            "login": login,
            "packages": lambda _, names=None, **window: self._packages(account, shelves, names, window),
        }

    def _repository(self, account: Account, owner: str, name: str) -> dict[str, Any]:
        shelves = [shelf for shelf in self.shelves.values() if shelf.name.startswith(f"{owner}/{name}/")]
        if not shelves:
            raise _refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return {
            "id": f"R_{owner}_{name}",
            "name": name,
            "packages": lambda _, names=None, **window: self._packages(account, shelves, names, window),
        }

    def _packages(
        self, account: Account, shelves: list[Shelf], names: list[str] | None, window: dict[str, Any]
    ) -> dict[str, Any]:
        self._require(account, READ)
        here = [shelf for shelf in shelves if shelf.tags] if self.kind == "graphql" else []
        named = [shelf for shelf in here if names is None or shelf.name.rpartition("/")[2] in names]
        return self._connection([self._package_node(shelf) for shelf in named], window)

    def _package_node(self, shelf: Shelf) -> dict[str, Any]:
        def versions(_: Any, **window: Any) -> dict[str, Any]:
            rows = [self._version_node(name, mark) for name, mark in reversed(shelf.tags.items())]
            technical = {"__typename": "PackageVersion", "id": f"PV_base{shelf.id}", "version": "docker-base-layer"}
            return self._connection([*rows, {**technical, "files": lambda _, **__: self._connection([], {})}], window)

        _, project, name = shelf.name.split("/")
        node = {"__typename": "Package", "id": f"P_{shelf.id}", "name": name, "packageType": "DOCKER", "versions": versions}
        return {**node, "repository": {"id": f"R_{project}", "name": project}}

    def _version_node(self, name: str, mark: Mark) -> dict[str, Any]:
        files = [] if self.faults.dateless else [{"id": "F", "name": "manifest.json", "updatedAt": self._date(mark.pushed)}]
        node = {"__typename": "PackageVersion", "id": f"PV_{mark.id}", "version": name}
        return {**node, "files": lambda _, **window: self._connection(files, window)}

    def _connection(self, rows: list[Any], window: dict[str, Any]) -> dict[str, Any]:
        start = int(window.get("after") or 0)
        size = min(window.get("first") or 100, self.faults.page_size or 100)
        rows_here = rows[-window["last"] :] if window.get("last") else rows[start : start + size]
        info = {"endCursor": str(start + size), "hasNextPage": not window.get("last") and start + size < len(rows)}
        return {"nodes": rows_here, "pageInfo": info, "totalCount": len(rows)}

    def _node(self, number: str) -> dict[str, Any]:
        found = self._found(number)
        if found is None:
            raise _refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{number}'")
        return self._version_node(found[1], found[2])

    def _delete(self, account: Account, number: str) -> dict[str, Any]:
        self._require(account, DELETE)
        found = self._found(number)
        if found is None or ADMIN not in account.rights:
            raise _refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{number}'")
        shelf, name, mark = found
        if self.faults.read_only:
            raise _refused("FORBIDDEN", "Repository was archived so is read-only.")
        if self.faults.deletion_disabled:
            raise _refused("UNPROCESSABLE", PUBLIC)
        if mark.locked:
            raise _refused("UNPROCESSABLE", "Package versions with more than 5000 downloads cannot be deleted.")
        self._soon(lambda: self._drop(shelf, name, mark.digest))
        return {"success": True}

    def _drop(self, shelf: Shelf, name: str, digest: Digest) -> None:
        shelf.tags.pop(name, None)
        waiting = [digest]
        while waiting:
            one = waiting.pop()
            if one in shelf.manifests and not shelf.tags_of(one) and not shelf.parents_of(one):
                waiting += shelf.manifests[one].children
                self._remove_now(shelf.name, one)

    def _found(self, number: str) -> tuple[Shelf, str, Mark] | None:
        marks = ((shelf, name, mark) for shelf in self.shelves.values() for name, mark in shelf.tags.items())
        return next((one for one in marks if f"PV_{one[2].id}" == number), None)

    def _require(self, account: Account, scope: str) -> None:
        if FINE_GRAINED in account.rights:
            raise _refused("FORBIDDEN", "Resource not accessible by personal access token")
        if scope not in account.rights and not (scope == READ and WRITE in account.rights):
            raise _refused("INSUFFICIENT_SCOPES", f"Your token has not been granted the required scopes: ['{scope}'].")


def _refused(kind: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": kind})


def _spelled(error: GraphQLError) -> dict[str, Any]:
    """As GitHub writes errors: `type` beside `message`, where others put it into `extensions`."""
    formatted: dict[str, Any] = {**error.formatted}
    return {**formatted.pop("extensions", {}), **formatted}
