"""Writing labels into an image without touching its layers: new bytes of configs, manifests and indexes out of the old ones.

Keys stay in their order and unknown ones stay at all, so the new bytes differ from the old ones only where they have to. Bytes
that would not change are returned as they are, digest included.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from moorage.oci.manifest import BadManifest, Blob, Manifest
from moorage.oci.media_type import IMAGE_CONFIGS, IMAGES
from moorage.oci.reference import Digest

# A layer of files, OCI's or Docker's; attestations and signatures look like images but have layers of other kinds.
_FILE_LAYER: Final = re.compile(
    r"application/vnd\.(?:oci\.image\.layer(?:\.nondistributable)?\.v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)"
    r"(?P<compression>[.+](?:gzip|zstd))?"
)
# BuildKit (0.11 and later) names in the descriptor of an attestation the image that it is about.
_ATTESTED: Final = "vnd.docker.reference.digest"


def layer_media_types(content: bytes) -> tuple[str, ...]:
    """The media types of the layers of an image manifest, in their order."""
    layers = _object(content).get("layers")
    return tuple(str(layer.get("mediaType", "")) for layer in layers or () if isinstance(layer, dict))


def is_file_layer(media_type: str) -> bool:
    return _FILE_LAYER.fullmatch(media_type) is not None


def is_uncompressed_layer(media_type: str) -> bool:
    found = _FILE_LAYER.fullmatch(media_type)
    return found is not None and found["compression"] is None


def is_runnable(manifest: Manifest, content: bytes) -> bool:
    """Whether this is an image in the narrow sense: an image config, and layers that are all file systems."""
    return (
        manifest.media_type in IMAGES
        and manifest.config_media_type in IMAGE_CONFIGS
        and all(map(is_file_layer, layer_media_types(content)))
    )


def labelled_config(config: bytes, labels: Mapping[str, str]) -> bytes:
    """An image config with these labels added to, or put in place of, its own. Raises BadManifest for what is no image config."""
    document = _object(config)
    settings = document.get("config")
    if settings is None:
        settings = document["config"] = {}
    if not isinstance(settings, dict):
        raise BadManifest("has a config whose settings are no object")
    own = settings.get("Labels") or {}
    if not isinstance(own, dict):
        raise BadManifest("has a config whose labels are no object")
    wanted = {**own, **labels}
    if wanted == own:
        return config
    settings["Labels"] = dict(sorted(wanted.items()))  # Go writes maps sorted, so this is what a builder would have written
    return _bytes(document)


def with_config(content: bytes, config: Blob) -> bytes:
    """An image manifest with another config of the same media type."""
    document = _object(content)
    if _points_at(document["config"], config):
        return content
    _point(document["config"], config)
    return _bytes(document)


def with_manifests(content: bytes, replaced: Mapping[Digest, Blob]) -> bytes:
    """A manifest whose children and subject are followed to their new versions, the attestations about them included."""
    document = _object(content)
    entries = [entry for entry in document.get("manifests") or () if isinstance(entry, dict)]
    changed = False
    for entry in [*entries, *([document["subject"]] if isinstance(document.get("subject"), dict) else [])]:
        new = replaced.get(_digest_in(entry, "digest"))
        if new is not None:
            _point(entry, new)
            changed = True
        annotations = entry.get("annotations")
        about = replaced.get(_digest_in(annotations, _ATTESTED)) if isinstance(annotations, dict) else None
        if about is not None:
            annotations[_ATTESTED] = about.digest.text
            changed = True
    return _bytes(document) if changed else content


_NO_DIGEST: Final = Digest.of(b"")


def _digest_in(entry: Mapping[str, Any], key: str) -> Digest:
    text = entry.get(key)
    try:
        return Digest(text) if isinstance(text, str) else _NO_DIGEST
    except ValueError:
        return _NO_DIGEST


def _points_at(descriptor: Mapping[str, Any], blob: Blob) -> bool:
    return descriptor.get("digest") == blob.digest.text and descriptor.get("size") == blob.size


def _point(descriptor: dict[str, Any], blob: Blob) -> None:
    descriptor["digest"], descriptor["size"] = blob.digest.text, blob.size
    descriptor.pop("data", None)  # the old bytes, where they were embedded


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadManifest("is not JSON") from None
    if not isinstance(document, dict):
        raise BadManifest("is not a JSON object")
    return document


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
