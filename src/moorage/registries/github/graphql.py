"""GitHub's GraphQL API, by gql over the one HTTP session of the run.

gql's own HTTP transport would bring a second session along, without our TLS settings, limits and redaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from moorage.errors import ConfigurationError, Contradiction, Denied, ItemRefused, NotFound, RegistryError, Throttled
from moorage.registries.github.api import GithubApi
from moorage.transport import redact
from moorage.transport.session import Answer, Session

try:
    from gql import Client, GraphQLRequest
    from gql.transport.exceptions import TransportQueryError
    from gql.transport.transport import Transport
    from graphql import ExecutionResult, GraphQLError
except ImportError:
    raise ConfigurationError(
        "GitHub's old Docker registry needs the package gql, which is not installed",
        remedy="pip install 'moorage[github]', or use the container image of Moorage.",
    ) from None

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of `errors`. `kind` is its `type` (`NOT_FOUND`, `FORBIDDEN`, …); what the schema forbids has none.

    `field` is the field of the query that it is about, empty where it is not about one.
    """

    kind: str
    message: str
    field: str = ""
    is_of_schema: bool = False


class QueryRefused(Exception):
    """The answer has errors; never leaves this package. `answer` is the HTTP answer that brought them."""

    def __init__(self, complaints: tuple[Complaint, ...], answer: Answer) -> None:
        super().__init__("; ".join(complaint.message for complaint in complaints))
        self.complaints = complaints
        self.answer = answer

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(complaint.kind for complaint in self.complaints)

    @property
    def is_of_schema(self) -> bool:
        """Whether this GitHub does not know what was asked, such as packages of type DOCKER."""
        return all(complaint.is_of_schema for complaint in self.complaints)

    def failure(self, what: str, advice: str) -> RegistryError:
        """The error for it; `what` begins the message, `advice` says what to grant."""
        said = f"{what}: {redact.text(str(self))}"
        if "NOT_FOUND" in self.kinds:
            return NotFound(said, remedy=f"Check the names. It is also how GitHub answers a missing right: {advice}")
        if self.kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
            return Denied(said, remedy=advice)
        if "UNPROCESSABLE" in self.kinds:
            return ItemRefused(
                said,
                remedy="GitHub deletes no versions of public packages by this API (servers before 2021), and none that were "
                "downloaded more than 5000 times. Everything else was handled.",
            )
        return RegistryError(said)


class GraphApi:
    """Thread-safe: every query has a client of its own, which costs nothing."""

    def __init__(self, api: GithubApi, session: Session) -> None:
        self._api = api
        self._session = session

    def run(self, document: str, variables: Mapping[str, str | None], *, needs: str) -> Mapping[str, Any]:
        """The `data` of one operation; it may be sent twice. Raises QueryRefused, Throttled, and what `GithubApi.send` raises."""
        request = GraphQLRequest(document, variable_values=dict(variables))
        attempt = 0
        while True:
            attempt += 1
            transport = _SessionTransport(self._api, needs)
            try:
                data: Mapping[str, Any] = Client(transport=transport).execute(request)
            except TransportQueryError as error:
                refused = QueryRefused(_complaints(error.errors), transport.last)
            else:
                return data
            if "RATE_LIMITED" not in refused.kinds:
                raise refused from None
            if attempt == _ATTEMPTS:
                raise Throttled(f"{self._api.endpoints.graphql}: {redact.text(str(refused))}, at attempt {attempt}")
            self._session.pause(attempt)  # and until the reset that the answer's headers told, before the next request


class _SessionTransport(Transport):
    def __init__(self, api: GithubApi, needs: str) -> None:
        self._api = api
        self._needs = needs
        self._answer: Answer | None = None

    @property
    def last(self) -> Answer:
        if self._answer is None:
            raise AssertionError("errors come with an answer")
        return self._answer

    def execute(self, request: GraphQLRequest, *_: Any, **__: Any) -> ExecutionResult:
        body = json.dumps(request.payload).encode()
        url = self._api.endpoints.graphql
        self._answer = self._api.send("POST", url, needs=self._needs, body=body, idempotent=True)
        document = self._answer.json()
        if not isinstance(document, dict) or not (document.get("data") or document.get("errors")):
            raise Contradiction(f"{redact.url(url)} answered with neither data nor errors")
        errors: list[GraphQLError] | None = document.get("errors")  # as they come: gql hands them on
        return ExecutionResult(data=document.get("data"), errors=errors)


def _complaints(errors: object) -> tuple[Complaint, ...]:
    entries = errors if isinstance(errors, list) else [errors]
    return tuple(_complaint(entry) for entry in entries)


def _complaint(entry: object) -> Complaint:
    fields = entry if isinstance(entry, dict) else {"message": str(entry)}
    kind, path = fields.get("type"), fields.get("path")
    return Complaint(
        kind if isinstance(kind, str) else "",
        str(fields.get("message") or "an error without words"),
        str(path[0]) if isinstance(path, list) and path else "",
        is_of_schema=kind is None and isinstance(fields.get("extensions"), dict),
    )
