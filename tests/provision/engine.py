"""The Docker engine: the one that runs already, or Debian's, started by hand and left running."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from tests.provision import apt
from tests.provision.part import NotBrought, Part, first_line
from tests.provision.places import BUILDX_PLUGIN, CONTAINERD_ENGINE, DOCKER_SOCKET, DOCKERD_LOG, STATE, on_path

_START_LIMIT = 60.0  # seconds; seen: 2 s on a 2-core machine, more when images must be scanned first
_CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
_PID_FILES = (Path("/var/run/docker.pid"), Path("/run/docker/containerd/containerd.pid"))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(str(self._path))


def engine_version() -> str:
    """The running engine's version, "" when no engine answers. Asked on the socket: no client needed."""
    connection = UnixConnection(DOCKER_SOCKET)
    try:
        connection.request("GET", "/version")
        answer = json.loads(connection.getresponse().read())
        return str(answer["Version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return ""
    finally:
        connection.close()


def _engine_there() -> str:
    version = engine_version()
    return f"{version} answers on {DOCKER_SOCKET}" if version else ""


def _bring_engine() -> None:
    if not Path("/usr/sbin/dockerd").exists():
        # debootstrap comes along so that the base image need not wait for the browser's install.
        apt.install("docker.io", "debootstrap")
    if engine_version():
        return
    if alive("dockerd", _PID_FILES[0]):
        _wait_for_engine(None)
        return
    _forget_dead_engine()
    _wait_for_engine(_start())


def _start() -> subprocess.Popen[bytes]:
    """Start dockerd in a session of its own, so that it outlives this process and its terminal."""
    STATE.mkdir(parents=True, exist_ok=True)
    dockerd = on_path("dockerd")
    if dockerd is None:
        raise NotBrought("docker.io was installed but dockerd is not there")
    with DOCKERD_LOG.open("ab") as log:
        return subprocess.Popen(
            [str(dockerd), "--host", f"unix://{DOCKER_SOCKET}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip


def _wait_for_engine(started: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        if engine_version():
            return
        if started is not None and started.poll() is not None:
            break
        time.sleep(0.1)
    last = DOCKERD_LOG.read_text(errors="replace").strip().splitlines()[-2:] if DOCKERD_LOG.exists() else []
    raise NotBrought(f"dockerd does not answer on {DOCKER_SOCKET}; see {DOCKERD_LOG}: {' | '.join(last)}")


def _forget_dead_engine() -> None:
    """Remove what a killed engine left behind.

    dockerd refuses to start while its pid file names any living process, and pids are reused; and it
    waits for a system containerd whenever that socket file exists, whether or not anything listens.
    """
    for pid_file in _PID_FILES:
        if not alive("containerd" if "containerd" in pid_file.name else "dockerd", pid_file):
            pid_file.unlink(missing_ok=True)
    if _CONTAINERD_SOCKET.exists() and not _listens(_CONTAINERD_SOCKET):
        _CONTAINERD_SOCKET.unlink()


def alive(program: str, pid_file: Path) -> bool:
    """Whether the pid file names a running process of that program.

    A zombie does not count: in a container whose first process reaps nothing, a killed containerd stays
    one for good, and dockerd takes it for a running containerd and waits in vain (seen with 20.10).
    """
    try:
        stat = Path(f"/proc/{int(pid_file.read_text())}/stat").read_text()
    except (OSError, ValueError):
        return False
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return name == program and rest.split()[0] not in {"Z", "X"}


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _buildx_there() -> str:
    return str(BUILDX_PLUGIN) if os.access(BUILDX_PLUGIN, os.X_OK) else ""


def _bring_buildx() -> None:
    """trixie's 0.13.1 works with the 20.10 engine and with both clients seen, 20.10 and 28.2."""
    unpacked = STATE / "buildx"
    apt.unpack("docker-buildx", suite="trixie", into=unpacked)
    BUILDX_PLUGIN.parent.mkdir(parents=True, exist_ok=True)
    # Copied under another name first: an interrupted copy must not look like a plugin.
    partial = BUILDX_PLUGIN.with_name(".docker-buildx.partial")
    partial.write_bytes((unpacked / BUILDX_PLUGIN.relative_to("/")).read_bytes())
    partial.chmod(0o755)
    partial.replace(BUILDX_PLUGIN)


ENGINE = Part("docker engine", "every test that builds, pushes or runs an image", _engine_there, _bring_engine)


def _containerd_engine_there() -> str:
    """The containerd that comes along is the last of it."""
    whole = all(os.access(CONTAINERD_ENGINE / program, os.X_OK) for program in ("usr/sbin/dockerd", "usr/bin/containerd"))
    return first_line([CONTAINERD_ENGINE / "usr/sbin/dockerd", "--version"]) if whole else ""


def _bring_containerd_engine() -> None:
    """testing's 28.5 keeps images in containerd's store, where an image may have attestations; its runc wants a newer libc."""
    for package in ("docker.io", "containerd"):
        apt.unpack(package, suite="testing", into=CONTAINERD_ENGINE)


BUILDX = Part("docker buildx", "tests that build with BuildKit options", _buildx_there, _bring_buildx)
CONTAINERD_STORE = Part(
    "containerd store", "tests of attestations made by a build", _containerd_engine_there, _bring_containerd_engine
)
