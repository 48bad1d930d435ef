"""What a repository holds, as far as its registry could say: the snapshot that every decision rests on.

An inventory never pretends: a manifest that exists but could not be read is in `unreadable`, a tag that could not be resolved in
`unresolved`, a fact that was not asked for yet is None, and a fact that was asked for and is not known says so (`dated`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from moorage.oci.manifest import Blob, Manifest
from moorage.oci.reference import Digest, Repository, Tag


@dataclass(frozen=True, slots=True)
class Stored:
    """One manifest in the registry: what it leads to, and what is known of it.

    `date` is the vendor's push or update date, else the config's `created`; None with `dated` False means nobody asked yet.
    `labels` are those of the image config; None means nobody asked yet.
    `size` is in bytes: the vendor's figure, else the manifest and its own blobs, without children.
    `locked` is the vendor's own reason why this manifest cannot go (immutable, locked, too many downloads), or empty.
    `unread` means that only a listing told of it, which does not say what it belongs to: `subject` None is no answer then.
    `content` are the manifest's own bytes where the listing had to read them anyway, for the journal; else empty.
    """

    digest: Digest
    media_type: str = ""
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None
    blobs: tuple[Blob, ...] = ()
    config: Digest | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    date: datetime | None = None
    dated: bool = False
    labels: Mapping[str, str] | None = None
    locked: str = ""
    vendor_id: str = ""
    unread: bool = False
    content: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(cls, manifest: Manifest, content: bytes = b"") -> "Stored":
        return cls(
            content=content,
            digest=manifest.digest,
            media_type=manifest.media_type,
            children=manifest.children,
            subject=manifest.subject,
            blobs=manifest.blobs,
            config=manifest.config.digest if manifest.config else None,
            annotations=manifest.annotations,
            size=manifest.size + sum(blob.size for blob in manifest.blobs),
        )

    def with_bytes_of(self, read: "Stored") -> "Stored":
        """What was read of this manifest, with what the listing had said of it before."""
        return replace(
            read, date=self.date, dated=self.dated, labels=self.labels, size=self.size or read.size, locked=self.locked,
            vendor_id=self.vendor_id, subject=read.subject or self.subject,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every tag and manifest of one repository, at one moment.

    `dangling` are tags that the registry lists and then says are not there: nothing stands behind them, nobody can pull them.
    `missing` are digests that something points at and the registry says are not there.
    `locked_tags` are tags that the vendor will not let go of, with its reason.
    `tag_dates` are the vendor's own dates of tags, where it has them: when a tag was last pushed or moved.
    `lists_untagged` says whether manifests without tags would be seen at all.
    `takes_along` says whether the registry deletes, together with a manifest, what belongs to it (`subject`) whatever its tags
    are, and children that have no tag and are part of no other index (Harbor).
    `lives_by_tags` says whether a manifest goes with its last tag, and with it the children that nothing else holds (Quay).
    `keeps_last_tagged` says whether the registry refuses to delete the last manifest with a tag by itself (GitHub).
    `records` are tags that stand for no image (moorage.oci.records); they are nowhere else in it, and nor is what they point at.
    """

    repository: Repository
    tags: Mapping[Tag, Digest]
    manifests: Mapping[Digest, Stored]
    unreadable: Mapping[Digest, str] = field(default_factory=dict)
    unresolved: Mapping[Tag, str] = field(default_factory=dict)
    dangling: Mapping[Tag, str] = field(default_factory=dict)
    missing: frozenset[Digest] = frozenset()
    locked_tags: Mapping[Tag, str] = field(default_factory=dict)
    tag_dates: Mapping[Tag, datetime] = field(default_factory=dict)
    lists_untagged: bool = False
    takes_along: bool = False
    lives_by_tags: bool = False
    keeps_last_tagged: bool = False
    records: frozenset[Tag] = frozenset()

    def __post_init__(self) -> None:
        for name in ("tags", "manifests", "unreadable", "unresolved", "dangling", "locked_tags", "tag_dates"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def takes_children(self) -> bool:
        """Whether the children of a deleted index go with it, where nothing else holds them."""
        return self.takes_along or self.lives_by_tags

    def lacks(self, digest: Digest) -> bool:
        """Whether the registry said that this manifest is not there, and nothing that it said later contradicts it."""
        return digest in self.missing and digest not in self.manifests and digest not in self.unreadable

    def tags_of(self) -> Mapping[Digest, tuple[Tag, ...]]:
        """Each tagged digest with all its tags, sorted."""
        found: dict[Digest, list[Tag]] = {}
        for tag, digest in sorted(self.tags.items()):
            found.setdefault(digest, []).append(tag)
        return {digest: tuple(tags) for digest, tags in found.items()}

    def with_manifests(self, manifests: Iterable[Stored]) -> "Inventory":
        """The same moment, knowing more: these manifests added or replaced."""
        return replace(self, manifests={**self.manifests, **{stored.digest: stored for stored in manifests}})
