"""Deleting from Artifact Registry, which deletes no manifest that has a tag: its tags first, then itself.

Where the second step is refused, the tags that went are put back. A run that is killed in between leaves an image without tags,
which the next one finds.
"""

import threading
from collections.abc import Sequence
from typing import Final

from moorage.errors import NotFound, RegistryError
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.gcr.api import GoogleApi, ImmutableTags, StillNeeded
from moorage.transport.session import Session

_PASSES: Final = 3  # of deleting what something still needs: Google may be a little late to see that it went


class Deletion:
    """Thread-safe. It knows what the last inventory said of tags, and what each tag was said to point at right before."""

    def __init__(self, api: GoogleApi, session: Session) -> None:
        self._api = api
        self._session = session
        self._lock = threading.Lock()
        self._tags: dict[Repository, dict[Tag, Digest]] = {}
        self._seen: dict[tuple[Repository, Tag], Digest] = {}
        self._immutable: dict[Repository, ImmutableTags] = {}

    def learn(self, inventory: Inventory) -> None:
        with self._lock:
            self._tags[inventory.repository] = dict(inventory.tags)

    def saw(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """The registry said just now that a tag points there; the next deletion need not ask again."""
        with self._lock:
            self._seen[repository, tag] = digest

    def tag(self, repository: Repository, tag: Tag) -> None:
        """Delete this tag alone. Raises NotFound, and ImmutableTags, which is remembered: it is true of all tags or of none."""
        with self._lock:
            known = self._immutable.get(repository)
        if known is not None:
            raise ImmutableTags(f"{repository}:{tag} stays: {known.message}", remedy=known.remedy)
        try:
            self._api.delete(repository, tag)
        except ImmutableTags as error:
            with self._lock:
                self._immutable[repository] = error
            raise
        with self._lock:
            self._tags.get(repository, {}).pop(tag, None)

    def manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest with all its tags that were listed.

        Raises NotFound; ItemRefused where it has to stay; else what came in between. What stays keeps its tags.
        """
        removed: list[Tag] = []
        with self._session.finishing():
            try:
                self._all(repository, digest, removed)
            except RegistryError as error:
                if not removed:
                    raise
                said = self._put_back(repository, digest, removed)
                raise type(error)(f"{error.message}; {said}", remedy=error.remedy) from None

    def _all(self, repository: Repository, digest: Digest, removed: list[Tag]) -> None:
        """Tags, then the manifest; `removed` is told what went."""
        for tag in self._tags_of(repository, digest):
            try:
                self.tag(repository, tag)
            except NotFound:
                continue
            removed.append(tag)
        self._itself(repository, digest, tagged=bool(removed))

    def _itself(self, repository: Repository, digest: Digest, *, tagged: bool) -> None:
        for attempt in range(1, _PASSES + 1):
            try:
                self._api.delete(repository, digest)
            except StillNeeded:
                if attempt == _PASSES:
                    raise
                self._session.pause(attempt)
            except NotFound:
                if not tagged:
                    raise
                return  # it went with its last tag
            else:
                return

    def _tags_of(self, repository: Repository, digest: Digest) -> Sequence[Tag]:
        """The tags that the last inventory has at this manifest, and that still are there; of a repository never listed, all."""
        with self._lock:
            known = self._tags.get(repository)
            listed = None if known is None else [tag for tag, target in known.items() if target == digest]
        if listed is None:
            listed = self._listed_now(repository, digest)
        return [tag for tag in sorted(listed) if self._points_at(repository, tag) == digest]

    def _listed_now(self, repository: Repository, digest: Digest) -> list[Tag]:
        manifests = self._api.listing(repository).manifests or ()
        with self._lock:
            self._tags[repository] = {tag: one.digest for one in manifests for tag in one.tags}
            self._seen |= {(repository, tag): one.digest for one in manifests if one.digest == digest for tag in one.tags}
        return [tag for one in manifests if one.digest == digest for tag in one.tags]

    def _points_at(self, repository: Repository, tag: Tag) -> Digest | None:
        with self._lock:
            seen = self._seen.pop((repository, tag), None)
        if seen is not None:
            return seen
        try:
            return self._api.client.head(repository, tag).digest
        except NotFound:
            return None

    def _put_back(self, repository: Repository, digest: Digest, tags: Sequence[Tag]) -> str:
        """Give a manifest that stays its tags again; what came of that, as half a sentence."""
        names = ", ".join(map(str, tags))
        with self._session.finishing():
            try:
                held = self._api.client.manifest(repository, digest)
                for tag in tags:
                    self._api.client.put_manifest(repository, tag, held.content, held.media_type)
            except RegistryError as error:
                return (
                    f"its tags {names} are gone and could not be put back: {error.message} (crane tag {repository}@{digest} TAG)"
                )
        with self._lock:
            self._tags.setdefault(repository, {}).update(dict.fromkeys(tags, digest))
        return f"its tags {names} were put back"
