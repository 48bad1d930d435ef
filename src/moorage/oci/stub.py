"""The stub: a manifest of no image that one tag is moved to, so that deleting it takes the tag away and nothing else.

A run that is killed in between leaves the tag on its stub. The stub says what the tag stood for, so whoever finds it knows what
was under way: the tag was to go.
"""

import json
import secrets
from typing import Final

from moorage.oci import media_type
from moorage.oci.inventory import Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import BadReference, Digest

EMPTY: Final = b"{}"
CONFIG: Final = Blob(Digest.of(EMPTY), len(EMPTY))
_ARTIFACT_TYPE: Final = "application/vnd.moorage.stub.v1"
_UNIQUE: Final = "vnd.moorage.stub"
_STANDS_FOR: Final = "vnd.moorage.stub.of"
_DOCKERS: Final = frozenset({media_type.DOCKER_MANIFEST, media_type.DOCKER_LIST})


def stub_manifest(original: Digest, like: str) -> tuple[bytes, str]:
    """A manifest that nobody else has, with its media type: Docker's where the tag holds a Docker image, else OCI's.

    `original` is what the tag stands for, `like` its media type.
    """
    docker = like in _DOCKERS
    kind = media_type.DOCKER_MANIFEST if docker else media_type.OCI_MANIFEST
    blob = {
        "mediaType": media_type.DOCKER_CONFIG if docker else media_type.OCI_EMPTY,
        "digest": str(CONFIG.digest),
        "size": CONFIG.size,
    }
    document = {
        "schemaVersion": 2,
        "mediaType": kind,
        **({} if docker else {"artifactType": _ARTIFACT_TYPE}),
        "config": blob,
        "layers": [] if docker else [blob],  # image-spec 1.1: an OCI manifest should have a layer
        "annotations": {
            "org.opencontainers.image.description": "Takes one tag away.",
            _UNIQUE: secrets.token_hex(16),
            _STANDS_FOR: original.text,
        },
    }
    return json.dumps(document, separators=(",", ":")).encode(), kind


def is_stub(stored: Stored | None) -> bool:
    """Whether a manifest is a stub. It has the mark and nothing that could be run: a mark alone can be on any image."""
    return stored is not None and _UNIQUE in stored.annotations and stored.config == CONFIG.digest and not stored.children


def stands_for(stored: Stored | None) -> Digest | None:
    """What the tag of a stub pointed at before; None for anything else, and for stubs that do not say."""
    if stored is None or not is_stub(stored):
        return None
    try:
        return Digest(stored.annotations.get(_STANDS_FOR, ""))
    except BadReference:
        return None
