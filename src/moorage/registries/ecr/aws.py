"""One AWS service: boto3 finds credentials and endpoint, spells requests and reads answers; the run's own session sends them.

botocore would bring a second HTTP session along, whose retries know neither the time budget nor the limits that the threads of a
run share, and which does not trust --ca-file. Its event `before-send` takes an answer from elsewhere instead. Requests are signed
again for every attempt, since a signature is good for a few minutes only.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

from moorage.auth.secret import announce
from moorage.errors import ConfigurationError, Failure, Unauthorized
from moorage.registries.ecr.location import Location
from moorage.registries.ecr.trouble import NO_CREDENTIALS, translated
from moorage.transport.session import SUCCESS, Answer, Session

try:
    import boto3
    from botocore import UNSIGNED, xform_name
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
    from botocore.config import Config
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    raise ConfigurationError(
        "AWS ECR needs the package boto3, which is not installed",
        remedy="pip install 'moorage[ecr]', or use the container image of Moorage.",
    ) from None

# Their debug lines hold session tokens and whole answers, GetAuthorizationToken's too (botocore.auth, botocore.parsers).
for _name in ("boto3", "botocore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_SPOKEN: Final = frozenset({*SUCCESS, 400, 403, 404})  # statuses whose body is AWS's own word, for botocore to read
_CARRIED: Final = frozenset({"content-type", "x-amz-target"})
_SIGNED: Final = frozenset({"Authorization", "X-Amz-Date", "X-Amz-Security-Token"})
_UNCERTAIN: Final = "x-moorage-uncertain"


class Aws:
    """Thread-safe. Nothing is looked for, and nobody asked, before the first call."""

    def __init__(self, location: Location, session: Session) -> None:
        self.location = location
        self._session = session
        self._lock = threading.RLock()
        self._client: Any = None
        self._chain: Any = None
        self._credentials: Credentials | None = None

    @property
    def source(self) -> str:
        """Where AWS's own chain found credentials, in words that doctor may show; empty where it found none."""
        found = self._found()
        return f"AWS ({found.method or 'given'})" if found else ""

    def call(self, operation: str, place: object, /, **parameters: Any) -> Mapping[str, Any]:
        """One operation by the name that IAM knows it by; `place` is what it is about, for errors.

        Raises Unauthorized without credentials or for refused ones, Denied naming the IAM action, NotFound, Unsupported,
        RegistryError for other refusals, and what the session raises.
        """
        try:
            answer: Mapping[str, Any] = getattr(self._opened(), xform_name(operation))(**parameters)
        except Failure:
            raise
        except (BotoCoreError, ClientError) as error:
            raise translated(error, f"{self.location.service}:{operation}", place, self._source_if_known()) from None
        return answer

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                location = self.location
                config = Config(
                    use_fips_endpoint=location.fips,
                    use_dualstack_endpoint=location.dual_stack,
                    signature_version=UNSIGNED,  # `_Signature` does it, at every attempt
                    retries={"total_max_attempts": 1, "mode": "standard"},  # the session repeats
                    parameter_validation=True,
                )
                client = self._session_of_boto().client(location.service, region_name=location.region, config=config)
                client.meta.events.register(f"before-send.{location.service}", self._send)
                self._client = client
            return self._client

    def _session_of_boto(self) -> Any:
        with self._lock:
            if self._chain is None:
                self._chain = boto3.Session(region_name=self.location.region)
            return self._chain

    def _found(self) -> Credentials | None:
        with self._lock:
            if self._credentials is None:
                try:
                    self._credentials = self._session_of_boto().get_credentials()
                except (BotoCoreError, ClientError) as error:
                    raise translated(error, "the credentials of AWS", self.location.region, "") from None
            return self._credentials

    def _source_if_known(self) -> str:
        return f"AWS ({self._credentials.method})" if self._credentials else "AWS"

    def _frozen(self) -> ReadOnlyCredentials:
        """The credentials of this moment; those that expire are renewed here by botocore."""
        found = self._found()
        if found is None:
            raise Unauthorized(
                f"AWS's own chain (variables, profile, SSO, web identity, container, instance) holds no credentials for "
                f"{self.location.service} in {self.location.region}",
                remedy=NO_CREDENTIALS,
            )
        frozen = found.get_frozen_credentials()
        for secret in (frozen.secret_key, frozen.token):
            announce(secret or "")
        return frozen

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items() if name.lower() in _CARRIED}
        body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
        answer = self._session.request(
            "POST", request.url, headers=headers, body=body, ok=_SPOKEN, idempotent=True,
            auth=_Signature(self, request.url, headers, body),
        )  # fmt: skip
        heard = {**answer.headers, **({_UNCERTAIN: "yes"} if answer.uncertain else {})}
        return AWSResponse(request.url, answer.status, heard, _Body(answer.body))

    def sign(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """The headers that sign this request now (Signature Version 4)."""
        request = AWSRequest("POST", url, headers=dict(headers), data=body)
        SigV4Auth(self._frozen(), self.location.service, self.location.region).add_auth(request)
        return {name: _text(value) for name, value in request.headers.items() if name in _SIGNED}


def is_uncertain(answer: Mapping[str, Any]) -> bool:
    """Whether an earlier attempt at this call broke off, and may have had its effect."""
    return _UNCERTAIN in answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})


class _Signature:
    """Signs one request anew for each attempt; implements `moorage.transport.exchange.Authorizer`."""

    def __init__(self, aws: Aws, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self._aws = aws
        self._url = url
        self._headers = headers
        self._body = body

    def headers(self) -> Mapping[str, str]:
        return self._aws.sign(self._url, self._headers, self._body)

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002 -- AWS answers 400 and 403, never 401
        return False


class _Body:
    """An answer's body the way botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self._content


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
