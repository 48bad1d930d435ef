"""What the deletion of one manifest does to a layout, worked out before anything is written.

Blobs are freed at once, with the manifest that was the last to need them, rather than by a sweep at the end: a run that is
stopped half-way has then freed what it deleted, and nobody has to remember to collect garbage. A sweep remains for what killed
runs leave.
"""

from collections.abc import Callable
from dataclasses import dataclass

from moorage.errors import Contradiction, ItemRefused, NotFound
from moorage.oci.layout import Descriptor, LayoutIndex
from moorage.oci.manifest import BadManifest, Manifest
from moorage.oci.media_type import OCI_MANIFEST
from moorage.oci.reference import Digest
from moorage.registries.layout.reach import Reach, ReadManifest, reach

SizeOf = Callable[[Digest], int | None]


@dataclass(frozen=True, slots=True)
class Removal:
    """`remaining` is the index to write; then `freed` can be unlinked, in this order.

    `needed` are all blobs that have to stay, or None when that cannot be said, because a manifest that stays cannot be read.
    """

    remaining: LayoutIndex
    freed: tuple[Digest, ...]
    needed: frozenset[Digest] | None


def removal_of(digest: Digest, index: LayoutIndex, read: ReadManifest, size_of: SizeOf) -> Removal:
    """Take a manifest and all its tags out of an index.

    What it led to stays known: children and subject that nothing else lists or reaches are listed without a tag from now on, as a
    registry would have them. Raises NotFound; ItemRefused when an index that stays has it as a child, or another tool named it.
    """

    def read_others(other: Digest, media_type: str) -> Manifest:
        if other == digest:
            raise NotFound("is being deleted")
        return read(other, media_type)

    remaining = index.without_manifest(digest)
    staying = reach(remaining, read_others)
    _refuse(digest, index, staying)
    manifest = _readable(digest, read)
    if not index.lists(digest) and (digest not in staying or size_of(digest) is None):
        raise NotFound(f"there is no manifest {digest}")
    if manifest is not None:
        relisted = _relisted(remaining, manifest, index, staying, read, size_of)
        if relisted is not remaining:
            remaining, staying = relisted, reach(relisted, read_others)
    needed = frozenset(staying.needed())
    # The manifest first: should the run die in between, no manifest is left whose blobs are gone.
    candidates = (digest, *(blob.digest for blob in manifest.blobs)) if manifest and not staying.unreadable else (digest,)
    freed = tuple(candidate for candidate in dict.fromkeys(candidates) if candidate not in needed)
    return Removal(remaining, freed, None if staying.unreadable else needed)


def _refuse(digest: Digest, index: LayoutIndex, staying: Reach) -> None:
    name = index.foreign_names().get(digest)
    if name:
        raise ItemRefused(f"{digest} also goes by the name {name!r}, which another tool gave it and which is no tag")
    parents = staying.parents(digest)
    if parents:
        raise ItemRefused(f"{digest} is part of {parents[0]}", remedy="Delete the index first; nothing was changed.")


def _relisted(
    remaining: LayoutIndex, manifest: Manifest, index: LayoutIndex, staying: Reach, read: ReadManifest, size_of: SizeOf
) -> LayoutIndex:
    targets = list(manifest.children if manifest.is_index else ())
    targets += [manifest.subject] if manifest.subject else []
    dates = [entry.pushed for entry in index if entry.digest == manifest.digest and entry.pushed is not None]
    for target in targets:
        size = size_of(target)
        if size is None or target in staying:
            continue
        found = _readable(target, read)
        # A damaged one has to be called something; it stays, named as unreadable, until somebody looks.
        descriptor = Descriptor.of(found) if found else Descriptor(target, OCI_MANIFEST, size)
        remaining = remaining.with_manifest(descriptor.pushed_at(max(dates)) if dates else descriptor)
    return remaining


def _readable(digest: Digest, read: ReadManifest) -> Manifest | None:
    try:
        return read(digest, "")
    except (NotFound, Contradiction, BadManifest):
        return None
