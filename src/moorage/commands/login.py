"""`moorage login`: a Docker config of the job's own for its later steps, with the logins asked for."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from moorage.auth.secret import Secret
from moorage.commands.shell_syntax import Syntax, assignment
from moorage.docker.config_dir import DOCKER_HUB_KEY, DockerConfig, lasting_docker_config, login_key
from moorage.docker.engine import Docker
from moorage.errors import ConfigurationError, DockerError
from moorage.oci.reference import BadReference, Registry
from moorage.settings.settings import Login

_FIELDS = ("registry", "username", "password")
_REMEDY = "Give --registry, --username and --password, or --registry-auth with a YAML list of entries that have these three."


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


def requested_logins(
    *, registry: str | None, username: str | None, password: Secret | None, registry_auth: Secret | None, default_registry: str
) -> tuple[Login, ...]:
    """The logins behind the options. `default_registry` is the host meant when only user and password are given.

    Raises one ConfigurationError with all mistakes, and with no secret in it.
    """
    problems: list[str] = []
    found = list(_listed(registry_auth.reveal(), problems)) if registry_auth else []
    if username and password:
        found += _login(registry or default_registry, username, password, "--password", problems)
    elif username or password:
        problems.append(
            "--username and --password belong together; " + ("--password" if username else "--username") + " is missing"
        )
    elif registry and not found:
        problems.append(f"--registry {registry} needs --username and --password")
    keys = [login_key(one.registry) for one in found]
    problems += [f"two logins for {key}: docker keeps one per registry" for key in sorted({k for k in keys if keys.count(k) > 1})]
    if problems:
        raise ConfigurationError(*problems, remedy=_REMEDY)
    return tuple(found)


def merged(asked_for: Iterable[Login], offered: Iterable[Login]) -> tuple[Login, ...]:
    """The logins that the CI system or the registry's cloud offers, except for registries that the user gave a login for."""
    logins = {login_key(one.registry): one for one in (*offered, *asked_for)}
    return tuple(logins.values())


def _listed(text: str, problems: list[str]) -> list[Login]:
    try:
        # Not SafeLoader, which makes a number of the password 0123456; this one knows nothing but texts, lists and mappings.
        entries = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        # The error's own words quote the line, and the line may hold a password.
        mark = error.problem_mark
        problems.append(
            "--registry-auth is no valid YAML" + (f" at line {mark.line + 1}, column {mark.column + 1}" if mark else "")
        )
        return []
    except yaml.YAMLError:
        problems.append("--registry-auth is no valid YAML")
        return []
    if not isinstance(entries, list):
        problems.append("--registry-auth must be a list of entries")
        return []
    return [one for number, entry in enumerate(entries, 1) for one in _entry(entry, f"--registry-auth entry {number}", problems)]


def _entry(entry: object, place: str, problems: list[str]) -> list[Login]:
    if not isinstance(entry, dict):
        problems.append(f"{place} must have registry, username and password")
        return []
    unknown = [str(name) for name in entry if name not in _FIELDS]
    missing = [name for name in _FIELDS[1:] if not isinstance(entry.get(name), str) or not entry[name]]
    problems += [f"{place} has an unknown field {name}; known are {', '.join(_FIELDS)}" for name in unknown]
    problems += [f"{place} has no {name}" for name in missing]
    if missing:
        return []
    return _login(str(entry.get("registry") or "docker.io"), entry["username"], Secret(entry["password"]), place, problems)


def _login(registry: str, username: str, password: Secret, source: str, problems: list[str]) -> list[Login]:
    key = login_key(registry.strip())
    host = "docker.io" if key == DOCKER_HUB_KEY else key
    try:
        return [Login(Registry(host).name, username, password, source)]
    except BadReference as error:
        problems.append(f"{source}: registry '{registry}': {error}")
        return []
