"""Debian packages: installed from this machine's own release, or unpacked from a newer one."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.provision.part import NotBrought, run
from tests.provision.places import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLICY = Path("/usr/sbin/policy-rc.d")
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# dpkg holds one lock per machine, and parts are brought in parallel.
_installing = threading.Lock()
_downloading = threading.Lock()
_refreshed: set[str] = set()


def install(*packages: str) -> None:
    """Install packages of this machine's own release, starting none of the services they bring."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _installing, _no_services_started():
        if "system" not in _refreshed:
            # Not fatal: a source of the machine's own that nobody here needs may be unreachable.
            with suppress(NotBrought):
                run(["apt-get", "update", "-qq"], timeout=120, env=quiet)
            _refreshed.add("system")
        run(
            [
                "apt-get", "install", "-y", "-qq", "--no-install-recommends",
                # A test machine that loses power is provisioned again: fsync buys nothing here.
                "-o", "Dpkg::Options::=--force-unsafe-io", "-o", "DPkg::Lock::Timeout=120", *packages,
            ],
            timeout=240,
            env=quiet,
        )  # fmt: skip


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Forbid service starts during an install: docker-registry's own would take port 5000."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def unpack(package: str, *, suite: str, into: Path) -> None:
    """Unpack one package of another Debian release into a directory, installing nothing.

    apt gets a root of its own, so that the machine's sources and pins stay as they were and the
    download is still verified against Debian's archive keys.
    """
    root = STATE / "apt" / suite
    with _downloading:
        options = _private_root(root, suite)
        if suite not in _refreshed:
            run(["apt-get", *options, "update", "-qq"], timeout=120)
            _refreshed.add(suite)
        archives = Path(tempfile.mkdtemp(prefix="deb-", dir=root))
        try:
            uris = run(["apt-get", *options, "download", "--print-uris", "-qq", package], timeout=60)
            if package not in uris:
                raise NotBrought(f"Debian {suite} has no package {package}")
            _download(options, package, archives)
            (deb,) = archives.glob("*.deb")
            into.mkdir(parents=True, exist_ok=True)
            run(["dpkg-deb", "-x", deb, into], timeout=60)
        finally:
            shutil.rmtree(archives, ignore_errors=True)


def _download(options: list[str], package: str, into: Path) -> None:
    """apt-get download writes to the working directory and has no option for another one."""
    run(["env", "-C", into, "apt-get", *options, "download", "-qq", package], timeout=120)


def _private_root(root: Path, suite: str) -> list[str]:
    for directory in ("lists/partial", "cache/archives/partial", "empty"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    sources = root / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {suite} main\n", encoding="ascii")
    settings = {
        "Dir::State": root,
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": root / "empty",
        "Dir::Etc::preferences": root / "none",
        "Dir::Etc::preferencesparts": root / "empty",
        "Acquire::Languages": "none",
        # Files are root's own, and the sandbox user cannot enter the directory.
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
