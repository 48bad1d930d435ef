"""In which order a plan is carried out: waves of deletions, each of which may run in parallel.

An index goes before its children, since several registries refuse the reverse (ECR ImageReferencedByManifestList, Harbor 412, GCR
DANGLING_PARENT_IMAGE; docs of 2026-11) and since an interrupted run must never leave an index without its children. What belongs
to a manifest goes before it, so that an interrupted run leaves an unsigned image rather than a signature of nothing. Single
tags go first of all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Tag
from moorage.policy.graph import Graph
from moorage.policy.plan import Item, Kind


@dataclass(frozen=True, slots=True)
class Untag:
    """Remove one tag; its manifest stays."""

    tag: Tag
    digest: Digest


@dataclass(frozen=True, slots=True)
class Removal:
    """Delete one manifest, and with it all its tags, every one of which is in the plan."""

    digest: Digest
    tags: tuple[Tag, ...] = ()
    vendor_id: str = ""


Deletion = Untag | Removal


def waves(items: Iterable[Item], inventory: Inventory) -> tuple[tuple[Deletion, ...], ...]:
    """The deletions of one repository's items, in waves. Items that stay are passed over."""
    going = [item for item in items if item.goes and item.digest is not None]
    tags: dict[Digest, list[Tag]] = {}
    for item in going:
        if item.tag is not None and item.digest is not None:
            tags.setdefault(item.digest, []).append(item.tag)
    removals = {
        item.digest: Removal(item.digest, tuple(sorted(tags.get(item.digest, ()))), item.vendor_id)
        for item in going
        if item.kind is Kind.MANIFEST and item.digest is not None
    }
    untags = tuple(Untag(tag, digest) for digest in sorted(tags) if digest not in removals for tag in sorted(tags[digest]))
    ordered = tuple(tuple(removals[digest] for digest in wave) for wave in _sorted(set(removals), Graph.of(inventory)))
    return ((untags,) if untags else ()) + ordered


def _sorted(digests: set[Digest], graph: Graph) -> Sequence[Sequence[Digest]]:
    """Waves in which everything that has to go before a manifest is in an earlier one.

    Indexes cannot form a cycle, since a digest cannot contain itself; names of tags can (`sha256-A.sig` on B and `sha256-B.sig`
    on A), so inside a cycle what belongs to a manifest may go at any time.
    """
    parts = {(index, child) for index in digests for child in graph.children.get(index, ())}
    belongings = {(follower, target) for target in digests for follower in graph.referrers.get(target, ())}
    belongings |= {(follower, target) for target in digests for _, follower in graph.followers.get(target, ())}
    edges = {(one, other) for one, other in parts | belongings if one != other and other in digests and one in digests}
    # What can be taken off neither from the front nor from the back is a cycle, or lies between two.
    left = digests.difference(*_peel(digests, edges))
    left.difference_update(*_peel(left, {(other, one) for one, other in edges}))
    knotted = {(one, other) for one, other in edges - parts if one in left and other in left}
    return _peel(digests, edges - knotted)


def _peel(digests: set[Digest], edges: Iterable[tuple[Digest, Digest]]) -> Sequence[Sequence[Digest]]:
    """Kahn's algorithm, in waves: what has nothing left before it goes next. What lies on or behind a cycle never goes."""
    behind: dict[Digest, list[Digest]] = {digest: [] for digest in digests}
    before = dict.fromkeys(digests, 0)
    for one, other in edges:
        if one in behind and other in behind:
            behind[one].append(other)
            before[other] += 1
    found = []
    wave = sorted(digest for digest, count in before.items() if count == 0)
    while wave:
        found.append(wave)
        freed = []
        for other in (other for digest in wave for other in behind[digest]):
            before[other] -= 1
            if before[other] == 0:
                freed.append(other)
        wave = sorted(freed)
    return found
