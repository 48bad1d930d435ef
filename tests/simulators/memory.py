"""What a vendor knows and its registry does not: when something was pushed, what is tagged how, what has no tag, what is locked.

A simulator learns it from the pushes and deletions that pass through it. Here, tags live in this memory alone and the registry
behind holds manifests by digest, so that a vendor can do with tags what distribution 2.8 cannot.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moorage.oci.reference import Digest

_ids = itertools.count(1001)


@dataclass
class Held:
    """One manifest. `id` is a number of the vendor's own."""

    digest: Digest
    content: bytes
    media_type: str
    pushed: datetime
    id: int = field(default_factory=lambda: next(_ids))
    locked: str = ""

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found

    @property
    def children(self) -> list[Digest]:
        return [Digest(entry["digest"]) for entry in self.document.get("manifests", ())]

    @property
    def subject(self) -> Digest | None:
        found = self.document.get("subject")
        return Digest(found["digest"]) if found else None

    @property
    def size(self) -> int:
        """Bytes of the manifest, its config and its layers."""
        document = self.document
        entries = [*document.get("layers", ()), *([document["config"]] if "config" in document else [])]
        return len(self.content) + sum(int(entry["size"]) for entry in entries)


@dataclass
class Mark:
    """One tag."""

    digest: Digest
    pushed: datetime
    id: int = field(default_factory=lambda: next(_ids))
    locked: str = ""


@dataclass
class Shelf:
    """One repository, in the order in which things were pushed. `made` is when that began."""

    name: str
    made: datetime = field(default_factory=lambda: datetime.min.replace(tzinfo=UTC))
    id: int = field(default_factory=lambda: next(_ids))
    manifests: dict[Digest, Held] = field(default_factory=dict)
    tags: dict[str, Mark] = field(default_factory=dict)

    def tags_of(self, digest: Digest) -> list[str]:
        return [name for name, mark in self.tags.items() if mark.digest == digest]

    def parents_of(self, digest: Digest) -> list[Held]:
        return [held for held in self.manifests.values() if digest in held.children]

    def referrers_of(self, digest: Digest) -> list[Held]:
        return [held for held in self.manifests.values() if held.subject == digest]

    def untagged(self) -> list[Held]:
        tagged = {mark.digest for mark in self.tags.values()}
        return [held for held in self.manifests.values() if held.digest not in tagged]

    def put(self, held: Held, tag: str | None) -> Held:
        """A push: a manifest that is there already keeps its date, as with every vendor; a tag is new whenever it is pushed."""
        kept = self.manifests.setdefault(held.digest, held)
        if tag is not None:
            self.tags[tag] = Mark(held.digest, held.pushed)
        return kept

    def drop(self, digest: Digest) -> None:
        """Forget a manifest and every tag on it."""
        self.manifests.pop(digest, None)
        for name in self.tags_of(digest):
            del self.tags[name]
