"""Counting what a publish really did: builds by what docker is told, and uploads by what a registry is asked."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moorage.commands.world import World
from tests.publishing import world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.scripted_server import Request


@dataclass(frozen=True)
class BuildCounter:
    """A docker command that writes down what it is told, and does it."""

    world: World
    log: Path

    @classmethod
    def of(cls, engine: DockerEngine, folder: Path) -> BuildCounter:
        folder.mkdir()
        command, log = folder / "docker", folder / "told"
        command.write_text(f'#!/bin/sh\necho "$*" >> {shlex.quote(str(log))}\nexec {shlex.quote(str(engine.client))} "$@"\n')
        command.chmod(0o755)
        return cls(World(environ={**world(engine).environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}), log)

    def told(self) -> list[str]:
        """The command lines since the last time this or `builds` was asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def builds(self) -> int:
        """Images built from a directory of the user's since the last time that was asked."""
        return sum(1 for line in self.told() if re.match(r"(buildx )?build ", line) and "relabel-" not in line)


def blob_uploads(requests: Sequence[Request]) -> list[str]:
    """Where the bytes of blobs were sent."""
    return [request.path for request in requests if request.method in {"PUT", "PATCH"} and "/blobs/" in request.path]


def manifests_put(requests: Sequence[Request]) -> list[str]:
    """Tags and digests that manifests were put under."""
    return [request.path.rpartition("/")[2] for request in requests if request.method == "PUT" and "/manifests/" in request.path]
