"""Attestations that a builder makes beside an image: provenance, and a list of what is in it (SBOM)."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from moorage.auth.secret import blank
from moorage.docker.engine import Docker

# The type of a driver as the engine reports it; with it buildx lets the engine's own builder attest (seen 2026-11, engine 28.5).
_CONTAINERD_STORE: Final = ["driver-type", "io.containerd.snapshotter.v1"]
_DRIVER: Final = re.compile(r"^Driver:\s+(\S+)\s*$", re.MULTILINE)


def can_attest(docker: Docker, settings: Mapping[str, str]) -> bool:
    """Whether the builder that buildx would use keeps an image and its attestations together. Raises DockerError.

    `settings` are what the build adds to docker's environment.

    All do that work outside of the engine; the engine's own does where images lie in containerd's store.
    """
    inspect = ["buildx", "inspect"]
    driver = _DRIVER.search(docker.check(inspect, docker.attempt(inspect, settings=settings)).output)
    if driver is not None and driver[1] != "docker":
        return True
    return _CONTAINERD_STORE in (json.loads(docker.run(["info", "--format", "{{json .DriverStatus}}"])) or [])


def told_secrets(attestations: Iterable[str], build_args: Mapping[str, str]) -> list[str]:
    """The build arguments that hold a secret and would be published with a provenance: all but `mode=min` writes them down."""
    if not any(_writes_arguments(attestation) for attestation in attestations):
        return []
    return [name for name, value in build_args.items() if blank(value) != value]


def _writes_arguments(attestation: str) -> bool:
    attributes = dict(part.partition("=")[::2] for part in attestation.split(","))
    return attributes.get("type") == "provenance" and attributes.get("mode") != "min"
