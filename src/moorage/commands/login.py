"""`moorage login`: a Docker config of the job's own for its later steps, with the logins asked for."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moorage.commands.shell_syntax import Syntax, assignment
from moorage.docker.config_dir import DockerConfig, lasting_docker_config, login_key
from moorage.docker.engine import Docker
from moorage.errors import DockerError
from moorage.settings.settings import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What to prepare. `source` is the user's Docker config directory, None for none.

    `place` is a directory that later steps can see, None for the machine's usual one; docker is looked for in `environment`.
    """

    source: Path | None
    logins: tuple[Login, ...]
    place: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True, slots=True)
class LoginResult:
    """The prepared directory, and the registries logged in to; `checked` says whether they were asked (docker does that)."""

    directory: Path
    registries: tuple[str, ...]
    checked: bool

    def lines(self, syntax: Syntax = Syntax.POSIX) -> str:
        """What the calling shell has to evaluate. Both variables, since a MOORAGE_DOCKER_CONFIG of the user's would win."""
        names = ("DOCKER_CONFIG", "MOORAGE_DOCKER_CONFIG")
        return "".join(assignment(syntax, name, str(self.directory)) + "\n" for name in names)

    def as_json(self) -> dict[str, Any]:
        return {"docker_config": str(self.directory), "registries": list(self.registries), "checked": self.checked}


def login(request: LoginRequest) -> LoginResult:
    """Prepares the directory, or adds to it when `source` is one that an earlier login made.

    Raises ConfigurationError for a broken source, DockerError for a refused login; a new directory is then gone again.
    """
    with lasting_docker_config(request.source, place=request.place) as config:
        checked = log_in(config, request.logins, request.environment)
    return LoginResult(config.directory, tuple(one.registry for one in request.logins), checked)


def log_in(config: DockerConfig, logins: Sequence[Login], environment: Mapping[str, str] = os.environ) -> bool:
    """Logs in to all registries: by docker, which checks with them, else by writing the entries. Tells whether they were checked.

    Raises one DockerError for all refused logins.
    """
    if Docker.find(environment) is None:
        for one in logins:
            config.write_login(one.registry, one.username, one.password)
        return not logins
    docker = Docker(config, environment=environment)
    failures = []
    for one in logins:
        try:
            docker.login(one.registry, one.username, one.password)
        except DockerError as failure:
            failures.append((one, failure))
    if failures:
        message = "; ".join(f"login to {one.registry} with {one.source}: {failure.message}" for one, failure in failures)
        raise DockerError(message, remedy=failures[0][1].remedy)
    return True


def merged(asked_for: Iterable[Login], offered: Iterable[Login]) -> tuple[Login, ...]:
    """The logins that the CI system or the registry's cloud offers, except for registries that the user gave a login for."""
    logins = {login_key(one.registry): one for one in (*offered, *asked_for)}
    return tuple(logins.values())
