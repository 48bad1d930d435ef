"""google-auth, as far as Moorage uses it: identities out of documents, and its transport over a session of ours."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moorage.errors import ConfigurationError
from moorage.transport.session import Answer

try:
    from google.auth import (
        aws,
        compute_engine,
        external_account_authorized_user,
        identity_pool,
        impersonated_credentials,
        pluggable,
    )
    from google.auth import transport as google_transport
    from google.oauth2 import credentials as oauth2
except ImportError:
    raise ConfigurationError(
        "these credentials for Google need the package google-auth, which is not installed",
        remedy="pip install 'moorage[gcr]', use the container image of Moorage, or log in with docker.",
    ) from None

logging.getLogger("google.auth").setLevel(logging.WARNING)  # its debug lines hold requests and answers, tokens too

Send = Callable[[str, str, Mapping[str, str], bytes | None], Answer]


def identity_of(document: Mapping[str, Any], scopes: Sequence[str]) -> Any:
    """The identity that a credentials file describes, by its `type`. Raises ValueError and google-auth's errors."""
    match document["type"]:
        case "authorized_user":
            return oauth2.Credentials.from_authorized_user_info(document, scopes=scopes)
        case "external_account_authorized_user":
            return external_account_authorized_user.Credentials.from_info(document, scopes=scopes)
        case "impersonated_service_account":
            return impersonated_credentials.Credentials.from_impersonated_service_account_info(document, scopes=scopes)
    source = document.get("credential_source") or {}
    if document.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
        return aws.Credentials.from_info(document, scopes=scopes)
    kind = pluggable if "executable" in source else identity_pool
    return kind.Credentials.from_info(document, scopes=scopes)


def identity_of_machine(scopes: Sequence[str]) -> Any:
    """The service account that this machine, pod or job runs as, by the metadata server."""
    return compute_engine.Credentials(scopes=scopes)


def transport(send: Send) -> google_transport.Request:
    return _Transport(send)


class _Response(google_transport.Response):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._answer.headers

    @property
    def data(self) -> bytes:
        return self._answer.body


class _Transport(google_transport.Request):
    def __init__(self, send: Send) -> None:
        self._send = send

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 -- the session has its own, and the time budget
        **_: Any,
    ) -> _Response:
        content = body.encode() if isinstance(body, str) else body
        return _Response(self._send(method, url, headers or {}, content))
