"""`python -m tests.provision`: bring what is missing, say what could not be brought.

Exit codes: 0 everything is there, or nothing could be attempted here and that was said; 1 something
that should have come did not. Tests that need a missing part fail by name either way.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.provision import base_image, engine, gitlab_ci, programs
from tests.provision.part import NotBrought, Part
from tests.provision.places import STATE

# Lanes run side by side; within one, each part may count on those before it. dpkg's lock orders the
# installs, so the browser, by far the largest, comes last in its lane.
LANES: tuple[tuple[Part, ...], ...] = (
    (engine.ENGINE, base_image.PART),
    (programs.REGISTRY, programs.SKOPEO, programs.RSYNC, programs.CHROMIUM),
    (engine.BUILDX, programs.CRANE_REGISTRY, programs.SCHEMAS, engine.CONTAINERD_STORE),
    (gitlab_ci.NODE22, gitlab_ci.GITLAB_CI_LOCAL_PART),
)

_speaking = threading.Lock()


def write_line(line: str) -> None:
    """Write at once: in CI's log these lines stand between those of other steps."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say(name: str, sentence: str) -> None:
    """One aligned line, whole even when lanes finish together."""
    with _speaking:
        write_line(f"  {name:<16} {sentence}")


def why_not_here() -> str:
    """Why nothing can be brought on this machine, "" when it can."""
    if not Path("/etc/debian_version").exists():
        return "this machine is not Debian"
    if os.geteuid() != 0:
        return "this is not root"
    STATE.mkdir(parents=True, exist_ok=True)
    if STATE.stat().st_uid != 0:
        # Programs are kept there and run as root: a directory that someone else made must not be trusted.
        return f"{STATE} belongs to another user"
    return ""


def bring(part: Part) -> bool:
    """Bring one part if it is missing; True when it is there afterwards."""
    found = part.there()
    if found:
        say(part.name, f"there: {found}")
        return True
    started = time.monotonic()
    problem = "it was installed and still cannot be found"
    try:
        part.bring()
        found = part.there()
    except (NotBrought, OSError) as error:
        problem = str(error)
    if found:
        say(part.name, f"brought in {time.monotonic() - started:.1f} s: {found}")
        return True
    say(part.name, f"NOT brought: {problem}. Cannot run: {part.without_it}.")
    return False


def bring_lane(lane: tuple[Part, ...]) -> int:
    """Bring a lane's parts in order; the number that are missing afterwards."""
    return sum(not bring(part) for part in lane)


def survey() -> None:
    """Say what is there and what is not, touching nothing."""
    for part in (part for lane in LANES for part in lane):
        found = part.there()
        say(part.name, f"there: {found}" if found else f"missing. Cannot run: {part.without_it}.")


def main() -> int:
    """Bring everything, or say why nothing can be brought here."""
    started = time.monotonic()
    reason = why_not_here()
    if reason:
        write_line(f"Real parts for the tests: nothing is brought, because {reason}.")
        survey()
        write_line("Tests that need a missing part fail, unless MOORAGE_TESTS_WITHOUT names its group.")
        return 0
    write_line(f"Real parts for the tests (state in {STATE}):")
    with ThreadPoolExecutor(len(LANES)) as pool:
        missing = sum(pool.map(bring_lane, LANES))
    outcome = f"{missing} could not be brought" if missing else "everything is there"
    write_line(f"Real parts: {outcome}, {time.monotonic() - started:.1f} s.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
