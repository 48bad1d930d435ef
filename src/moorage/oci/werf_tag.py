"""The tags of a werf 1.1 stages storage, so that a project can move over with its history.

One repository holds everything of a project, told apart by the tag: stages, rejected stages, the names of the images ever
published, and which content was published at which commit.
"""

import re
from dataclasses import dataclass

from moorage.oci.naming import NAMELESS
from moorage.oci.reference import TAG_LIMIT, Tag
from moorage.oci.slug import limited

MANAGED_PREFIX = "managed-image-"
COMMIT_PREFIX = "image-metadata-by-commit-"
_REJECTED_SUFFIX = "-rejected"
_NAMELESS_CODE = "__nameless__"
_CODES = {"/": "__slash__", "+": "__plus__"}
_STAGE = re.compile(r"(?P<signature>[^-]+)-(?P<unique_id>[0-9]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class StageTag:
    """`SIGNATURE-MILLISECONDS`. Many tags of other tools look like this (`v1-2`): whoever deletes has to ask the labels too."""

    signature: str
    unique_id: int

    @classmethod
    def parse(cls, tag: str) -> "StageTag | None":
        """None for a tag of any other form."""
        found = _STAGE.fullmatch(tag)
        return cls(found["signature"], int(found["unique_id"])) if found else None


def rejected_stage(tag: Tag) -> Tag | None:
    """The stage that a tag marks as not to be used, or None for a tag of another kind."""
    name = tag.text.removesuffix(_REJECTED_SUFFIX)
    return Tag(name) if name != tag.text and StageTag.parse(name) else None


def encoded(image: str) -> str:
    """An image name in the letters of a tag."""
    if image == NAMELESS:
        return _NAMELESS_CODE
    for character, code in _CODES.items():
        image = image.replace(character, code)
    return image


def decoded(text: str) -> str:
    """The image name that `encoded` was given."""
    if text == _NAMELESS_CODE:
        return NAMELESS
    for character, code in _CODES.items():
        text = text.replace(code, character)
    return text


def managed_image_tag(image: str) -> str:
    """The tag that records an image name. werf does not shorten it, and fails to push one that is too long."""
    return MANAGED_PREFIX + encoded(image)


def managed_image(tag: str) -> str | None:
    """The image name that a tag records, or None for a tag of another kind."""
    return decoded(tag.removeprefix(MANAGED_PREFIX)) if tag.startswith(MANAGED_PREFIX) else None


def commit_tag(image: str, commit: str) -> str:
    """The tag that records what was published of an image at a commit; a name that is too long is replaced by its slug.

    A shortened name cannot be decoded: a tag belongs to an image when encoding that image's name gives the tag.
    """
    name = encoded(image)
    room = TAG_LIMIT - len(COMMIT_PREFIX) - len(commit) - 1
    if len(name) > room:
        name = limited(name, room).replace("-", "_")
    return f"{COMMIT_PREFIX}{name}-{commit}"


def recorded_commit(tag: str) -> str | None:
    """The commit in such a tag, or None for a tag of another kind."""
    name, dash, commit = tag.removeprefix(COMMIT_PREFIX).rpartition("-")
    return commit if tag.startswith(COMMIT_PREFIX) and dash and name and commit else None
