"""The labels by which a published image says what it is and whose: written by publish, read by cleanup.

The general ones are the annotations of image-spec 1.1, "Pre-Defined Annotation Keys", used as labels as docker's own actions do.
"""

from collections.abc import Mapping
from typing import Final

from moorage.oci.naming import recorded_by_werf

TITLE: Final = "org.opencontainers.image.title"
SOURCE: Final = "org.opencontainers.image.source"
REVISION: Final = "org.opencontainers.image.revision"
CREATED: Final = "org.opencontainers.image.created"
VERSION: Final = "org.opencontainers.image.version"
REF_NAME: Final = "org.opencontainers.image.ref.name"

OWN: Final = "dev.moorage."  # the prefix of everything that only Moorage writes
IMAGE: Final = "dev.moorage.image"  # the image's name in its project; empty for the nameless image
PROJECT: Final = "dev.moorage.project"
CONTENT: Final = "dev.moorage.content"  # what the image is, whatever is written on it (commands/publish/content.py)
SIGNATURE: Final = "dev.moorage.signature"  # what it was made from, known before it is built (docs/signature.md)
STAGES: Final = "dev.moorage.stages"  # signatures of all stages that it was made from, where that is not its own signature alone
KEPT: Final = "dev.moorage.kept"  # when it was put into a stages storage (RFC 3339); only stages say it

_GENERAL: Final = frozenset({TITLE, SOURCE, REVISION, CREATED, VERSION, REF_NAME})


def is_written(name: str) -> bool:
    """Whether a label of this name is one that publish writes: it describes an image and is no part of its content."""
    return name in _GENERAL or name.startswith(OWN)


def recorded_image(labels: Mapping[str, str]) -> str | None:
    """The image name that an image recorded when it was published, by Moorage or werf 1.1; None where it recorded none."""
    return labels[IMAGE] if IMAGE in labels else recorded_by_werf(labels)
