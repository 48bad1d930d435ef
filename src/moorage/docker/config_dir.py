"""A private DOCKER_CONFIG: made from the user's, changed without touching it, and gone when its run is.

On a shared runner every job that logs in writes the same ~/.docker/config.json, loses the others' entries and leaves secrets
behind (of 32 parallel `docker login`s on one file 1 to 5 survive, all with exit code 0; seen 2026-11, docker 28.2). So each run
gets a directory of its own, and changes to it go through one lock.
"""

import base64
import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moorage.auth.secret import Secret, announce
from moorage.docker.config_copy import copy_needed, write_config
from moorage.docker.config_source import CONFIG_FILE, ConfigSource, read_source
from moorage.docker.leftovers import held, mark_lasting, sweep
from moorage.docker.places import PREFIX, Kind, hand_over, own_directory, remove_tree, state_of
from moorage.docker.termination import at_end
from moorage.errors import ConfigurationError
from moorage.oci.reference import DOCKER_HUB_HOSTS

_log = logging.getLogger(__name__)

DOCKER_HUB_KEY: Final = "https://index.docker.io/v1/"  # the one name under which docker keeps Docker Hub's login
_LOGIN_LOCK: Final = ".moorage-logins"


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """A configuration directory of ours (0700, config.json 0600)."""

    directory: Path

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The environment for a docker command that shall use this configuration."""
        return {**base, "DOCKER_CONFIG": str(self.directory)}

    def content(self) -> dict[str, Any]:
        """config.json as it is now."""
        try:
            return dict(json.loads((self.directory / CONFIG_FILE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep every other thread and process from changing this configuration meanwhile."""
        descriptor = os.open(self.directory / _LOGIN_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def keep_in_file(self, host: str) -> None:
        """Have docker keep the login of this host here and not in a credential store of the machine. Call within `changing`.

        Docker asks `credHelpers[host]`, then `credsStore`, and takes an empty helper for "this file"
        (docker/cli, cli/config/configfile/file.go). With nothing configured at all it goes for a store that happens to be
        installed (`pass`, secretservice), unless there is an entry under `auths`: so there is one, if empty.
        """
        content = self.content()
        key = login_key(host)
        helpers = {name: helper for name, helper in content.get("credHelpers", {}).items() if login_key(name) != key}
        if content.get("credsStore"):
            helpers[key] = ""
        content["auths"] = {key: {}, **content.get("auths", {})}
        content["credHelpers"] = helpers
        write_config(self.directory, {name: value for name, value in content.items() if value})

    def write_login(self, host: str, username: str, password: Secret) -> None:
        """Keep a login without asking docker or the registry, for machines that have no docker."""
        auth = base64.b64encode(f"{username}:{password.reveal()}".encode()).decode()
        announce(auth)
        with self.changing():
            self.keep_in_file(host)
            content = self.content()
            content["auths"][login_key(host)] = {"auth": auth}
            write_config(self.directory, content)


def login_key(host: str) -> str:
    """The name under which docker keeps the login of a registry; all names of Docker Hub are one."""
    bare = host.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DOCKER_HUB_KEY if bare in DOCKER_HUB_HOSTS else bare


@contextmanager
def private_docker_config(source: Path | None, *, place: Path | None = None) -> Iterator[DockerConfig]:
    """A configuration for this run alone, removed when the block is left and on SIGTERM, SIGINT and SIGHUP.

    `source` is the user's directory, None for a configuration that starts empty. What a killed run left
    behind is swept first. Raises ConfigurationError for a source that cannot be used.
    """
    found = _read(source)
    parent = own_directory(place)
    sweep(parent)
    directory = _new_name(parent)
    with at_end(lambda: _remove(directory)):
        directory.mkdir(mode=0o700)
        with held(directory):
            copy_needed(found, directory)
            yield DockerConfig(directory)


@contextmanager
def lasting_docker_config(source: Path | None, *, place: Path | None = None) -> Iterator[DockerConfig]:
    """A configuration that outlives this process, for the later steps of a job; removed if the block fails.

    A source that is itself such a configuration is continued, not copied: `moorage login` may be called once per registry. It is
    swept a day after the last login, or removed by `remove_docker_config`.
    """
    if source is not None and state_of(source) is Kind.LOGIN:
        mark_lasting(source)
        yield DockerConfig(source)
        if place is not None:
            hand_over(source)
        return
    found = _read(source)
    parent = own_directory(place)
    sweep(parent)
    directory = _new_name(parent)
    finished: list[bool] = []
    with at_end(lambda: finished or _remove(directory)):
        directory.mkdir(mode=0o700)
        mark_lasting(directory)
        copy_needed(found, directory)
        yield DockerConfig(directory)
        if place is not None:
            hand_over(directory)
        finished.append(True)


def remove_docker_config(directory: Path) -> bool:
    """Remove a configuration that `lasting_docker_config` made; False when it is gone already.

    Raises ConfigurationError, with nothing removed, for a directory that is not one of ours.
    """
    if not os.path.lexists(directory):
        return False
    if state_of(directory) is not Kind.LOGIN:
        problem = f"{directory} was not made by `moorage login`; nothing was removed"
        raise ConfigurationError(problem, remedy="Set DOCKER_CONFIG to the directory that `moorage login` printed.")
    return _remove(directory)


def _read(source: Path | None) -> ConfigSource:
    return ConfigSource(Path(os.devnull), {}) if source is None else read_source(source)


def _new_name(parent: Path) -> Path:
    return parent / f"{PREFIX}{secrets.token_hex(8)}"


def _remove(directory: Path) -> bool:
    gone = remove_tree(directory)
    if not gone:
        _log.warning("%s, which may hold secrets, could not be removed", directory)
    return gone
