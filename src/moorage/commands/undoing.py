"""What it takes to undo a deletion: read before it happens, and put into the journal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from moorage.commands.ahead import Ahead
from moorage.commands.journal import Entry
from moorage.errors import NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Tag
from moorage.oci.stub import stands_for
from moorage.registries.interface import BatchReader, Reader, Registry, Restorer


@dataclass
class Undoing:
    """Makes journal entries for one repository, reading what the listing did not bring along.

    `order` are the manifests to go, in the order in which they will, so that many can be read at once where the registry can.
    `foreseen` are entries of what a registry deletes together with something else; `stood_for` what stubs took the place of.
    """

    registry: Registry
    inventory: Inventory
    order: Sequence[Digest] = ()
    foreseen: dict[Digest, Entry] = field(default_factory=dict)
    stood_for: dict[Digest, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unread = [digest for digest in self.order if self._is_to_be_read(self._stored(digest))]
        self._ahead = Ahead(self._read, unread, fresh_for=math.inf)  # a digest's bytes are never others

    def entry(self, digest: Digest, tags: tuple[Tag, ...], *, manifest_stays: bool = False) -> Entry:
        """What it takes to put this back: bytes from the listing or read now, unless the registry undoes deletions by itself.

        Raises NotFound for what is gone, and what the registry raises for what it will not hand out.
        """
        if digest in self.foreseen:
            return replace(self.foreseen[digest], tags=tags)
        stored = self._stored(digest)
        content, media_type = stored.content, stored.media_type
        if self._is_to_be_read(stored) and isinstance(self.registry, Reader):
            content, media_type = self._ahead.take(digest) or self.registry.manifest(self.inventory.repository, digest)
        return Entry(self.inventory.repository, digest, tags, manifest_stays, media_type, content, stored.vendor_id)

    def _stored(self, digest: Digest) -> Stored:
        return self.inventory.manifests.get(digest, Stored(digest))

    def _is_to_be_read(self, stored: Stored) -> bool:
        return not stored.content and not (isinstance(self.registry, Restorer) and stored.vendor_id)

    def _read(self, digests: Sequence[Digest]) -> Mapping[Digest, tuple[bytes, str]]:
        """Many manifests by one call, where there is one; what is left out is asked for by itself, and then says why."""
        if not isinstance(self.registry, BatchReader):
            return {}
        read = self.registry.manifests(self.inventory.repository, digests)
        return {digest: found for digest, found in read.items() if found is not None}

    def foresee(self, parts: Mapping[Digest, Sequence[Tag]]) -> None:
        """Read what the registry will delete along with a manifest, while it is there to be read."""
        for part, tags in parts.items():
            if part not in self.foreseen:
                try:
                    self.foreseen[part] = self.entry(part, tuple(tags))
                except NotFound:
                    continue  # gone already, with something else

    def worth(self, entry: Entry) -> Entry:
        """What is worth putting back: for a stub that an earlier run left, its tag on what it stood for."""
        original = stands_for(self.inventory.manifests.get(entry.digest))
        if original is None:
            return entry
        if entry.digest not in self.stood_for:
            try:
                self.stood_for[entry.digest] = self.entry(original, entry.tags, manifest_stays=True)
            except NotFound:
                self.stood_for[entry.digest] = entry
        return replace(self.stood_for[entry.digest], tags=entry.tags)
