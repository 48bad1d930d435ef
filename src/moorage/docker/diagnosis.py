"""Reading docker's mind: what a failed command means and whether it is worth another try.

The docker command has one exit code for every failure (1) and says the rest in prose, so here, and nowhere else, text is looked
at. A phrase that is missing costs a retry or a good remedy, never correctness: what was pushed is read back from the registry.
"""

import re
from dataclasses import dataclass
from typing import Final

from moorage.transport import redact

_LAST_LINES: Final = 6
_LIMIT: Final = 1200  # characters
_FRAME: Final = "------"  # around the lines of the step that failed, which BuildKit repeats at the end
_DRAWN: Final = re.compile(r"-+|[0-9]+ \|.*")  # its frames, and the piece of the Dockerfile inside of them

# As dockerd 20.10 to 28 and Go's net/http word them (seen 2026-11, or in moby/moby and registry vendors' issues where named).
TRANSIENT: Final[tuple[str, ...]] = (
    r"TLS handshake timeout",
    r"i/o timeout",
    r"Client\.Timeout exceeded",
    r"timeout awaiting response headers",
    r"request canceled while waiting for connection",
    r"context deadline exceeded",
    r"connection reset by peer",
    r"broken pipe",
    r"unexpected EOF",
    r": EOF$",
    r"server sent GOAWAY",
    r"Temporary failure in name resolution|server misbehaving",
    r"(?:HTTP status|status code|HTTP response)[^\n]{0,20}\b5\d\d\b",
    r"\b50[0234] (?:Internal Server Error|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out)",
    r"internal server error",
    r"\bunknown blob\b|blob upload unknown",  # moby/moby#36823, GHCR: gone a moment after it was uploaded
    r"toomanyrequests|too many requests|\b429\b",
)
_TRANSIENT = re.compile("|".join(TRANSIENT), re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure that has a remedy of its own."""

    pattern: re.Pattern[str]
    remedy: str


_CAUSES: Final = tuple(
    Cause(re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        (
            r"Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API",
            "Start the engine, mount its socket (/var/run/docker.sock) or set DOCKER_HOST; --engine registry works without one.",
        ),
        (
            r"permission denied while trying to connect",
            "Run as a user of the socket's group (usually docker) or as root; or use --engine registry, which needs no socket.",
        ),
        (
            r"no basic auth credentials|unauthorized|authentication required|denied: |access to the resource is denied",
            "Give a login that may do this: --registry, --username and --password, --registry-auth, or a Docker config with one.",
        ),
        (
            r"server gave HTTP response to HTTPS client",
            "Add it to insecure-registries in the engine's daemon.json, or use --engine registry --insecure-registry HOST.",
        ),
        (
            r"x509: |certificate signed by unknown authority",
            "Give the engine the registry's authority in /etc/docker/certs.d/HOST:PORT/ca.crt; --ca-file does not reach it.",
        ),
        (
            r"docker-credential-\S+|error getting credentials",
            "Install the credential helper named above, or take it out of the Docker config.",
        ),
        (r"no space left on device", "Free space where the engine keeps its data."),
    )
)


def is_transient(text: str) -> bool:
    """Whether what docker wrote speaks of something that may pass."""
    return _TRANSIENT.search(text) is not None


def remedy_for(text: str) -> str | None:
    """What to do about what docker wrote, None for what is not known."""
    return next((cause.remedy for cause in _CAUSES if cause.pattern.search(text)), None)


def last_lines(text: str) -> str:
    """The end of what docker wrote, on one line, without secrets."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    frames = [number for number, line in enumerate(lines) if line == _FRAME]
    told = lines[frames[-2] :] if len(frames) > 1 else lines
    return redact.text(" | ".join([line for line in told if not _DRAWN.fullmatch(line)][-_LAST_LINES:]), _LIMIT)
