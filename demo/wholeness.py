"""Is everything that a tag promises really there? Reads every byte behind every tag, and believes digests only."""

from collections.abc import Iterator
from dataclasses import dataclass

from moorage.oci.manifest import Manifest, parse_manifest
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry


@dataclass(frozen=True, slots=True)
class Whole:
    """What was read of one repository: tags, manifests and blobs, and the bytes of all of them."""

    tags: int
    manifests: int
    blobs: int
    size: int


def images_of(registry: LayoutRegistry, repository: Repository) -> list[Tag]:
    """The tags that stand for images; the others are records of what was published at which commit."""
    return sorted(tag for tag in registry.tag_names(repository) if not is_record(tag))


def read_everything(registry: LayoutRegistry, repository: Repository) -> Whole:
    """Raises NotFound or Contradiction for the first thing that is missing or damaged."""
    tags = images_of(registry, repository)
    found = {manifest.digest: manifest for tag in tags for manifest in _manifests(registry, repository, tag)}
    blobs = {blob.digest: blob for manifest in found.values() for blob in manifest.blobs}
    size = sum(manifest.size for manifest in found.values())
    for blob in blobs.values():
        with registry.blob(repository, blob) as stream:
            while chunk := stream.read(1 << 20):
                size += len(chunk)
    return Whole(len(tags), len(found), len(blobs), size)


def _manifests(registry: LayoutRegistry, repository: Repository, reference: Tag | Digest) -> Iterator[Manifest]:
    manifest = parse_manifest(*registry.manifest(repository, reference))
    yield manifest
    for child in manifest.children:
        yield from _manifests(registry, repository, child)
