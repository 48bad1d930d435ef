"""A second engine that keeps images in containerd's store: there an image and its attestations can stay together."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.provision.places import CONTAINERD_ENGINE
from tests.realparts import absence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.engine import DockerEngine

_START_LIMIT = 60.0  # seconds; seen: half a second


@contextmanager
def containerd_engine(first: DockerEngine, folder: Path) -> Iterator[DockerEngine]:
    """The engine, for the length of the block; with the clients of the first one.

    In a network of its own: beside another engine its bridge and its rules would be in the way. So it reaches no registry, not
    even on loopback.
    """
    dockerd = CONTAINERD_ENGINE / "usr/sbin/dockerd"
    absence.need("docker", dockerd.exists(), "A docker engine with containerd's image store")
    socket = folder / "docker.sock"
    settings = {
        "features": {"containerd-snapshotter": True},
        "hosts": [f"unix://{socket}"],
        "pidfile": str(folder / "docker.pid"),
        "data-root": str(folder / "data"),
        "exec-root": str(folder / "exec"),
        "iptables": False,
        "ip6tables": False,
    }
    (folder / "daemon.json").write_text(json.dumps(settings))
    env = {**os.environ, "PATH": f"{CONTAINERD_ENGINE / 'usr/bin'}{os.pathsep}{os.environ['PATH']}"}
    argv = ["unshare", "--net", str(dockerd), "--config-file", str(folder / "daemon.json")]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, env=env, stdout=log, stderr=log) as running:
        try:
            engine = replace(first, env={**first.env, "DOCKER_HOST": f"unix://{socket}"})
            yield replace(engine, version=_version(engine, running, folder / "log"))
        finally:
            running.terminate()


def _version(engine: DockerEngine, running: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline and running.poll() is None:
        answer = engine.run("version", "--format", "{{.Server.Version}}", check=False)
        if answer.returncode == 0:
            return answer.stdout.strip()
        time.sleep(0.1)
    raise AssertionError(f"the engine with containerd's store did not start: {log.read_text(errors='replace')[-2000:]}")
