"""The OCI image specification's own JSON schemas, and images of a registry held to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.jsonschema import DRAFT4

from moorage.oci import media_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SCHEMAS = {
    media_type.OCI_INDEX: "image-index-schema.json",
    media_type.OCI_MANIFEST: "image-manifest-schema.json",
    media_type.OCI_CONFIG: "config-schema.json",
    # Docker's own, which the specification was made from and stays compatible with.
    media_type.DOCKER_LIST: "image-index-schema.json",
    media_type.DOCKER_MANIFEST: "image-manifest-schema.json",
    media_type.DOCKER_CONFIG: "config-schema.json",
}
_LIMIT = 60  # seconds for one request


@dataclass(frozen=True)
class OciSchemas:
    """Known by media type."""

    directory: Path

    def problems(self, kind: str, document: Any) -> list[str]:
        """What a document of this media type says against its schema; none where the specification has no schema for it."""
        if kind not in _SCHEMAS:
            return []
        named = {file.name: _without_ids(json.loads(file.read_text())) for file in self.directory.glob("*.json")}
        known: Registry[Any] = Registry().with_resources((name, DRAFT4.create_resource(schema)) for name, schema in named.items())
        schema = named[_SCHEMAS[kind]]
        return [error.message for error in validator_for(schema)(schema, registry=known).iter_errors(document)]

    def check(self, registry: str, repository: str, reference: str) -> dict[str, int]:
        """Hold everything that a tag leads to to its schema; how many documents of each media type there were."""
        found: dict[str, int] = {}
        problems: list[str] = []
        for kind, document in _documents(f"{registry}/v2/{repository}", {"digest": reference, "mediaType": ""}):
            found[kind] = found.get(kind, 0) + 1
            problems += [f"{kind}: {problem}" for problem in self.problems(kind, document)]
        assert not problems, problems
        return found


def _without_ids(schema: Any) -> Any:
    """The schemas refer to each other by file name; by their ids they would have to be fetched from addresses without answer."""
    if isinstance(schema, dict):
        return {key: _without_ids(value) for key, value in schema.items() if key != "id" or not isinstance(value, str)}
    return [_without_ids(value) for value in schema] if isinstance(schema, list) else schema


def _documents(repository: str, descriptor: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    answer = requests.get(f"{repository}/manifests/{descriptor['digest']}", headers={"Accept": media_type.ACCEPT}, timeout=_LIMIT)
    document = answer.json()
    yield answer.headers["Content-Type"], document
    for child in document.get("manifests", ()):
        yield from _documents(repository, child)
    if "config" in document:
        config = document["config"]
        yield config["mediaType"], requests.get(f"{repository}/blobs/{config['digest']}", timeout=_LIMIT).json()
