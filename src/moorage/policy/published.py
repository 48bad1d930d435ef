"""Which tags of a repository a project published: told from the labels of their images, Moorage's own and those of werf 1.1.

A name proves nothing: anybody may push `v1`. An image that carries neither tool's labels is nobody's here, and only an explicit
rule can let it go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.oci import labels, naming
from moorage.oci.inventory import Inventory
from moorage.oci.manifest import followed_digest
from moorage.oci.naming import Mode
from moorage.oci.records import content_key
from moorage.oci.reference import Digest, Tag

_WERF_SIGNATURE = "werf-content-signature"
_WERF_STRATEGY = "werf-tag-strategy"
_WERF_COMMIT = "werf-project-repo-commit"
_WERF_META_TAG = "werf-image-tag"


@dataclass(frozen=True, slots=True)
class PublishedTag:
    """One tag of one of the project's images.

    `content` is a key as records have it; `revision` the commit that the image itself says it was published at, or empty.
    `strategy` is what the image says of it (only werf's do; ours are recorded apart, since tags share images), or empty.
    `built_at` is a commit that may have been an earlier one: good to keep an image for want of any better, and for nothing else.
    """

    tag: Tag
    digest: Digest
    image: str
    meta_tag: str
    content: str
    revision: str = ""
    strategy: str = ""
    date: datetime | None = None
    built_at: str = ""


@dataclass(frozen=True, slots=True)
class Publications:
    """`others` are how many tags other projects published here, by project."""

    tags: Sequence[PublishedTag]
    others: Mapping[str, int]


def published_in(inventory: Inventory, mode: Mode, images: Iterable[str], project: str) -> Publications:
    """The tags that the project published here. `images` are those of its images that live in this repository.

    Everything that is tagged has to have its labels in the inventory; without labels an image is nobody's.
    """
    names = frozenset(images)
    found: list[PublishedTag] = []
    others: dict[str, int] = {}
    for tag, digest in sorted(inventory.tags.items()):
        stored = inventory.manifests.get(digest)
        if stored is None or followed_digest(tag.text) is not None:
            continue
        words = {**stored.annotations, **(stored.labels or {})}
        image = _owner(words, tag, mode, names)
        if image is None:
            continue
        owner = words.get(labels.PROJECT, "")
        if owner not in {"", project}:
            others[owner] = others.get(owner, 0) + 1
            continue
        dates = [date for date in (stored.date, inventory.tag_dates.get(tag)) if date is not None]
        found.append(_published(tag, digest, image, mode, words, max(dates, default=None)))
    return Publications(found, others)


def _owner(words: Mapping[str, str], tag: Tag, mode: Mode, names: frozenset[str]) -> str | None:
    """The image whose tag this is. In multirepo mode werf's label is not compared: the repository says it, as in werf."""
    recorded = labels.recorded_image(words)
    if recorded is None:
        return None
    if mode is Mode.MULTIREPO and labels.IMAGE not in words:
        return next(iter(names)) if len(names) == 1 else None
    return recorded if recorded in names and naming.belongs(mode, recorded, tag.text, recorded) else None


def _published(tag: Tag, digest: Digest, image: str, mode: Mode, words: Mapping[str, str], date: datetime | None) -> PublishedTag:
    own = labels.IMAGE in words
    content = words.get(labels.CONTENT if own else _WERF_SIGNATURE) or digest.text
    meta_tag = naming.meta_tag(mode, image, tag.text)
    return PublishedTag(
        tag=tag,
        digest=digest,
        image=image,
        meta_tag=meta_tag if own else words.get(_WERF_META_TAG) or meta_tag,
        content=content_key(content),
        revision=words.get(labels.REVISION, "") if own else "",
        strategy="" if own else words.get(_WERF_STRATEGY, ""),
        date=date,
        built_at="" if own else words.get(_WERF_COMMIT, ""),
    )
