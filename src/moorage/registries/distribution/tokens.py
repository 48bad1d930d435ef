"""Bearer tokens: fetched once per set of scopes, shared by all threads, renewed before they expire.

Protocol: distribution's token.md (GET with Basic) and oauth.md (POST with a refresh token). A token service leaves actions that
it refuses out of the token without a word, so a token proves nothing until the registry takes it.
"""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from moorage.auth.credential import Basic, Credential, IdentityToken
from moorage.auth.origin import Origin
from moorage.auth.realm import check_realm
from moorage.auth.secret import Secret
from moorage.errors import Contradiction, NotFound, Unauthorized, Unsupported
from moorage.registries.distribution.challenge import Challenge
from moorage.transport import outcome, redact
from moorage.transport.session import SUCCESS, Answer, Session

_CLIENT: Final = "moorage"
_DEFAULT_LIFETIME: Final = 60.0  # seconds, where the service does not say (token.md)
_ANSWERS: Final = frozenset({*SUCCESS, 400})
_MARGIN: Final = 10.0  # seconds before the expiry at which a token is renewed, at most a fifth of its life


def basic_header(credential: Basic) -> str:
    """The value of `Authorization`; known as a secret from now on, as it is the password in another spelling."""
    pair = f"{credential.username}:{credential.password.reveal()}".encode()
    return f"Basic {Secret(b64encode(pair).decode()).reveal()}"


@dataclass(frozen=True, slots=True)
class _Held:
    token: Secret
    until: float  # monotonic seconds


class Tokens:
    """The tokens of one registry, by scopes. Thread-safe; each set of scopes is asked for once, however many threads want it."""

    def __init__(
        self, registry: Origin, session: Session, realms: frozenset[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._session = session
        self._realms = realms
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._busy: dict[frozenset[str], threading.Lock] = {}
        self._held: dict[frozenset[str], _Held] = {}
        self._refresh: Secret | None = None  # a service may give a new refresh token with each use

    def token(self, challenge: Challenge, scopes: frozenset[str], credential: Credential | None) -> Secret:
        """Raises Denied for a realm that must not be asked, Unauthorized for refused credentials, Contradiction for nonsense."""
        with self._lock:
            busy = self._busy.setdefault(scopes, threading.Lock())
        with busy:
            held = self._held.get(scopes)
            if held is None or held.until <= self._monotonic():
                held = self._held[scopes] = self._fetch(challenge, scopes, credential)
            return held.token

    def drop(self, scopes: frozenset[str], token: Secret) -> None:
        """Forget a token that the registry refused; one that another thread has fetched since then stays."""
        with self._lock:
            held = self._held.get(scopes)
            if held is not None and held.token == token:
                del self._held[scopes]

    def _fetch(self, challenge: Challenge, scopes: frozenset[str], credential: Credential | None) -> _Held:
        realm = challenge["realm"]
        wire = self._session.wire
        check_realm(
            realm, self._registry, with_password=credential is not None,
            listed=self._realms, allowed=wire.allow_realms, plain=wire.insecure,
        )  # fmt: skip
        started = self._monotonic()
        try:
            answer = self._ask(realm, challenge["service"], sorted(scopes), credential)
            if answer.status == 400:
                answer = self._ask_for_less(answer, realm, challenge["service"], sorted(scopes), credential)
        except Unauthorized as error:
            source = f" from {credential.source}" if credential else ""
            raise Unauthorized(
                f"the token service of {self._registry} refuses the credentials{source}: {error.message}"
            ) from None
        except (NotFound, Unsupported) as error:
            raise Contradiction(f"{self._registry} names a token service that gives no tokens: {error.message}") from None
        return self._read(answer, started)

    def _ask_for_less(self, answer: Answer, realm: str, service: str, scopes: list[str], credential: Credential | None) -> Answer:
        """After a 400: the same without `delete`, a word that Quay does not know nor need (its source, seen 2026-11)."""
        fewer = [scope.removesuffix(",delete") for scope in scopes]
        if fewer != scopes:
            answer = self._ask(realm, service, fewer, credential)
        if answer.status == 400:
            raise outcome.refusal("GET", answer)
        return answer

    def _ask(self, realm: str, service: str, scopes: list[str], credential: Credential | None) -> Answer:
        if isinstance(credential, IdentityToken):
            form = {
                "grant_type": "refresh_token", "service": service, "client_id": _CLIENT, "scope": " ".join(scopes),
                "refresh_token": (self._refresh or credential.token).reveal(),
            }  # fmt: skip
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            return self._session.request(
                "POST", realm, headers=headers, body=urlencode(form).encode(), ok=_ANSWERS, idempotent=True
            )
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        headers = {"Accept": "application/json"}
        if isinstance(credential, Basic):
            query.append(("account", credential.username))
            headers["Authorization"] = basic_header(credential)
        joint = "&" if "?" in realm else "?"
        return self._session.request("GET", f"{realm}{joint}{urlencode(query)}", headers=headers, ok=_ANSWERS)

    def _read(self, answer: Answer, started: float) -> _Held:
        document = answer.json()
        fields: Mapping[str, object] = document if isinstance(document, dict) else {}
        token = fields.get("token") or fields.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Contradiction(f"{redact.url(answer.url)} answered without a token")
        refresh = fields.get("refresh_token")
        if isinstance(refresh, str) and refresh:
            self._refresh = Secret(refresh)
        lifetime = fields.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) and 0 < lifetime < 1e7 else _DEFAULT_LIFETIME
        return _Held(Secret(token), started + seconds - min(_MARGIN, seconds / 5))
