"""AWS limits requests with a 400 that has a name."""

from __future__ import annotations

import pytest

from moorage.transport import retry
from moorage.transport.session import Answer

JSON = {"content-type": "application/x-amz-json-1.1"}


@pytest.mark.parametrize(
    ("headers", "body", "limits"),
    [
        ({"x-amzn-errortype": "ThrottlingException"}, b"", True),
        ({"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}, b"", True),
        (JSON, b'{"__type":"com.amazonaws.ecr#ThrottlingException","message":"Rate exceeded"}', True),
        (JSON, b'{"message":"x","__type" : "TooManyRequestsException"}', True),
        (JSON, b'{"__type":"AccessDeniedException","message":"ThrottlingException"}', False),
        ({"content-type": "application/json"}, b'{"__type":"ThrottlingException"}', False),
        (JSON, b"", False),
        ({}, b"ThrottlingException", False),
    ],
)
def test_only_its_name_makes_a_400_a_limit(headers: dict[str, str], body: bytes, limits: bool) -> None:
    assert retry.is_throttled(Answer(400, headers, "https://api.ecr.eu-west-1.amazonaws.com/", body)) is limits
