"""What lives and dies in a Quay (data/model/oci/manifest.py and tag.py, data/model/gc.py of quay/quay, seen 2026-11).

A manifest can be pulled while a tag leads to it, or an index with a tag, or a hidden tag: for an hour after a push by digest, for
ever where it has a `subject`. What nothing leads to any more lies in the time machine.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.scripted_server import Request, forward
from tests.simulators.simulator import Simulator

if TYPE_CHECKING:
    from datetime import datetime

    from moorage.oci.reference import Digest
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Shelf

_HIDDEN_FOR = timedelta(hours=1)  # PUSH_TEMP_TAG_EXPIRATION_SEC


class QuayLife(Simulator):
    """`history` are the tags that each repository once had."""

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.hidden: dict[tuple[str, Digest], datetime | None] = {}
        self.buried: dict[tuple[str, Digest], Held] = {}
        self.history: dict[str, set[str]] = {}

    def pushed(self, shelf: Shelf, held: Held, tag: str | None) -> None:
        if tag is None:
            self.hidden[shelf.name, held.digest] = None if held.subject else held.pushed + _HIDDEN_FOR
        for child in held.children:
            self.hidden.pop((shelf.name, child), None)  # RESET_CHILD_MANIFEST_EXPIRATION

    def visible(self, shelf: Shelf, digest: Digest, *, hidden: bool) -> bool:
        """Whether a live tag leads to it, or to an index that it is part of: one level and no deeper."""
        if digest not in shelf.manifests:
            return False
        if shelf.tags_of(digest) or (hidden and self._is_hidden(shelf.name, digest)):
            return True
        return any(shelf.tags_of(parent.digest) for parent in shelf.parents_of(digest))

    def _is_hidden(self, name: str, digest: Digest) -> bool:
        until = self.hidden.get((name, digest), self.clock.now() - _HIDDEN_FOR)
        return until is None or until > self.clock.now()

    def drop(self, shelf: Shelf, names: list[str]) -> None:
        for name in names:
            shelf.tags.pop(name, None)
            self.history.setdefault(shelf.name, set()).add(name)
        living: set[Digest] = set()
        waiting = [digest for digest in shelf.manifests if shelf.tags_of(digest) or self._is_hidden(shelf.name, digest)]
        while waiting:
            digest = waiting.pop()
            if digest not in living and digest in shelf.manifests:
                living.add(digest)
                waiting += shelf.manifests[digest].children
        for digest in [digest for digest in shelf.manifests if digest not in living]:
            self.buried[shelf.name, digest] = shelf.manifests.pop(digest)
            self.upstream.delete(shelf.name, digest)

    def dig_out(self, shelf: Shelf, digest: Digest) -> None:
        held = self.buried.pop((shelf.name, digest), None)
        if held is None:
            return
        for child in held.children:
            self.dig_out(shelf, child)
        shelf.manifests[digest] = held
        headers = {"host": self.upstream.host, "content-type": held.media_type}
        put = Request("PUT", f"/v2/{shelf.name}/manifests/{digest}", headers, held.content)
        assert forward(put, self.upstream.host).status == 201
