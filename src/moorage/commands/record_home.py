"""A repository that holds records, and how it is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.commands.blob_cache import BlobCache
from moorage.errors import Contradiction, Unsupported
from moorage.oci.manifest import MANIFEST_LIMIT, BadManifest, Manifest, parse_manifest
from moorage.oci.reference import Repository, Tag
from moorage.registries.interface import Reader, Registry


@dataclass(frozen=True, slots=True)
class Home:
    """A repository that holds records."""

    registry: Registry
    repository: Repository

    @property
    def reader(self) -> Reader:
        """Raises Unsupported for a registry that does not hand out manifests."""
        if not isinstance(self.registry, Reader):
            raise Unsupported(f"{self.repository.registry} does not hand out manifests, so its records cannot be read")
        return self.registry

    def manifest(self, tag: Tag) -> Manifest:
        """Raises NotFound, and Contradiction for what is no manifest."""
        try:
            return parse_manifest(*self.reader.manifest(self.repository, tag))
        except BadManifest as error:
            raise Contradiction(f"{self.repository}:{tag} {error}") from None

    def config(self, manifest: Manifest, cache: BlobCache) -> Mapping[str, Any]:
        """The config's document; empty where there is none, or it is no JSON object. Raises NotFound."""
        if manifest.config is None or manifest.config.size > MANIFEST_LIMIT:
            return {}
        content = cache.get(manifest.config.digest)
        if content is None:
            with self.reader.blob(self.repository, manifest.config) as stream:
                content = stream.read()
            cache.put(content)
        try:
            document = json.loads(content)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}
