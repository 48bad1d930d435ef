"""AWS's JSON protocol: operations by X-Amz-Target, signatures that are checked, and botocore's service models as the description.

The models stand in the botocore package as AWS makes them, so whoever invents fields, values or errors is noticed.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ListShape, OperationNotFoundError, ServiceModel, StructureShape

from tests.scripted_server import Reply
from tests.simulators.accounts import origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scripted_server import Request
    from tests.simulators.accounts import Account

KIND = "application/x-amz-json-1.1"
SKEW = 300  # seconds that a signature may be off
_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
# What any AWS service may answer, beside the errors of each operation (AWS's page on common errors).
COMMON = frozenset(
    {
        "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
        "MissingAuthenticationTokenException", "ThrottlingException", "ValidationException",
    }
)  # fmt: skip


def answer(document: object) -> Reply:
    return Reply(200, json.dumps(document).encode(), {"content-type": KIND})


def error(code: str, message: str, status: int = 400) -> Reply:
    return Reply(status, json.dumps({"__type": code, "message": message}).encode(), {"content-type": KIND})


@dataclass(frozen=True)
class Service:
    """One API by botocore's model; implements `tests.simulators.conformance.Rules`."""

    name: str

    @cached_property
    def model(self) -> ServiceModel:
        return ServiceModel(Loader().load_service_model(self.name, "service-2"), self.name)

    def operation(self, request: Request) -> str:
        """The operation that a request names, empty for a request that is none of this API's."""
        prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
        return name if request.method == "POST" and prefix == self.model.metadata["targetPrefix"] else ""

    def covers(self, request: Request) -> bool:
        return bool(self.operation(request))

    def objections(self, request: Request, reply: Reply) -> list[str]:
        name = self.operation(request)
        try:
            operation = self.model.operation_model(name)
        except OperationNotFoundError:
            return [f"{name}: no such operation"]
        problems = list(_mismatches(json.loads(request.body), operation.input_shape, "input"))
        if request.headers.get("content-type") != KIND:
            problems.append(f"a body of {request.headers.get('content-type')}")
        document = json.loads(reply.body)
        if reply.status == 200:
            problems += _mismatches(document, operation.output_shape, "output")
        elif document["__type"] not in {shape.name for shape in operation.error_shapes} | COMMON:
            problems.append(f"no error {document['__type']}")
        return [f"{self.name} {name}: {problem}" for problem in problems]

    def refuse(self, request: Request, accounts: dict[str, Account], region: str, skew: float = 0) -> Reply | None:
        """AWS's refusal of a request that is not signed, or not by one of these accounts (by access key), or not now.

        `skew` is how many seconds our clock is ahead.
        """
        found = _SIGNATURE.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            return error("MissingAuthenticationTokenException", "Missing Authentication Token")
        account = accounts.get(found["key"])
        if account is None:
            return error("UnrecognizedClientException", "The security token included in the request is invalid.")
        if (found["service"], found["region"]) != (self.model.signing_name, region):
            return error("InvalidSignatureException", f"Credential should be scoped to a valid region ({region}).", 403)
        if _signature(request, found["headers"].split(";"), account, found["service"], found["region"]) != found["signature"]:
            return error("InvalidSignatureException", "The request signature we calculated does not match.", 403)
        signed = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%S%z")
        if abs(signed.timestamp() - time.time() - skew) > SKEW:
            return error("InvalidSignatureException", "Signature expired: it is now earlier than the limit.", 403)
        return None


def _signature(request: Request, names: list[str], account: Account, service: str, region: str) -> str:
    """What the signature has to be, by botocore's own arithmetic over what really arrived."""
    headers = {name: request.headers[name] for name in names if name in request.headers}
    copy = AWSRequest("POST", origin(request) + request.target, headers=headers, data=request.body)
    copy.context["timestamp"] = request.headers["x-amz-date"]
    auth = SigV4Auth(Credentials(account.name, account.password), service, region)
    text = auth.string_to_sign(copy, auth.canonical_request(copy))
    return str(auth.signature(text, copy))


def _mismatches(value: object, shape: Any, where: str) -> Iterator[str]:
    """What of a JSON value does not fit a shape of the model."""
    if isinstance(shape, StructureShape):
        yield from _structure(value, shape, where)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        yield from _bounds(len(value), shape, where)
        for number, item in enumerate(value):
            yield from _mismatches(item, shape.member, f"{where}[{number}]")
    elif shape.type_name == "string":
        yield from _string(value, shape, where)
    elif shape.type_name in {"integer", "long"}:
        if not isinstance(value, int) or isinstance(value, bool):
            yield f"{where} is no number"
        else:
            yield from _bounds(value, shape, where)
    elif shape.type_name == "timestamp":
        if not isinstance(value, int | float):
            yield f"{where} is no time in seconds"
    elif shape.type_name == "boolean" and not isinstance(value, bool):
        yield f"{where} is neither true nor false"


def _structure(value: object, shape: StructureShape, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object"
        return
    yield from (f"{where} lacks {name}" for name in shape.required_members if name not in value)
    for name, item in value.items():
        if name not in shape.members:
            yield f"{where} has no {name}"
        else:
            yield from _mismatches(item, shape.members[name], f"{where}.{name}")


def _string(value: object, shape: Any, where: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{where} is no text"
        return
    yield from _bounds(len(value), shape, where)
    if shape.enum and value not in shape.enum:
        yield f"{where} cannot be {value}"
    pattern = shape.metadata.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        yield f"{where} {value!r} does not match {pattern}"


def _bounds(size: int, shape: Any, where: str) -> Iterator[str]:
    """Of what is sent: answers share the shapes, and ListImages has more than the 100 entries that deletions may have."""
    if where.startswith("output"):
        return
    if size < shape.metadata.get("min", size) or size > shape.metadata.get("max", size):
        yield f"{where} is beyond {shape.metadata}"
