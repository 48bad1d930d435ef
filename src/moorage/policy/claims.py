"""What others know about a repository's images: what runs, what a list names, what git history keeps or lets go.

Claims to keep win over every rule. Claims to let go come from the keep policies, which rule the images that Moorage published.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from moorage.oci.reference import Digest, Tag
from moorage.policy.reason import Reason

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
