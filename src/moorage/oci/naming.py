"""How an image's name and tag become a name in a registry, and back.

    mode        image `app`, tag `v1`     the nameless image, tag `v1`
    multirepo   REPO/app:v1               REPO:v1
    monorepo    REPO:app-v1               REPO:v1

The tag as its user thinks of it (`v1`) is called the meta tag, the one in the registry (`app-v1`) the tag.
In monorepo mode a tag alone does not say whose it is: `app-worker-v1` may be `app` with meta tag `worker-v1`, or `app-worker`
with `v1`. What an image recorded about itself when it was published decides, never the prefix alone (werf issue 1500).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NAMELESS = ""
_NAMELESS_MARKS = frozenset({"~", "__nameless__"})


class Mode(StrEnum):
    """Where image names go: into the repository path, or into the tag."""

    MULTIREPO = "multirepo"
    MONOREPO = "monorepo"


@dataclass(frozen=True, slots=True)
class FinalName:
    """Where one image goes under one tag. `repository` keeps the images repo's text as its user wrote it."""

    image: str  # empty: the nameless image
    repository: str
    tag: str
    meta_tag: str

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"


def image_name(text: str) -> str:
    """An image's name out of what people type for it: `~` and `__nameless__` mean the image without a name."""
    return NAMELESS if text in _NAMELESS_MARKS else text


def shown(image: str) -> str:
    """An image's name as messages show it."""
    return f"image {image!r}" if image else "the nameless image"


def repository_text(images_repo: str, mode: Mode, image: str) -> str:
    """The repository that holds an image, below the text of an images repo without trailing slashes."""
    return f"{images_repo}/{image}" if image and mode is Mode.MULTIREPO else images_repo


def tag_text(mode: Mode, image: str, meta_tag: str) -> str:
    """The tag in the registry for a meta tag."""
    return _prefix(mode, image) + meta_tag


def meta_tag(mode: Mode, image: str, tag: str) -> str:
    """The meta tag of a tag that belongs to `image`; a tag without the image's prefix is returned as it is."""
    return tag.removeprefix(_prefix(mode, image))


def may_belong(mode: Mode, image: str, tag: str) -> bool:
    """Whether a tag of the image's repository could be the image's, judged by its prefix: cheap, and not the last word."""
    return tag.startswith(_prefix(mode, image))


def belongs(mode: Mode, image: str, tag: str, recorded: str | None) -> bool:
    """Whether a tag is the image's. `recorded` is the name that the tagged image recorded; None where it is nobody's we know."""
    return recorded is not None and may_belong(mode, image, tag) and (mode is Mode.MULTIREPO or recorded == image)


def recorded_by_werf(labels: Mapping[str, str]) -> str | None:
    """The image name in the labels of a final image that werf 1.1 published; None for anything else (stages say `false`)."""
    return labels.get("werf-image-name", NAMELESS) if labels.get("werf-image") == "true" else None


def _prefix(mode: Mode, image: str) -> str:
    return f"{image}-" if image and mode is Mode.MONOREPO else ""
