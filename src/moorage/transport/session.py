"""The one HTTP session of a run: every request of every vendor goes through here.

It verifies TLS, refuses plain HTTP where that is not allowed, follows redirects without taking credentials along, repeats what
may be repeated, waits when it is told to, limits the requests under way per host, and turns all trouble into Moorage's errors.
"""

import logging
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Self

from moorage.auth.origin import Origin
from moorage.errors import Contradiction, OutOfTime, Throttled
from moorage.transport import outcome, redact, retry
from moorage.transport.exchange import Answer, Authorizer, Upload
from moorage.transport.rate import Budget, Gate
from moorage.transport.retry import LONGEST_WAIT, Retries
from moorage.transport.sender import ANSWER_LIMIT, Call, Sender
from moorage.transport.stream import Outgoing
from moorage.transport.wire import Clock, Wire

__all__ = ["ANSWER_LIMIT", "Answer", "Authorizer", "Budget", "Clock", "Retries", "Session", "Upload", "Wire"]

SUCCESS: Final = range(200, 300)
_MOST_REDIRECTS: Final = 5
_log = logging.getLogger("moorage.transport")


class Session:
    """Thread-safe; one per run, closed at its end (it is a context manager).

    `counts` says how many requests were sent, per method and host.
    """

    def __init__(self, wire: Wire | None = None, *, clock: Clock | None = None, retries: Retries | None = None) -> None:
        self.wire = wire or Wire()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._clock = clock or Clock()
        self._retries = retries or Retries()
        self._sender = Sender(self.wire, self._clock, self._count)
        self._gates: dict[str, Gate] = {}
        self._schemes: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all pooled connections."""
        self._sender.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: bytes | Upload | None = None,
        ok: Collection[int] = SUCCESS,
        auth: Authorizer | None = None,
        idempotent: bool | None = None,
        retry_on: Collection[int] = retry.SERVER_TROUBLE,
        stream: bool = False,
        limit: int = ANSWER_LIMIT,
        remedy: str | None = None,
    ) -> Answer:
        """Send a request until it has an answer that counts, and return that answer when its status is among `ok`.

        `idempotent` says whether sending twice does no harm; by default GET, HEAD, PUT, DELETE and OPTIONS are. Others are only
        repeated where the server said that it did nothing (429). `retry_on` are the statuses after which it is sent again.
        A limit that the server sets is waited for whatever `ok` says: GitHub's is a 403 like its refusals.
        `limit` is the size in bytes that the answer may have, decoded. With `stream` the body is not read; close `Answer.stream`.
        `remedy` replaces the default advice of the error for a refused request.

        Raises Unauthorized (401), Denied (403), NotFound (404, 410), Unsupported (405, 501, OCI code UNSUPPORTED), ItemRefused
        (409, 412, 423), Throttled, Unreachable (network, TLS, 5xx, the time budget), Contradiction (an answer larger than
        `limit`, an unexpected success, a redirect that must not be followed), RegistryError for other refusals;
        ConfigurationError for plain HTTP that is not allowed.
        """
        repeatable = method in retry.REPEATABLE if idempotent is None else idempotent
        call = Call(method, self._sender.spell(url, params), dict(headers or {}), body, stream, limit)
        answer = self._persist(call, auth, ok, retry_on if repeatable else (), repeatable=repeatable)
        if answer.status in ok:
            return answer
        raise outcome.refusal(method, answer, remedy=remedy)

    def knock(self, host: str, path: str, *, ok: Collection[int] = SUCCESS) -> tuple[str, Answer]:
        """Ask `path` of a host without credentials, finding out whether it speaks https or http; returns `scheme://host` too.

        Plain HTTP is only tried where it is allowed: first for loopback names, where TLS is rare, and after https for the hosts
        of `--insecure-registry`. A certificate that cannot be verified is an error and never a reason for plain HTTP.
        """
        https, http = f"https://{host}", f"http://{host}"
        origin = Origin.of(self._sender.spell(https, None))
        known = self._schemes.get(host)
        if known or not self.wire.allows_plain(origin):
            base = f"{known or 'https'}://{host}"
            return base, self.request("GET", base + path, ok=ok)
        base, answer = self._try_both(*((http, https) if origin.is_loopback else (https, http)), path)
        self._schemes[host] = Origin.of(base).scheme
        if answer.status in ok:
            return base, answer
        return base, self.request("GET", base + path, ok=ok)  # once more with patience, or for its error

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Requests of this thread are not cut off by the time budget: for the second half of what must not stay half done."""
        before = getattr(self._thread, "finishing", False)
        self._thread.finishing = True
        try:
            yield
        finally:
            self._thread.finishing = before

    def declare(self, host: str, budget: Budget) -> None:
        """Keep to a limit that the vendor documents for this host (`HOST` or `HOST:PORT`, as in URLs)."""
        self._gate(host).declare(budget)

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt at something larger than one request; `attempt` counts from 1."""
        self._clock.sleep(max(0.0, min(self._retries.backoff(attempt, self._clock.jitter), self._patience())))

    def _persist(
        self, call: Call, auth: Authorizer | None, ok: Collection[int], retry_on: Collection[int], *, repeatable: bool
    ) -> Answer:
        attempt, waited, renewed, uncertain = 0, 0.0, False, False
        while True:
            attempt += 1
            signed = replace(call, headers={**call.headers, **auth.headers()}) if auth else call
            answer = self._attempt(signed, attempt, repeatable=repeatable)
            if answer is None:
                uncertain = True
                continue
            gate = self._gate(Origin.of(answer.url).authority)
            if answer.status in ok and answer.status != 401 and not retry.is_throttled(answer):
                return replace(answer, uncertain=uncertain)
            if answer.status == 401 and auth is not None and not renewed and auth.renew(answer):
                renewed = True
            elif retry.is_throttled(answer):
                waited += self._hold(call.method, gate, answer, attempt, waited)
            elif answer.status in retry_on and attempt < self._tries(gate):
                uncertain = True
                self._wait(self._after(answer, attempt), outcome.refusal(call.method, answer))
            else:
                return replace(answer, uncertain=uncertain)

    def _attempt(self, call: Call, attempt: int, *, repeatable: bool) -> Answer | None:
        """One try, redirects followed. None when no answer came and another try makes sense; the wait before it is over then."""
        gate = self._gate(Origin.of(call.url).authority)
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                gate = self._gate(Origin.of(call.url).authority)
                answer = self._hop(call, gate)
                following = self._sender.redirected(call, answer)
                if following is None:
                    return answer
                call = following
        except outcome.NoAnswer as lost:
            if not repeatable or attempt >= min(self._tries(gate), lost.attempts or self._retries.attempts):
                gate.struggling = repeatable
                raise lost.failure from None
            failure = lost.failure
        else:
            raise Contradiction(f"{call.method} {redact.url(call.url)}: more than {_MOST_REDIRECTS} redirects led here")
        self._wait(self._retries.backoff(attempt, self._clock.jitter), failure)
        return None

    def _hop(self, call: Call, gate: Gate) -> Answer:
        if self._patience() <= 0:
            raise OutOfTime(f"{call.method} {redact.url(call.url)}: the time budget is used up")
        body = self._sender.open_body(call)  # before the gate: it may be the answer of another request to the same host
        try:
            gate.enter(call.method, self._patience)
            try:
                answer = self._sender.send(call, body, self._patience)
                gate.learn(answer)
            finally:
                gate.leave()
        finally:
            if isinstance(body, Outgoing):
                body.close()
        return answer

    def _tries(self, gate: Gate) -> int:
        """A host that exhausted all patience a moment ago gets little of it for the next request, until it answers again."""
        return 2 if gate.struggling else self._retries.attempts

    def _after(self, answer: Answer, attempt: int) -> float:
        asked = retry.asked_wait(answer.headers, self._clock.now())
        return asked if asked is not None else self._retries.backoff(attempt, self._clock.jitter)

    def _hold(self, method: str, gate: Gate, answer: Answer, attempt: int, waited: float) -> float:
        """Make all threads of this host wait as long as it asks. Raises Throttled when that is too long or was too often."""
        wait = self._after(answer, attempt)
        most = 1 if gate.struggling else self._retries.throttled_attempts
        if attempt >= most or wait > self._patience() or waited + wait > LONGEST_WAIT:
            gate.struggling = True
            said = f"; it asks to wait {wait:.0f} s" if wait > 1 else ""
            raise Throttled(f"{outcome.refusal(method, answer).message}, at attempt {attempt}{said}")
        _log.info("%s limits requests: waiting %.1f s", Origin.of(answer.url).authority, wait)
        gate.hold(wait)
        return wait

    def _wait(self, seconds: float, failure: Exception) -> None:
        if seconds > self._patience():
            raise failure
        self._clock.sleep(seconds)

    def _patience(self) -> float:
        """The longest that anything may take right now, in seconds."""
        left = None if getattr(self._thread, "finishing", False) else self.wire.deadline()
        return LONGEST_WAIT if left is None else min(LONGEST_WAIT, left)

    def _try_both(self, first: str, second: str, path: str) -> tuple[str, Answer]:
        """One attempt each. Over http, a 400 is how Go and nginx say "this port speaks TLS", and a redirect leads there."""
        tried = self._ask_once(first + path)
        if isinstance(tried, Answer) and (first.startswith("https:") or not (tried.status == 400 or 300 <= tried.status < 400)):
            return first, tried
        if isinstance(tried, outcome.NoAnswer) and tried.untrusted:
            raise tried.failure
        other = self._ask_once(second + path)
        if isinstance(other, Answer):
            return second, other
        if other.untrusted:
            raise other.failure
        return first, tried if isinstance(tried, Answer) else self.request("GET", first + path, ok=range(100, 600))

    def _ask_once(self, url: str) -> Answer | outcome.NoAnswer:
        try:
            return self._sender.send(Call("GET", url, {}), None, self._patience)
        except outcome.NoAnswer as lost:
            return lost

    def _gate(self, host: str) -> Gate:
        with self._lock:
            return self._gates.setdefault(host, Gate(host, self.wire.parallel, self._clock))

    def _count(self, method: str, host: str) -> None:
        with self._lock:
            self.counts[method, host] += 1
