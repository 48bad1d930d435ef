"""What of the user's Docker configuration goes into a private one: little, a whole ~/.docker can hold gigabytes of state."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from moorage.docker.config_source import CONFIG_FILE, ConfigSource

_CLIENT_CERTIFICATES: Final = ("ca.pem", "cert.pem", "key.pem")  # docker looks here when DOCKER_TLS_VERIFY is set
_BUILDX_CHOICE: Final = ("current", "defaults", "instances", "certs")  # which builder is used, and how it is reached


def copy_needed(source: ConfigSource, into: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Fill a new private directory: config.json, the current context, client certificates, plugins, buildx's choice."""
    write_config(into, source.content)
    for name in _CLIENT_CERTIFICATES:
        _copy_tree(source.directory / name, into / name)
    for context in {source.content.get("currentContext", ""), environment.get("DOCKER_CONTEXT", "")} - {"", "default"}:
        # docker stores a context under the hash of its name (docker/cli, cli/context/store/metadatastore.go).
        digest = hashlib.sha256(context.encode()).hexdigest()
        for part in ("meta", "tls"):
            _copy_tree(source.directory / "contexts" / part / digest, into / "contexts" / part / digest)
    plugins = source.directory / "cli-plugins"
    if plugins.is_dir():
        (into / "cli-plugins").symlink_to(plugins.resolve())
    # buildx writes activity and locks beside its choice of builder: a link would let it write into the user's directory.
    for name in _BUILDX_CHOICE:
        _copy_tree(source.directory / "buildx" / name, into / "buildx" / name)


def write_config(directory: Path, content: Mapping[str, Any]) -> None:
    """Replace config.json in one step, mode 0600 from its first byte on."""
    partial = directory / f".{CONFIG_FILE}.{os.getpid()}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent="\t")
    partial.replace(directory / CONFIG_FILE)


def _copy_tree(source: Path, target: Path) -> None:
    """Copy a file or the regular files below a directory, readable for us alone; what is not there is not copied."""
    for file in _files(source):
        copy = target / file.relative_to(source) if file != source else target
        _make(copy.parent)
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.read_bytes())


def _make(directory: Path) -> None:
    """Like mkdir with parents, whose mode there only goes to the last one."""
    if not directory.is_dir():
        _make(directory.parent)
        directory.mkdir(mode=0o700)


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    for directory, _, names in os.walk(source):
        yield from (path for name in names if (path := Path(directory) / name).is_file())
