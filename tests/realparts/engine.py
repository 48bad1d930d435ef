"""The Docker engine through its own client, as a small object."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.provision.engine import engine_version
from tests.realparts import absence
from tests.realparts.environment import cleaned

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class DockerEngine:
    """A running engine, and the clients on this machine that can talk to it."""

    client: Path
    """The client to use: it answers, and it knows buildx."""
    clients: tuple[Path, ...]
    """Every client that answers; a machine may hold a newer one without buildx beside Debian's."""
    env: Mapping[str, str]
    """A clean environment with a DOCKER_CONFIG of the tests' own."""
    version: str

    def run(
        self, *arguments: str | Path, check: bool = True, stdin: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker ARGUMENTS`; with check, a failure shows what docker said. timeout in seconds."""
        argv = [str(word) for word in (self.client, *arguments)]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, env=dict(self.env), timeout=timeout, check=False)
        if check:
            assert done.returncode == 0, f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def with_config(self, directory: Path) -> DockerEngine:
        """The same engine with another DOCKER_CONFIG: logins in one test must not help another."""
        directory.mkdir(parents=True, exist_ok=True)
        return replace(self, env={**self.env, "DOCKER_CONFIG": str(directory)})

    def import_tiny(self, reference: str, payload: str = "") -> str:
        """Make a one-file image in a tenth of a second; other payloads give other layers. Returns its id."""
        archive = io.BytesIO()
        content = (payload or reference).encode()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("payload")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        done = subprocess.run(
            [str(self.client), "import", "-", reference],
            input=archive.getvalue(), capture_output=True, env=dict(self.env), timeout=60, check=True,
        )  # fmt: skip
        return done.stdout.decode().strip()


def find_engine(home: Path) -> DockerEngine:
    """The engine of this machine, or the test fails: see absence."""
    version = "" if "docker" in absence.DECLARED else engine_version()
    absence.need("docker", version, "A running Docker engine")
    env = {**cleaned(os.environ, home), "DOCKER_CONFIG": str(home / ".docker")}
    clients = tuple(path for path in _candidates() if _works(path, env, "version"))
    building = [path for path in clients if _works(path, env, "buildx", "version")]
    absence.need("docker", building, "A docker client with buildx")
    return DockerEngine(building[0], clients, env, version)


def _candidates() -> list[Path]:
    directories = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin"]
    found = [Path(directory) / "docker" for directory in directories if directory]
    return [path for path in dict.fromkeys(found) if path.is_file()]


def _works(client: Path, env: Mapping[str, str], *arguments: str) -> bool:
    done = subprocess.run([str(client), *arguments], env=dict(env), capture_output=True, timeout=30, check=False)
    return done.returncode == 0
