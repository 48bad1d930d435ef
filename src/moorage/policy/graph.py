"""What leads to what among the manifests of one repository.

Three kinds of edges, all pointing from what needs to what is needed or carried along:

- an index needs its children (at any depth);
- a manifest carries its referrers (`subject`): signatures, attestations, SBOMs;
- a manifest carries what stands under the tags that follow it by name (`sha256-<hex>`, `.sig`, `.att`, `.sbom`).

So whatever is kept keeps all it leads to, and whatever goes takes along all that only it leads to. The edges never work the other
way round: a signature does not keep the image that it signs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from moorage.oci.inventory import Inventory
from moorage.oci.manifest import followed_digest
from moorage.oci.reference import Digest, Tag


class Edge(StrEnum):
    """Why one manifest leads to another, as it reads in a reason: "child of …"."""

    CHILD = "child"
    REFERRER = "referrer"
    FOLLOWER = "follower"


@dataclass(frozen=True, slots=True)
class Step:
    """How a manifest was reached: from which one, by which edge."""

    source: Digest
    edge: Edge


@dataclass(frozen=True, slots=True)
class Graph:
    """The edges of one inventory. `followers` maps each followed digest to the tags that follow it by name."""

    children: Mapping[Digest, tuple[Digest, ...]]
    referrers: Mapping[Digest, tuple[Digest, ...]]
    followers: Mapping[Digest, tuple[tuple[Tag, Digest], ...]]

    @classmethod
    def of(cls, inventory: Inventory) -> "Graph":
        referrers: dict[Digest, list[Digest]] = {}
        followers: dict[Digest, list[tuple[Tag, Digest]]] = {}
        for stored in inventory.manifests.values():
            if stored.subject is not None and stored.subject != stored.digest:
                referrers.setdefault(stored.subject, []).append(stored.digest)
        for tag, digest in sorted(inventory.tags.items()):
            target = followed_digest(tag.text)
            if target is not None and target != digest:
                followers.setdefault(target, []).append((tag, digest))
        return cls(
            children={stored.digest: stored.children for stored in inventory.manifests.values() if stored.children},
            referrers={subject: tuple(sorted(found)) for subject, found in referrers.items()},
            followers={target: tuple(found) for target, found in followers.items()},
        )

    def leads_to(self, digest: Digest) -> Iterable[tuple[Digest, Edge]]:
        yield from ((child, Edge.CHILD) for child in self.children.get(digest, ()))
        yield from ((referrer, Edge.REFERRER) for referrer in self.referrers.get(digest, ()))
        yield from ((follower, Edge.FOLLOWER) for _, follower in self.followers.get(digest, ()))

    def reach(self, roots: Iterable[Digest], enters: Callable[[Digest], bool] = lambda _: True) -> dict[Digest, Step | None]:
        """Everything that the roots lead to, themselves included, with the step that reached it first (None for roots).

        `enters` can refuse to go into a digest; it is then neither reached nor passed.
        """
        found: dict[Digest, Step | None] = {root: None for root in sorted(set(roots)) if enters(root)}
        queue = list(found)
        for digest in queue:  # grows while it is walked: breadth first
            for target, edge in self.leads_to(digest):
                if target not in found and enters(target):
                    found[target] = Step(digest, edge)
                    queue.append(target)
        return found
