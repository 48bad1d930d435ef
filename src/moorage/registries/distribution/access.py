"""How to get into one registry: its first challenge, the credential that answers it, and the signature of each call."""

import threading
from collections.abc import Mapping

from moorage.auth.credential import Basic, Bearer, Credential, Keychain, Renewing
from moorage.auth.origin import Origin
from moorage.auth.secret import Secret
from moorage.errors import Denied, NotFound, RegistryError, Unauthorized
from moorage.oci.reference import Registry
from moorage.registries.distribution.challenge import Challenge, chosen
from moorage.registries.distribution.scope import missing_scopes
from moorage.registries.distribution.tokens import Tokens, basic_header
from moorage.transport import outcome
from moorage.transport.session import Answer, Session


class Access:
    """Thread-safe; the registry is pinged and the keychain asked once, on first use.

    `host` is where the API answers when that is another name than the registry's (Docker Hub). `realms` are hosts of token
    services that the vendor lists as its own; `*` takes the registry's word for it.
    """

    def __init__(
        self, registry: Registry, session: Session, keychain: Keychain, *, host: str = "", realms: frozenset[str] = frozenset()
    ) -> None:
        self.registry = registry
        self.session = session
        self._keychain = keychain
        self._host = host or registry.name
        self._realms = realms
        self._lock = threading.RLock()
        self._base = ""
        self._challenge: Challenge | None = None
        self._tokens: Tokens | None = None
        self._credential: Credential | None = None
        self._asked = False
        self._beside: dict[tuple[str, ...], tuple[str, ...]] = {}

    @property
    def base(self) -> str:
        """`https://HOST`, or `http://HOST` where that is allowed and the registry does not speak TLS.

        Raises NotFound where no distribution API answers.
        """
        with self._lock:
            if not self._base:
                try:
                    base, answer = self.session.knock(self._host, "/v2/", ok={200, 401})
                except NotFound as error:
                    raise NotFound(f"{self._host} is no registry: {error.message}") from None
                self._challenge = chosen(answer.headers.get("www-authenticate", "")) if answer.status == 401 else None
                self._tokens = Tokens(Origin.of(base), self.session, self._realms)
                self._base = base
            return self._base

    @property
    def credential(self) -> Credential | None:
        """What the keychain has for this registry."""
        with self._lock:
            if not self._asked:
                self._credential, self._asked = self._keychain.credential(self.registry), True
            return self._credential

    def signer(self, scopes: tuple[str, ...]) -> "Signer":
        """Signs one request that needs these scopes, and those that the registry has asked for beside them before."""
        return Signer(self, scopes, self._beside.get(scopes, ()))

    def ask_beside(self, scopes: tuple[str, ...], more: tuple[str, ...]) -> None:
        """From now on ask for more at once: the registry said that these scopes do not do, and the token service granted more."""
        with self._lock:
            self._beside[scopes] = more

    def token(self, scopes: tuple[str, ...]) -> Secret | None:
        """A token for these scopes, None where the registry wants none."""
        challenge = self.challenge
        if challenge is None or challenge.scheme != "bearer" or self._tokens is None:
            return None
        credential = self.credential
        if isinstance(credential, Bearer):
            return credential.token
        try:
            return self._tokens.token(challenge, frozenset(scopes), credential)
        except Unauthorized:
            if not self.renewed(credential):
                raise
            return self._tokens.token(challenge, frozenset(scopes), self.credential)

    def renewed(self, refused: Credential | None) -> bool:
        """Whether there is another credential by now than the one that was refused, asking the keychain for one."""
        with self._lock:
            if self._credential != refused:
                return True  # another thread was here
            if not isinstance(self._keychain, Renewing) or not self._keychain.renew(self.registry):
                return False
            self._credential = self._keychain.credential(self.registry)
            return True

    @property
    def challenge(self) -> Challenge | None:
        """What the registry wants to see, None for nothing so far."""
        return self._challenge if self.base else None

    def meet(self, challenge: Challenge) -> None:
        """Take note of a challenge that came later than the ping: registries that are open for pulls challenge only pushes."""
        with self._lock:
            self._challenge = challenge

    def drop(self, scopes: tuple[str, ...], token: Secret) -> None:
        if self._tokens is not None:
            self._tokens.drop(frozenset(scopes), token)

    def forbidden(self, error: Denied, scopes: tuple[str, ...]) -> Denied:
        """The error for a 403, with advice that names what to grant to whom."""
        if type(error) is not Denied or error.remedy != Denied.default_remedy or not self._asked:  # it has better advice
            return error
        who = f"the account of the credentials from {self.credential.source}" if self.credential else "anonymous users"
        return Denied(error.message, remedy=f"Grant {' '.join(scopes)} to {who}, or use another account.")

    def refused(self, method: str, answer: Answer, scopes: tuple[str, ...]) -> RegistryError:
        """The error for a 401 that no renewed token could avert."""
        said = outcome.refusal(method, answer).message
        credential = self.credential
        host = self.registry.name
        if credential is None:
            return Unauthorized(
                f"{said}; no credentials for {host} were found", remedy=f"Log in to {host}, or give its credential options."
            )
        challenge = chosen(answer.headers.get("www-authenticate", "")) or self._challenge
        if challenge is None or challenge.scheme not in {"bearer", "basic"}:
            asked = challenge.scheme if challenge else "nothing in particular"
            return Unauthorized(f"{said}; {host} asks for {asked}, which Moorage does not speak")
        if challenge.scheme == "bearer" and not isinstance(credential, Bearer):
            needed = " ".join(scopes)
            return Denied(
                f"{said}; the credentials from {credential.source} do not grant {needed}",
                remedy=f"Grant {needed} to this account, or use one that has it.",
            )
        return Unauthorized(f"{said}; the credentials from {credential.source} are refused")


class Signer:
    """One request's signature; implements `moorage.transport.exchange.Authorizer`."""

    def __init__(self, access: Access, scopes: tuple[str, ...], more: tuple[str, ...] = ()) -> None:
        self._access = access
        self._needed = scopes
        self.scopes = (*scopes, *more)
        self._added = False
        self._sent: Secret | None = None
        self._by: Credential | None = None
        self._signed = False

    def headers(self) -> Mapping[str, str]:
        challenge = self._access.challenge
        self._signed = False
        if challenge is None:
            return {}
        self._by = self._access.credential
        self._sent = self._access.token(self.scopes)
        if self._sent is not None:
            if self._added:
                self._access.ask_beside(self._needed, self.scopes[len(self._needed) :])
            self._signed = True
            return {"Authorization": f"Bearer {self._sent.reveal()}"}
        credential = self._access.credential
        if challenge.scheme == "basic" and isinstance(credential, Basic):
            self._signed = True
            return {"Authorization": basic_header(credential)}
        return {}

    def renew(self, answer: Answer) -> bool:
        challenge = chosen(answer.headers.get("www-authenticate", ""))
        if challenge is None:
            return False
        self._access.meet(challenge)
        if not self._signed:
            return challenge.scheme == "bearer" or (challenge.scheme == "basic" and isinstance(self._access.credential, Basic))
        if isinstance(self._by, Bearer) or challenge.scheme == "basic":
            return self._access.renewed(self._by)
        if challenge.scheme != "bearer" or self._sent is None:
            return False
        missing = missing_scopes(challenge["scope"], self.scopes)
        if missing:  # the registry's own words for what it needs (older GitLabs want `*` for a deletion)
            self.scopes, self._added = (*self.scopes, *missing), True
            return True
        if challenge["error"] == "insufficient_scope":
            return False
        self._access.drop(self.scopes, self._sent)
        return True
