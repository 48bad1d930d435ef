"""What goes out and what comes back: uploads, answers, and who signs a request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from moorage.errors import Contradiction
from moorage.transport import redact


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is streamed: `open` opens it anew for each attempt, and it holds exactly `size` bytes."""

    open: Callable[[], BinaryIO]
    size: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    `headers` are looked up without regard to case. `body` is decoded and complete; with `stream=True` it is empty and `stream`
    gives the bytes instead, to be closed by the receiver. `url` is the address that answered at last, after redirects.
    `uncertain` says that an earlier attempt broke off or met a server error, and may have had its effect.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    body: bytes = b""
    stream: BinaryIO | None = field(default=None, compare=False)
    uncertain: bool = False

    def json(self) -> Any:
        """The body as JSON. Raises Contradiction where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Contradiction(f"{redact.url(self.url)} answered {self.status} with what is not JSON") from None


class Authorizer(Protocol):
    """Signs requests. What it gives goes to the origin of the request alone, never along with a redirect to another one."""

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who is asking; empty for anonymous."""

    def renew(self, answer: Answer) -> bool:
        """After a 401: whether asking again is worth it, with what `headers` gives now. Asked once per request."""
