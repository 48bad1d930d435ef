"""The base image debian:trixie-slim, made with debootstrap: no container registry can be reached."""

from __future__ import annotations

import http.client
import shutil
import tempfile
from pathlib import Path

from tests.provision import apt
from tests.provision.engine import UnixConnection, engine_version
from tests.provision.part import NotBrought, Part, run
from tests.provision.places import BASE_IMAGE, BASE_IMAGE_TARBALL, DOCKER_SOCKET, on_path

_MACHINE_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_STRIPPED = (
    "var/lib/apt/lists", "var/cache/apt", "var/log", "usr/share/locale", "usr/share/man", "usr/share/info",
    "usr/share/groff", "usr/share/lintian",
)  # fmt: skip


def _there() -> str:
    connection = UnixConnection(DOCKER_SOCKET)
    try:
        connection.request("GET", f"/images/{BASE_IMAGE}/json")
        return f"{BASE_IMAGE} in the engine" if connection.getresponse().status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def _bring() -> None:
    if not engine_version():
        raise NotBrought("it needs the docker engine, which is missing")
    if not BASE_IMAGE_TARBALL.exists():
        if on_path("debootstrap") is None:
            apt.install("debootstrap")
        _make_tarball()
    docker = on_path("docker") or Path("/usr/bin/docker")
    changes = (
        'CMD ["bash"]',
        # docker import gives an image no PATH at all; Debian's official image has this one.
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )
    options = [word for change in changes for word in ("--change", change)]
    run([docker, "import", *options, BASE_IMAGE_TARBALL, BASE_IMAGE], timeout=120)


def _make_tarball() -> None:
    """Build the tree in a fresh directory: a killed debootstrap leaves /proc mounted inside its own."""
    folder = BASE_IMAGE_TARBALL.parent
    folder.mkdir(parents=True, exist_ok=True)
    tree = Path(tempfile.mkdtemp(prefix="tree-", dir=folder))
    tree.chmod(0o755)
    try:
        run(["debootstrap", "--variant=minbase", "trixie", tree], timeout=200)
        _strip(tree)
        _add_machine_certificates(tree)
        partial = BASE_IMAGE_TARBALL.with_suffix(".partial")
        run(["tar", "--numeric-owner", "-C", tree, "-cf", partial, "."], timeout=60)
        partial.replace(BASE_IMAGE_TARBALL)
    finally:
        # --one-file-system: never follow a mount that was left behind.
        run(["rm", "-rf", "--one-file-system", tree], timeout=60)


def _strip(tree: Path) -> None:
    """Remove what the slim image lacks too; licences under usr/share/doc stay, as they do there."""
    for name in _STRIPPED:
        folder = tree / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    (tree / "var/lib/apt/lists/partial").mkdir()
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)
    for file in (tree / "usr/share/doc").rglob("*"):
        if file.is_file() and file.name != "copyright":
            file.unlink()


def _add_machine_certificates(tree: Path) -> None:
    """Where a proxy re-signs TLS, pip inside a build fails without the machine's own CAs."""
    inside = tree / _MACHINE_CERTIFICATES.relative_to("/")
    inside.mkdir(parents=True, exist_ok=True)
    for certificate in sorted(_MACHINE_CERTIFICATES.glob("*.crt")):
        shutil.copy(certificate, inside)


PART = Part("base image", "tests that build Moorage's own image or any Dockerfile with FROM", _there, _bring)
