"""Deleting from an Artifactory: by folders, of which a manifest has one per tag, and one more where it was pushed by its digest.

A manifest is there as long as one of its folders is. `DELETE` on /v2 is not used: it answered 406 in 2019
(containers/image#1009), works for skopeo in 2025 (skopeo#2497), and is documented nowhere.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from moorage.errors import NotFound
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.just_seen import JustSeen
from moorage.registries.jfrog.api import JFrogApi, permission
from moorage.registries.jfrog.payloads import Folder
from moorage.registries.jfrog.place import Place, Places
from moorage.transport.session import Session

Names = set[Tag | Digest]


class Deletion:
    """Thread-safe. The folders of the last inventory are remembered, minus what this run has deleted since.

    `seen` is told where tags were found to point; no folder is deleted on an older look than that.
    """

    def __init__(self, api: JFrogApi, client: Distribution, session: Session, places: Places) -> None:
        self._api = api
        self._client = client
        self._session = session
        self._places = places
        self._lock = threading.Lock()
        self.seen: JustSeen[tuple[Repository, Tag | Digest], Digest] = JustSeen()
        self._folders: dict[tuple[Repository, Digest], Names] = {}

    def learn(self, inventory: Inventory, folders: Iterable[Folder]) -> None:
        """Remember the folders of every manifest that was seen; one without a tag can only lie under its digest."""
        repository = inventory.repository
        names: dict[Digest, Names] = {digest: set(tags) for digest, tags in inventory.tags_of().items()}
        for folder in folders:
            if isinstance(folder.name, Digest):
                names.setdefault(folder.name, set()).add(folder.name)
        for digest in inventory.manifests:
            names.setdefault(digest, {digest})
        with self._lock:
            self._folders = {key: known for key, known in self._folders.items() if key[0] != repository}
            self._folders |= {(repository, digest): known for digest, known in names.items()}

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Where its folder is the manifest's last, the manifest is put under its digest first.

        Raises NotFound; Unsupported, with nothing changed, in virtual and remote repositories.
        """
        place = self._places.of(repository)
        self._api.require_deletion(place)
        digest = self.seen.take((repository, tag)) or self._client.head(repository, tag).digest
        if tag not in self._known(repository, digest):
            self._ask(repository, place, digest)
        with self._taken(repository, digest, tag) as others, self._session.finishing():
            if not others:
                self._keep(repository, digest)
            self._remove(repository, place, tag)

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Remove a manifest and every tag that still points at it; tags that have moved on stay. Raises NotFound."""
        place = self._places.of(repository)
        self._api.require_deletion(place)
        known = self._known(repository, digest)
        if self._empty(repository, place, digest, known):
            return
        if not self._empty(repository, place, digest, self._ask(repository, place, digest) - known):
            raise NotFound(f"{repository}@{digest} is not there")

    def _empty(self, repository: Repository, place: Place, digest: Digest, names: Names) -> bool:
        """Remove these folders of a manifest, tags first, so that none is left over nothing. False when there was none."""
        found = False
        for name in sorted(names, key=lambda name: (isinstance(name, Digest), str(name))):
            if isinstance(name, Tag) and self._target_just_now(repository, name) != digest:
                continue  # it has moved on, or is gone
            try:
                with self._taken(repository, digest, name):
                    self._remove(repository, place, name)
            except NotFound:
                continue  # somebody else was faster; the other folders are still to go
            found = True
        return found

    def _remove(self, repository: Repository, place: Place, name: Tag | Digest) -> None:
        """Delete one folder. A 404 is believed only if the manifest, which was there a moment ago, is gone now."""
        if self._api.delete(place, name):
            return
        what = f"{repository}@{name}" if isinstance(name, Digest) else f"{repository}:{name}"
        if self._target(repository, name) is not None:
            raise self._api.denied(
                f"{what} is still there, although Artifactory answers 404 to its deletion: that is how it denies missing rights",
                permission(place, "Delete/Overwrite"),
            )
        raise NotFound(f"{what} is not there")

    def _keep(self, repository: Repository, digest: Digest) -> None:
        """Give a manifest a folder of its own digest: an index may need it, and its last tag is about to go."""
        fetched = self._client.manifest(repository, digest)
        self._client.put_manifest(repository, digest, fetched.content, fetched.media_type)
        with self._lock:
            self._folders.setdefault((repository, digest), set()).add(digest)

    def _known(self, repository: Repository, digest: Digest) -> Names:
        with self._lock:
            return set(self._folders.get((repository, digest), ()))

    def _ask(self, repository: Repository, place: Place, digest: Digest) -> Names:
        """The folders that a manifest has right now."""
        names = {folder.name for folder in self._api.manifests(place, digest)}
        with self._lock:
            self._folders[repository, digest] = names
        return set(names)

    @contextmanager
    def _taken(self, repository: Repository, digest: Digest, name: Tag | Digest) -> Iterator[Names]:
        """The other folders of a manifest, while this one is being deleted: no two threads may each count on the other's."""
        with self._lock:
            names = self._folders.setdefault((repository, digest), set())
            names.discard(name)
            others = set(names)
        try:
            yield others
        except NotFound:
            raise
        except BaseException:
            with self._lock:
                names.add(name)
            raise

    def _target_just_now(self, repository: Repository, tag: Tag) -> Digest | None:
        return self.seen.take((repository, tag)) or self._target(repository, tag)

    def _target(self, repository: Repository, reference: Tag | Digest) -> Digest | None:
        try:
            return self._client.head(repository, reference).digest
        except NotFound:
            return None
