"""The kubeconfig: several files merged as kubectl merges them, and the contexts that they come to.

Rules: kubernetes.io, "Organizing Cluster Access Using kubeconfig Files", seen 2026-11. Of two entries with one name the first
counts; relative paths start at the file that holds them.
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from moorage.auth.secret import Secret, announce
from moorage.errors import Refused

Section = Mapping[str, Any]

SIZE_LIMIT: Final = 1024 * 1024  # bytes of one file
_PATHS: Final = {"cluster": ("certificate-authority",), "user": ("client-certificate", "client-key", "tokenFile"), "context": ()}
_SECRETS: Final = ("token", "password", "client-key-data")
_SECRETS_OF_PROVIDERS: Final = ("id-token", "refresh-token", "access-token", "client-secret")
_DEFAULT_NAMESPACE: Final = "default"
REMEDY: Final = (
    "Make it readable, choose a context with --kube-context, or say --without-kube and name what runs in --keep-list FILE."
)


@dataclass(frozen=True, slots=True)
class Context:
    """A cluster, and who we are there. `cluster` and `user` are as kubectl knows them, with absolute paths."""

    name: str
    namespace: str
    place: tuple[str, str]  # the names of cluster and user
    cluster: Section = field(repr=False)
    user: Section = field(repr=False)


def read_contexts(files: Iterable[Path]) -> Mapping[str, Context]:
    """Every context of these files by name. Raises Refused for a file that cannot be read or does not fit together."""
    return _merged((_read(path), str(path), path.parent) for path in files)


def contexts_in(content: Secret, source: str) -> Mapping[str, Context]:
    """Every context of a kubeconfig in base64; its relative paths start here. Raises as `read_contexts` does."""
    return _merged([(_parsed(b64decode(content.reveal()), source), source, Path.cwd())])


def _merged(documents: Iterable[tuple[Section, str, Path]]) -> Mapping[str, Context]:
    """The documents come with what they are called, and where their relative paths start."""
    merged: dict[str, dict[str, Section]] = {"cluster": {}, "user": {}, "context": {}}
    for document, source, directory in documents:
        for kind, found in merged.items():
            for name, entry in _entries(document, kind, source):
                found.setdefault(name, _absolute(entry, kind, directory))
    for user in merged["user"].values():
        _announce(user, _SECRETS)
        provider = user.get("auth-provider")
        if isinstance(provider, dict) and isinstance(provider.get("config"), dict):
            _announce(provider["config"], _SECRETS_OF_PROVIDERS)
    return {name: _context(name, entry, merged) for name, entry in merged["context"].items()}


def _read(path: Path) -> Section:
    try:
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise Refused(f"the kubeconfig {path} cannot be read: {error.strerror}", remedy=REMEDY) from None
    return _parsed(content, str(path))


def _parsed(content: bytes, source: str) -> Section:
    try:
        document = yaml.safe_load(content) if len(content) <= SIZE_LIMIT else source
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)  # never the text around it: it may hold a token
        where = f" (line {line + 1})" if line is not None else ""
        raise Refused(f"the kubeconfig {source} is no YAML{where}", remedy=REMEDY) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise Refused(f"{source} is no kubeconfig, or a larger one than {SIZE_LIMIT} bytes", remedy=REMEDY)
    return document


def _announce(section: Section, names: Iterable[str]) -> None:
    for name in names:
        if isinstance(section.get(name), str):
            announce(section[name])


def _entries(document: Section, kind: str, source: str) -> Iterable[tuple[str, Section]]:
    entries = document.get(f"{kind}s") or []
    if not isinstance(entries, list):
        raise Refused(f"the kubeconfig {source} has no list of {kind}s", remedy=REMEDY)
    for number, entry in enumerate(entries):
        body = (entry.get(kind) or {}) if isinstance(entry, dict) else None
        if not isinstance(body, dict) or not isinstance(entry.get("name"), str):
            raise Refused(f"the kubeconfig {source}: {kind}s[{number}] needs a name and a {kind}", remedy=REMEDY)
        yield entry["name"], body


def _absolute(entry: Section, kind: str, directory: Path) -> Section:
    paths = {name: str(directory / entry[name]) for name in _PATHS[kind] if isinstance(entry.get(name), str) and entry[name]}
    plugin = entry.get("exec")
    if kind == "user" and isinstance(plugin, dict) and "/" in str(plugin.get("command", "")):
        paths["exec"] = {**plugin, "command": str(directory / plugin["command"])}  # type: ignore[assignment] # a section in a section
    return {**entry, **paths}


def _context(name: str, entry: Section, merged: Mapping[str, Mapping[str, Section]]) -> Context:
    cluster, user = str(entry.get("cluster") or ""), str(entry.get("user") or "")
    if cluster not in merged["cluster"]:
        raise Refused(f"context {name} of the kubeconfig: there is no cluster {cluster!r} in it", remedy=REMEDY)
    if user and user not in merged["user"]:
        raise Refused(f"context {name} of the kubeconfig: there is no user {user!r} in it", remedy=REMEDY)
    namespace = str(entry.get("namespace") or _DEFAULT_NAMESPACE)
    return Context(name, namespace, (cluster, user), merged["cluster"][cluster], merged["user"].get(user, {}))
