"""In which order a plan is carried out: waves of deletions, each of which may run in parallel.

An index goes before its children, since several registries refuse the reverse (ECR ImageReferencedByManifestList, Harbor 412, GCR
DANGLING_PARENT_IMAGE; docs of 2026-11) and since an interrupted run must never leave an index without its children. What belongs
to a manifest goes before it, so that an interrupted run leaves an unsigned image rather than a signature of nothing. Single
tags go first of all.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    """Waves in which everything that has to go before a manifest is in an earlier one (Kahn's algorithm).

    Index edges cannot form a cycle, since a digest cannot contain itself; names of tags can (`sha256-A.sig` on B and
    `sha256-B.sig` on A), so the edges of what belongs to a manifest give way where they would block each other.
    """
    parents = _before(digests, ((child, index) for index in digests for child in graph.children.get(index, ())))
    belongings = [(subject, follower) for subject in digests for follower in graph.referrers.get(subject, ())]
    belongings += [(target, digest) for target in digests for _, digest in graph.followers.get(target, ())]
    earlier = {digest: parents[digest] | extra for digest, extra in _before(digests, belongings).items()}
    found: list[list[Digest]] = []
    left = set(digests)
    while left:
        ready = sorted(digest for digest in left if not earlier[digest] & left) or sorted(
            digest for digest in left if not parents[digest] & left
        )
        found.append(ready)
        left -= set(ready)
    return found


def _before(digests: set[Digest], edges: Iterable[tuple[Digest, Digest]]) -> Mapping[Digest, set[Digest]]:
    """For each digest, those that have to go before it; `edges` are pairs (later, earlier)."""
    found: dict[Digest, set[Digest]] = {digest: set() for digest in digests}
    for later, earlier in edges:
        if later in digests and earlier in digests and later != earlier:
            found[later].add(earlier)
    return found
