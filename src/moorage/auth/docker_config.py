"""Reading docker's config.json and $DOCKER_AUTH_CONFIG: which credentials they hold, and which helpers they name.

Formats: docker/cli, docs/reference/commandline/docker.md ("config.json" and DOCKER_AUTH_CONFIG), seen 2026-11.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from moorage.auth.credential import Basic, Bearer, Credential, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError

Entries = Mapping[str, Credential | None]  # by key as written; None: an entry that only says that a helper has it

_LIMIT: Final = 4 * 1024 * 1024  # bytes; a config.json holds a few kilobytes
_REMEDY: Final = "Correct it, or name another directory with --docker-config."


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """The parts of a config.json that lead to credentials. `helpers` are by registry, `store` is for all others."""

    auths: Entries = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""


def read_config(file: Path) -> DockerConfig:
    """Read a config.json; one that is not there is empty. Raises ConfigurationError with file and place."""
    try:
        if file.stat().st_size > _LIMIT:
            raise ConfigurationError(f"{file} is larger than {_LIMIT} bytes", remedy=_REMEDY)
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return DockerConfig()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}", remedy=_REMEDY) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8", remedy=_REMEDY) from None
    document = _object(text, str(file))
    helpers = _mapping(document.get("credHelpers"), f"{file}: credHelpers")
    for host, name in helpers.items():
        if not isinstance(name, str):
            raise ConfigurationError(f"{file}: credHelpers.{host} is not a text", remedy=_REMEDY)
    store = document.get("credsStore") or ""
    if not isinstance(store, str):
        raise ConfigurationError(f"{file}: credsStore is not a text", remedy=_REMEDY)
    return DockerConfig(_entries(document.get("auths"), str(file)), {k: str(v) for k, v in helpers.items() if v}, store)


def parse_variable(text: str, variable: str) -> Entries:
    """Read `{"auths": {HOST: {"auth": …}}}`. Other fields are refused, as by docker: they would be ignored in silence.

    Raises one ConfigurationError with all of them; `variable` is its name for the messages.
    """
    document = _object(text, f"${variable}")
    problems = [f"${variable}: unknown field {key}, only auths is allowed" for key in document if key != "auths"]
    auths = _mapping(document.get("auths"), f"${variable}: auths")
    for host, entry in auths.items():
        fields = _mapping(entry, f"${variable}: auths.{host}")
        problems += [
            f"${variable}: auths.{host} has the unknown field {key}, only auth is allowed" for key in fields if key != "auth"
        ]
        if not fields.get("auth"):
            problems.append(f"${variable}: auths.{host} has no auth")
    if problems:
        raise ConfigurationError(*problems, remedy=f"Correct {variable}, or leave it empty.")
    return _entries(auths, f"${variable}")


def host_of_key(key: str) -> str:
    """The host in a key of `auths`: `https://reg.example/v1/` and `reg.example/team` are keys of `reg.example`."""
    return key.rpartition("://")[2].partition("/")[0]


def decode_auth(text: str) -> tuple[str, str] | None:
    """User name and password out of docker's base64, None where it is none. The password may hold colons."""
    try:
        plain = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    user, colon, password = plain.partition(":")
    return (user, password.rstrip("\0")) if colon and user else None


def _entries(auths: object, source: str) -> Entries:
    return {key: _credential(entry, key, source) for key, entry in _mapping(auths, f"{source}: auths").items()}


def _credential(entry: object, key: str, source: str) -> Credential | None:
    fields = _mapping(entry, f"{source}: auths.{key}")
    for name in ("auth", "username", "password", "identitytoken", "registrytoken"):
        if not isinstance(fields.get(name, ""), str):
            raise ConfigurationError(f"{source}: auths.{key}.{name} is not a text", remedy=_REMEDY)
    user, password = str(fields.get("username", "")), str(fields.get("password", ""))
    if fields.get("auth"):
        decoded = decode_auth(str(fields["auth"]))
        if decoded is None:
            raise ConfigurationError(f"{source}: auths.{key}.auth is not the base64 of USER:PASSWORD", remedy=_REMEDY)
        Secret(str(fields["auth"]))  # the same secret in another spelling
        user, password = decoded
    if fields.get("registrytoken"):
        return Bearer(Secret(str(fields["registrytoken"])), source)
    if fields.get("identitytoken"):
        return IdentityToken(Secret(str(fields["identitytoken"])), source, user)
    return Basic(user, Secret(password), source) if user else None


def _object(text: str, source: str) -> Mapping[str, object]:
    try:
        document = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{source}, line {error.lineno}: no valid JSON ({error.msg})", remedy=_REMEDY) from None
    except RecursionError:
        raise ConfigurationError(f"{source}: nested too deeply", remedy=_REMEDY) from None
    return _mapping(document, source)


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"{place} is not an object", remedy=_REMEDY)
    return value
