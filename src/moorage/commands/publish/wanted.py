"""What is to stand in the registry when one image is published, and how to tell that it does already."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from moorage.commands.publish.content import Content
from moorage.commands.publish.standing import Standing
from moorage.oci.labels import CONTENT, IMAGE, PROJECT, SIGNATURE
from moorage.oci.reference import Digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """`labels` are added to the source's; `source` is its manifest's digest where that is known and nothing is added.

    Content alone does not tell whether attestations are beside it, nor a signature whether it was built just now: what is to
    count is told by `by_content` and `by_signature`.
    """

    content: Content
    labels: Mapping[str, str] = field(default_factory=dict)
    user_labels: Mapping[str, str] = field(default_factory=dict)
    source: Digest | None = None
    signature: str = ""  # of what it is made from, where that is known
    by_content: bool = True
    by_signature: bool = True

    def is_held_by(self, standing: Standing) -> bool:
        """Whether this is published already.

        With our labels: the same content or signature, published by us for the same image, with the labels that the user wants;
        the commit and the date that it was published for may differ. Without: the very same bytes, or for an image that docker is
        still to make bytes of, the same content and the same labels.
        """
        if self.source is not None and not self.labels:
            return standing.digest == self.source
        if IMAGE not in self.labels:
            expected = self.content.labelled(self.labels)
            return standing.content.core == expected.core and standing.content.labels == expected.labels
        found = standing.content
        required = {IMAGE: self.labels[IMAGE], PROJECT: self.labels[PROJECT], **self.user_labels}
        same_content = self.by_content and found.digest == self.content.labelled(self.labels).digest
        same = same_content or (self.by_signature and self.is_signed(standing))
        return same and required.items() <= found.labels.items()

    def is_signed(self, standing: Standing) -> bool:
        """Whether it was made from the same, and is still what was made then.

        An image that somebody built from it inherits all labels; it has another content than they say.
        """
        found = standing.content
        signed = bool(self.signature) and found.labels.get(SIGNATURE) == self.signature
        return signed and found.labels.get(CONTENT) == found.digest.text
