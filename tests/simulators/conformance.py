"""Holds what passes a simulator against the vendor's own description of its API: no simulator is believed on its word.

Descriptions are OpenAPI 3.1 in tests/simulators/specs/VENDOR.yaml, cut down to the facts that matter and written by hand: paths,
methods, parameters, statuses, fields. What is not written there does not exist: unknown paths, query parameters, statuses and
(where a schema says `additionalProperties: false`) fields are objections. A status that the vendor's description lacks and its
source code or threads show has an `x-source` beside it.

Vendors with another kind of description (GraphQL, botocore, discovery) implement `Rules` with the library of that kind.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from tests.scripted_server import Reply, Request

SPECS = Path(__file__).parent / "specs"


class Rules(Protocol):
    """What a vendor's description says about exchanges."""

    def covers(self, request: Request) -> bool:
        """Whether this request is one of those that the description is about."""

    def objections(self, request: Request, reply: Reply) -> list[str]:
        """Everything about this exchange that the description does not allow, one sentence each."""


@dataclass(frozen=True)
class Specification:
    """One OpenAPI description. `base` is the path that all its paths lie below, of `servers[0].url`."""

    document: dict[str, Any]

    @classmethod
    def load(cls, name: str) -> Self:
        """The description in specs/NAME.yaml."""
        return cls(yaml.safe_load((SPECS / f"{name}.yaml").read_text("utf-8")))

    @cached_property
    def base(self) -> str:
        url: str = self.document["servers"][0]["url"]
        return re.sub(r"^https?://[^/]+", "", url).rstrip("/")

    def covers(self, request: Request) -> bool:
        return request.path.startswith(f"{self.base}/") and not request.path.startswith("/v2/")

    def objections(self, request: Request, reply: Reply) -> list[str]:
        where = f"{request.method} {request.path}"
        found = self._operation(request)
        if found is None:
            return [f"{where}: no such operation"]
        operation, places = found
        problems = [*self._about_parameters(operation, places, request), *self._about_body(operation, request)]
        return [f"{where}: {problem}" for problem in [*problems, *self._about_reply(operation, request, reply)]]

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        templates = sorted(self.document["paths"], key=lambda template: template.count("{"))
        # `{name*}` spans slashes, as in the routes of simulators; OpenAPI has no word for that before 3.2.
        wide = [re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", template) for template in templates]
        places = [re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) for template in wide]
        return [
            (re.compile(re.escape(self.base) + place), self.document["paths"][template])
            for template, place in zip(templates, places, strict=True)
        ]

    def _operation(self, request: Request) -> tuple[dict[str, Any], dict[str, str]] | None:
        for pattern, operations in self._paths:
            match = pattern.fullmatch(request.path)
            if match and request.method.lower() in operations:
                operation = dict(operations[request.method.lower()])
                operation["parameters"] = [*operations.get("parameters", ()), *operation.get("parameters", ())]
                return operation, {name: unquote(text) for name, text in match.groupdict().items()}
        return None

    def _about_parameters(self, operation: dict[str, Any], places: dict[str, str], request: Request) -> list[str]:
        known = [self._resolved(parameter) for parameter in operation["parameters"]]
        query = {parameter["name"]: parameter for parameter in known if parameter["in"] == "query"}
        problems = [f"no query parameter {name}" for name, _ in request.query if name not in query]
        problems += [
            f"query parameter {name} is missing"
            for name in query
            if query[name].get("required") and name not in dict(request.query)
        ]
        given = [(query[name], text) for name, text in request.query if name in query]
        given += [(parameter, places[parameter["name"]]) for parameter in known if parameter["in"] == "path"]
        for parameter, text in given:
            value = _typed(text, parameter["schema"])
            problems += [f"{parameter['name']}: {problem}" for problem in self._mismatches(value, parameter["schema"])]
        for parameter in known:
            if parameter["in"] == "header" and parameter.get("required") and parameter["name"].lower() not in request.headers:
                problems.append(f"header {parameter['name']} is missing")
        return problems

    def _about_body(self, operation: dict[str, Any], request: Request) -> list[str]:
        expected = operation.get("requestBody")
        if expected is None:
            return ["a body was sent where none is known"] if request.body else []
        if not request.body:
            return ["the body is missing"] if expected.get("required") else []
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind not in expected["content"]:
            return [f"a body of {kind or 'no type'} is not known"]
        if not kind.endswith("json"):
            return []
        return [f"body: {problem}" for problem in self._mismatches(json.loads(request.body), expected["content"][kind]["schema"])]

    def _about_reply(self, operation: dict[str, Any], request: Request, reply: Reply) -> list[str]:
        expected = operation["responses"].get(str(reply.status))
        if expected is None:
            return [f"status {reply.status} is not known"]
        expected = self._resolved(expected)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        problems = [
            f"the answer lacks the header {name}"
            for name, header in expected.get("headers", {}).items()
            if header.get("required") and name.lower() not in headers
        ]
        if request.method == "HEAD" or "content" not in expected:
            return problems
        kind = headers.get("content-type", "").partition(";")[0]
        if kind not in expected["content"]:
            return [*problems, f"an answer of {kind or 'no type'} is not known for {reply.status}"]
        if kind.endswith("json"):
            schema = expected["content"][kind]["schema"]
            problems += [f"answer: {problem}" for problem in self._mismatches(json.loads(reply.body), schema)]
        return problems

    def _mismatches(self, value: object, schema: dict[str, Any]) -> list[str]:
        whole = {**schema, "components": self.document.get("components", {})}
        errors = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(value)
        return [f"{error.json_path}: {error.message[:200]}" for error in errors]

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node


def _typed(text: str, schema: dict[str, Any]) -> object:
    """A parameter's text as the type that its schema wants, or as the text where it is none."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text
