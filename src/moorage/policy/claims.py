"""What others know about a repository's images: what runs, what a list names, what git history keeps or lets go.

Claims to keep win over every rule. Claims to let go come from the keep policies, which rule the images that Moorage published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from moorage.oci.reference import Digest, Tag
from moorage.policy.reason import Reason

K = TypeVar("K")
Reasons = tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """Per repository. Raises ValueError for a claim without a reason, which could not be told from no claim."""

    keep_tags: Mapping[Tag, Reasons] = field(default_factory=dict)
    keep_digests: Mapping[Digest, Reasons] = field(default_factory=dict)
    let_go: Mapping[Tag, Reasons] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for claims in (self.keep_tags, self.keep_digests, self.let_go):
            for claimed, reasons in claims.items():
                if not reasons:
                    raise ValueError(f"the claim on {claimed} has no reason")

    def keeps(self, tag: Tag | None, digest: Digest) -> Reasons:
        return (*(self.keep_tags.get(tag, ()) if tag else ()), *self.keep_digests.get(digest, ()))


def merged(claims: Iterable[Claims]) -> Claims:
    """All of these together; reasons for the same tag or digest add up."""
    every = list(claims)
    return Claims(
        keep_tags=_joined(one.keep_tags for one in every),
        keep_digests=_joined(one.keep_digests for one in every),
        let_go=_joined(one.let_go for one in every),
    )


def _joined(mappings: Iterable[Mapping[K, Reasons]]) -> Mapping[K, Reasons]:
    found: dict[K, Reasons] = {}
    for mapping in mappings:
        for key, reasons in mapping.items():
            found[key] = (*found.get(key, ()), *reasons)
    return found
