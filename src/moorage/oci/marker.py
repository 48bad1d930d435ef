"""Markers: manifests that stand for no image and only carry words, shaped so that every registry takes them.

Registries differ in the media types they accept, but all of them know an image with one layer for an unknown platform: BuildKit's
attestations are such. The words are in the annotations; a payload, if there is one, is the layer.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moorage.oci import media_type
from moorage.oci.reference import Digest

ARTIFACT_TYPE: Final = "application/vnd.moorage.record.v1"
LEDGER_TYPE: Final = "application/vnd.moorage.ledger.v1+gzip"
_EMPTY_TAR: Final = bytes(1024)
_EMPTY_LAYER: Final = gzip.compress(_EMPTY_TAR, mtime=0)


@dataclass(frozen=True, slots=True)
class Marker:
    """The manifest's bytes, and the blobs that have to be there before it."""

    content: bytes
    blobs: tuple[bytes, ...]
    media_type: str = media_type.OCI_MANIFEST

    @property
    def digest(self) -> Digest:
        return Digest.of(self.content)


def marker(annotations: Mapping[str, str], payload: bytes | None = None) -> Marker:
    """A marker with these words. Other words make another digest, so that deleting one marker deletes no other."""
    layer, kind = (_EMPTY_LAYER, media_type.OCI_LAYER_GZIP) if payload is None else (payload, LEDGER_TYPE)
    diff_id = Digest.of(_EMPTY_TAR if payload is None else payload)
    config = _json(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id.text]},
        }
    )
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": _descriptor(config, media_type.OCI_CONFIG),
        "layers": [_descriptor(layer, kind)],
        "annotations": dict(sorted(annotations.items())),
    }
    return Marker(_json(document), (config, layer))


def _descriptor(content: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": Digest.of(content).text, "size": len(content)}


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
