"""Records that werf 1.1 wrote: images with one layer of nothing. What they say is inside, so each has to be opened.

Read from werf 1.1's sources, see moorage.oci.werf_tag: a commit's record says its content in a label, the record of an image's
name says nothing but its tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.errors import NotFound
from moorage.oci import werf_tag
from moorage.oci.manifest import Manifest, created_of
from moorage.oci.reference import Digest, Tag

_SIGNATURE: Final = "ContentSignature"
_NOTHING: Final = (Digest.of(b"").text, Digest.of(bytes(1024)).text)  # the diff_id of their layer: no bytes, or tar's end alone


@dataclass(frozen=True, slots=True)
class WerfRecord:
    """What werf 1.1 published at a commit. `image` is in werf's encoding, inside of the tag."""

    tag: Tag
    digest: Digest
    commit: str
    signature: str
    created: datetime | None

    def is_of(self, image: str) -> bool:
        return werf_tag.commit_tag(image, self.commit) == self.tag.text


def read_werf_record(home: Home, tag: Tag, cache: BlobCache) -> WerfRecord | None:
    """None for one that is gone, or that says no signature."""
    try:
        manifest = home.manifest(tag)
        config = home.config(manifest, cache)
    except NotFound:
        return None
    commit, signature = werf_tag.recorded_commit(tag.text), _signature(config)
    if commit is None or not signature:
        return None
    return WerfRecord(tag, manifest.digest, commit, signature, created_of(config))


def is_werf_record(home: Home, tag: Tag, manifest: Manifest, cache: BlobCache) -> bool:
    """Whether the manifest under a tag of that form is what werf pushes there, and no image. Raises NotFound."""
    config = home.config(manifest, cache)
    if werf_tag.managed_image(tag.text) is None:
        return werf_tag.recorded_commit(tag.text) is not None and bool(_signature(config))
    layers = config.get("rootfs")
    contents = layers.get("diff_ids") if isinstance(layers, dict) else None
    return isinstance(contents, list) and all(one in _NOTHING for one in contents)


def _signature(config: Mapping[str, Any]) -> str:
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    signature = labels.get(_SIGNATURE) if isinstance(labels, dict) else None
    return signature if isinstance(signature, str) else ""
