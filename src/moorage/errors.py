"""What can go wrong, as one tree. Each class carries its exit code, its JSON code and a remedy.

    Failure                     1   unexpected
    ├─ ConfigurationError       2   options missing, unknown or contradictory: all of them at once
    ├─ RegistryError            3
    │  ├─ Unauthorized              which option or secret
    │  ├─ Denied                    which scope or role
    │  │  └─ ItemRefused            this one image may not go; the others may
    │  ├─ NotFound
    │  ├─ Unsupported               what it can do instead; nothing was changed
    │  ├─ Throttled                 waited, still refused
    │  └─ Unreachable               network, TLS, 5xx after retries
    │     ├─ OutOfTime              the time budget was used up before an answer came
    │     └─ Contradiction          an answer that is not what was asked for: wrong digest, broken paging
    ├─ DockerError              4   the docker command, its exit code, its last lines
    ├─ PartialFailure           5   some of the work failed; carries what did and did not happen
    └─ Refused                  6   a guard stopped it before anything was changed

Every message says what happened and to which thing; the remedy says what to do next. Messages never hold secrets: what comes
from outside passes `moorage.transport.redact` first.
"""

from collections.abc import Iterable
from typing import ClassVar


class Failure(Exception):
    """Root of everything Moorage raises on purpose; the command line prints it and exits with `exit_code`."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "unexpected"
    default_remedy: ClassVar[str] = "Run again with --log-level debug and report what you see."

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy if remedy is not None else self.default_remedy

    @property
    def problems(self) -> tuple[str, ...]:
        """Each separate mistake or failed item; one entry, the message, where there is only one."""
        return (self.message,)


class ConfigurationError(Failure):
    """The request itself is wrong. Raised once, with every mistake that could be found, before any work."""

    exit_code = 2
    code = "configuration"
    default_remedy = "Correct the options named above; docs/options.md lists all of them."

    def __init__(self, *problems: str, remedy: str | None = None) -> None:
        self._problems = problems
        super().__init__("; ".join(problems), remedy=remedy)

    @property
    def problems(self) -> tuple[str, ...]:
        return self._problems

    @classmethod
    def gathered(cls, errors: Iterable["ConfigurationError"]) -> "ConfigurationError | None":
        """One error out of many, or None when there was none; the first remedy that differs from the default wins."""
        found = list(errors)
        if not found:
            return None
        remedies = [error.remedy for error in found if error.remedy != cls.default_remedy]
        problems = dict.fromkeys(problem for error in found for problem in error.problems)
        return cls(*problems, remedy=remedies[0] if remedies else None)


class RegistryError(Failure):
    """A registry, or the way to it, did not do what was asked."""

    exit_code = 3
    code = "unexpected"
    default_remedy = "Run `moorage doctor` with the same address; it names what the registry allows."


class Unauthorized(RegistryError):
    """The registry does not know who is asking (401)."""

    code = "unauthorized"
    default_remedy = "Log in, or give the credential options of this registry; `moorage doctor` says which were found."


class Denied(RegistryError):
    """The registry knows who is asking and says no (403)."""

    code = "denied"
    default_remedy = "Grant the scope or role named above; `moorage doctor` lists what each command needs."


class ItemRefused(Denied):
    """The registry refuses this one tag or manifest (locked, immutable, protected, still referenced), not its siblings."""

    default_remedy = "Lift the protection of this item in the registry, or leave it: everything else was handled."


class NotFound(RegistryError):
    """The repository, tag, manifest or blob is not there (404)."""

    code = "not-found"
    default_remedy = "Check the spelling of the address; a registry may also answer this way for missing rights."


class Unsupported(RegistryError):
    """This registry cannot do what was asked. Said before anything is changed."""

    code = "unsupported"
    default_remedy = "Use what the registry does offer; docs/registries.md has the table."


class Throttled(RegistryError):
    """The registry limits requests (429, GitHub's 403), and still does after the waits that the time budget allows."""

    code = "throttled"
    default_remedy = "Run again later, lower --parallel, or raise --time-budget; the next run goes on where this one stopped."


class Unreachable(RegistryError):
    """No answer, no trustworthy TLS, or a server error that outlived the retries."""

    code = "unreachable"
    default_remedy = "Check the address, the network and --ca-file / --insecure-registry."


class OutOfTime(Unreachable):
    """The run's own time budget was used up before an answer came; nobody is to blame."""

    default_remedy = "Raise --time-budget, or run again: the next run goes on where this one stopped."


class Contradiction(Unreachable):
    """An answer that cannot be true: bytes that do not match their digest, paging that never ends, sizes beyond the limits."""

    default_remedy = "Nothing that rests on this answer was changed. Check the registry and proxies in between, then run again."


class DockerError(Failure):
    """A docker command failed; the message holds the command, its exit code and its last lines."""

    exit_code = 4
    code = "docker"
    default_remedy = "Run the docker command named above by hand with the same DOCKER_CONFIG."


class PartialFailure(Failure):
    """Some of the work failed or remains. What happened and what did not is in the report; this carries the sum."""

    exit_code = 5
    code = "partial"
    default_remedy = "Run the same command again: what is done is not done twice."

    def __init__(self, message: str, *, items: Iterable[str] = (), remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self._items = tuple(items)

    @property
    def problems(self) -> tuple[str, ...]:
        return self._items or (self.message,)


class Refused(Failure):
    """A guard stopped the run before anything was changed."""

    exit_code = 6
    code = "refused"
    default_remedy = "Look at the plan (--dry-run), then raise the guard that is named above, on purpose."
