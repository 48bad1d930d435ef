"""One adaptive budget of requests per host, shared by all threads: when one is told to slow down, all do."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from moorage.errors import Throttled
from moorage.transport import retry
from moorage.transport.exchange import Answer
from moorage.transport.wire import Clock

_LONGEST_PACE: Final = 1.0  # seconds between requests when a limit nears its end
_ASK_AGAIN: Final = 0.5  # seconds: how often who waits for a turn looks whether there is time for it


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit that the vendor documents: `per_minute` points, of which a request costs one or what `costs` says of its method.

    `burst` points may be spent at once; the rest trickles in.
    """

    per_minute: float
    costs: Mapping[str, float] = field(default_factory=dict)
    burst: float = 10.0


class Gate:
    """Lets requests to one host pass. Thread-safe.

    The number of requests at once starts at `parallel`, is halved when the server says 429 or 503, and grows back by one for
    every round of successes. `hold` stops all threads for a while.
    """

    def __init__(self, host: str, parallel: int, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._most = max(1, parallel)
        self._limit = float(self._most)
        self._inside = 0
        self._free = threading.Condition()
        self._held_until = clock.monotonic()
        self._pace = 0.0
        self._shrunk_at = self._held_until
        self._budget: Budget | None = None
        self._points = 0.0
        self._counted_at = self._held_until
        self.struggling = False  # the last that was heard of this host was a refusal after all patience

    def declare(self, budget: Budget) -> None:
        """Keep to a documented limit from now on."""
        with self._free:
            self._budget, self._points = budget, budget.burst
            self._counted_at = self._clock.monotonic()

    @property
    def limit(self) -> int:
        """How many requests may be under way right now."""
        return max(1, int(self._limit))

    def enter(self, method: str, patience: Callable[[], float]) -> None:
        """Wait for this request's turn; `leave` has to follow. `patience` gives the longest wait allowed, in seconds.

        Raises Throttled when the host asked for a longer wait, or there is none left to wait for a turn in.
        """
        while True:
            with self._free:
                while (wait := self._due(method)) <= 0 and self._inside >= self.limit:
                    if patience() <= 0:
                        raise Throttled(f"{self._host} is still busy with other requests of this run, whose time is up")
                    self._free.wait(_ASK_AGAIN)
                if wait <= 0:
                    self._inside += 1
                    self._spend(method)
                    return
            if wait > patience():
                raise Throttled(f"{self._host} asks to wait {wait:.0f} s, longer than this run may")
            self._clock.sleep(max(wait, 0.001))  # less is lost in the clock's own rounding

    def leave(self) -> None:
        with self._free:
            self._inside -= 1
            self._free.notify()

    def hold(self, seconds: float) -> None:
        """Let nobody pass for so long; a hold that is already longer stays."""
        with self._free:
            self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def learn(self, answer: Answer) -> None:
        """Adapt to what the host just answered."""
        now = self._clock.monotonic()
        with self._free:
            if answer.status == 503 or retry.is_throttled(answer):
                if now > self._shrunk_at:  # the answers to one volley count once
                    self._limit, self._shrunk_at = max(1.0, self._limit / 2), now
            else:
                self._limit = min(float(self._most), self._limit + 1 / self._limit)
                self.struggling = False
            self._follow_headers(answer.headers, now)
            self._free.notify_all()

    def _follow_headers(self, headers: Mapping[str, str], now: float) -> None:
        left = retry.remaining(headers)
        if left is None:
            return
        reset = retry.reset_in(headers, self._clock.now())
        self._pace = 0.0
        if left < 2 * self._most:
            self._limit = max(1.0, min(self._limit, float(left)))
            self._pace = min(_LONGEST_PACE, reset / max(1, left)) if reset else 0.0
        if left == 0 and reset:
            self._held_until = max(self._held_until, now + reset)
        elif self._pace:
            self._held_until = max(self._held_until, now + self._pace)

    def _due(self, method: str) -> float:
        """Seconds until the next request may go, by holds and by the documented limit."""
        now = self._clock.monotonic()
        return max(self._held_until - now, self._refill(method, now))

    def _refill(self, method: str, now: float) -> float:
        if self._budget is None:
            return 0.0
        rate = self._budget.per_minute / 60
        self._points = min(self._budget.burst, self._points + (now - self._counted_at) * rate)
        self._counted_at = now
        missing = min(self._budget.costs.get(method, 1.0), self._budget.burst) - self._points
        return missing / rate if missing > 1e-9 else 0.0

    def _spend(self, method: str) -> None:
        if self._budget is not None:
            self._points -= self._budget.costs.get(method, 1.0)
        if self._pace:
            self._held_until = max(self._held_until, self._clock.monotonic() + self._pace)
