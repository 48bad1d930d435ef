"""Real registries on loopback ports, each a process of its own with its own storage."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bcrypt

from tests.provision.places import CRANE, on_path
from tests.realparts import absence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.realparts.certificates import Certificate

BRIDGE = "172.17.0.1"
"""docker0: the address under which containers reach what is bound to 0.0.0.0 here."""
_START_LIMIT = 15.0  # seconds; seen: 0.1 s
_STOP_LIMIT = 5.0


@dataclass(frozen=True)
class RunningRegistry:
    """A registry that answers; stop() ends it and leaves its storage in place."""

    host: str
    """As it stands in an image's name: "127.0.0.1:PORT"."""
    url: str
    storage: Path
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def port(self) -> int:
        """For another name of the same registry."""
        return int(self.host.rpartition(":")[2])

    def stop(self) -> None:
        """End the process; a second call does nothing."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_STOP_LIMIT)


@dataclass(frozen=True)
class TokenAuth:
    """Where the registry sends clients for a token, and whose signature it trusts."""

    realm: str
    service: str
    issuer: str
    authority_file: Path


@dataclass(frozen=True)
class RegistrySettings:
    """What can differ between one docker-registry and another."""

    delete: bool = True
    """False: DELETE answers 405, as in a registry installed with its defaults."""
    readonly: bool = False
    """True: every write answers 405; give it the storage of another registry, or it is empty."""
    users: Mapping[str, str] | None = None
    """Names and passwords for basic auth; None lets everybody in."""
    tls: Certificate | None = None
    token: TokenAuth | None = None
    bind: str = "127.0.0.1"
    """"0.0.0.0" makes it reachable from containers too, under the bridge's address (172.17.0.1)."""


def start_docker_registry(settings: RegistrySettings, folder: Path, storage: Path | None = None) -> RunningRegistry:
    """Start docker-registry (distribution 2.8) on a free port, keeping everything in a folder."""
    program = on_path("docker-registry")
    absence.need("registry", program, "docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    storage = storage or folder / "storage"
    port = free_port(settings.bind)
    config = folder / "config.json"  # YAML includes JSON
    config.write_text(json.dumps(_config(settings, folder, storage, port), indent=1), encoding="utf-8")
    scheme = "https" if settings.tls else "http"
    return _start([str(program), "serve", str(config)], port, scheme, storage, folder / "log")


def start_crane_registry(folder: Path) -> RunningRegistry:
    """Start go-containerregistry's registry, which deletes single tags; its content is in memory."""
    absence.need("registry", CRANE.exists(), "crane (a registry that deletes single tags)")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port("127.0.0.1")
    argv = [str(CRANE), "registry", "serve", "--address", f"127.0.0.1:{port}"]
    return _start(argv, port, "http", folder, folder / "log")


def free_port(bind: str) -> int:
    """A port that was free a moment ago; the kernel does not hand it out again soon."""
    with socket.socket() as probe:
        probe.bind((bind, 0))
        return int(probe.getsockname()[1])


def _config(settings: RegistrySettings, folder: Path, storage: Path, port: int) -> dict[str, Any]:
    http: dict[str, Any] = {"addr": f"{settings.bind}:{port}", "secret": "one process only"}
    if settings.tls:
        http["tls"] = {"certificate": str(settings.tls.file), "key": str(settings.tls.key_file)}
    return {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": settings.delete},
            "maintenance": {"readonly": {"enabled": settings.readonly}},
        },
        "http": http,
        **_auth(settings, folder),
    }


def _auth(settings: RegistrySettings, folder: Path) -> dict[str, Any]:
    if settings.token:
        token = settings.token
        return {
            "auth": {
                "token": {
                    "realm": token.realm, "service": token.service, "issuer": token.issuer,
                    "rootcertbundle": str(token.authority_file),
                }
            }
        }  # fmt: skip
    if settings.users is None:
        return {}
    # bcrypt is the only hash the registry reads; 4 is the lowest cost it accepts, and these are sham.
    lines = [
        f"{name}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()}\n"
        for name, password in settings.users.items()
    ]
    file = folder / "htpasswd"
    file.write_text("".join(lines), encoding="utf-8")
    return {"auth": {"htpasswd": {"realm": "moorage tests", "path": str(file)}}}


def _start(argv: list[str], port: int, scheme: str, storage: Path, log: Path) -> RunningRegistry:
    with log.open("ab") as sink:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    running = RunningRegistry(f"127.0.0.1:{port}", f"{scheme}://127.0.0.1:{port}", storage, log, process)
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return running
        time.sleep(0.02)
    running.stop()
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise AssertionError(f"{argv[0]} did not start: {last}")
