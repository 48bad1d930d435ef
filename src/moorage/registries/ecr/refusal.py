"""What an entry of `failures` means for the one image that it is about."""

from collections.abc import Mapping
from typing import Final

from moorage.errors import ItemRefused, NotFound, RegistryError, Unreachable
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.ecr.payloads import NOT_THERE, PART_OF_INDEX, SILENCE, Refusal
from moorage.registries.ecr.trouble import KMS

_REMEDIES: Final[Mapping[str, str]] = {
    PART_OF_INDEX: "An index that stays refers to it: let that go first, or keep both. Everything else was handled.",
    "KmsError": KMS,
    "ImageInaccessible": "Activate the image (aws ecr update-image-storage-class), or leave it. Everything else was handled.",
}


def refused(repository: Repository, reference: Tag | Digest, refusal: Refusal, remedy: str | None = None) -> RegistryError:
    """The error for one image that was left out of a batch; it concerns this image alone."""
    name = f"{repository}:{reference}" if isinstance(reference, Tag) else f"{repository}@{reference}"
    if refusal.code == NOT_THERE:
        return NotFound(f"{name} is not there")
    if refusal is SILENCE:
        return Unreachable(f"{name} may not be deleted: {refusal.reason}")
    return ItemRefused(f"{name} is not deleted: {refusal}", remedy=remedy or _REMEDIES.get(refusal.code))
