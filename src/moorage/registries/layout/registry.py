"""The embedded registry, `oci:DIR`: every repository is an OCI image layout below one directory. No server, no docker."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from moorage.errors import Contradiction, ItemRefused, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.layout import BLOBS, LAYOUT_FILE, BadLayout, Descriptor, LayoutIndex
from moorage.oci.manifest import BadManifest, Blob, Manifest, parse_manifest
from moorage.oci.reference import BadReference, Digest, Registry, Repository, Tag
from moorage.registries.interface import Clock
from moorage.registries.layout.configs import ConfigReader
from moorage.registries.layout.reach import Reach, reach
from moorage.registries.layout.removal import removal_of
from moorage.registries.layout.store import LayoutStore, failures_named, locate
from moorage.registries.vendor import Connection

SNAPSHOT_ATTEMPTS = 5


def open_layout(connection: Connection) -> "LayoutRegistry":
    """The registry of a connection whose address is `oci:DIR`. Nothing is read or created yet."""
    return LayoutRegistry(connection.registry)


def _now() -> datetime:
    return datetime.now(UTC)


class LayoutRegistry:
    """Implements Registry, TagDeleter, Describer, ReferrerLister, Reader, Writer, RepositoryLister and
    RepositoryDeleter.

    Every method raises ConfigurationError for a repository that cannot lie below the directory, Denied for missing file rights,
    Unreachable for other trouble with the file system.
    """

    def __init__(self, registry: Registry, clock: Clock = _now) -> None:
        self._registry = registry
        self._root = Path(registry.directory).absolute()
        self._clock = clock
        self._stores: dict[str, LayoutStore] = {}
        self._stores_turn = threading.Lock()
        self._parsed: dict[tuple[Digest, str], Manifest] = {}

    # Registry

    def inventory(self, repository: Repository) -> Inventory:
        """List every manifest and the tags that point at it. Raises NotFound, Contradiction."""
        with self._using(repository) as store:
            index = store.index()
            found = reach(index, self._reading(store))
            for _ in range(SNAPSHOT_ATTEMPTS):
                # Readers hold no lock. What is gone may have been there for an index that was replaced meanwhile.
                if not found.missing or (latest := store.index()) == index:
                    break
                index, found = latest, reach(latest, self._reading(store))
            return _inventory(repository, index, found, self._tags(repository, index))

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        """The digest that a tag points at right now; a digest is its own answer. Raises NotFound."""
        with self._using(repository) as store:
            return self._descriptor(repository, store, reference).digest

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        """The tags that the repository has right now; empty for a repository that is not there."""
        with self._using(repository) as store:
            return frozenset(self._tags(repository, store.index())) if store.exists() else frozenset()

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest, EVERY tag that points at it, and the blobs that only it needed. Its children stay, without tags.

        Raises NotFound; ItemRefused for the child of an index and for what another tool has named.
        """
        with self._using(repository) as store, store.changing() as index:
            removal = removal_of(digest, index, self._reading(store, cached=True), store.size_of)
            # The index first: a run that dies in between leaves garbage, never a tag whose blobs are gone.
            store.replace_index(removal.remaining)
            store.remove(removal.freed)
            if removal.needed is not None:
                store.sweep(removal.needed)

    # TagDeleter

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone; its manifest stays, without a tag if this was the last. Raises NotFound."""
        with self._using(repository) as store, store.changing() as index:
            if not index.has(tag):
                raise NotFound(f"{repository} has no tag {tag}")
            store.replace_index(index.without_tag(tag))

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: a layout can always let go of a single tag."""
        return ""

    # Describer, ReferrerLister

    def describe(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """The same manifests with labels, and with the date of the config where no push date was recorded."""
        with self._using(inventory.repository) as store:
            configs = ConfigReader(inventory, store.open_blob, self._clock)
            return [configs.described(digest) for digest in digests if digest in inventory.manifests]

    def referrers(self, inventory: Inventory, digests: Iterable[Digest]) -> Sequence[Stored]:
        """The manifests whose `subject` is one of these; the inventory lists them all, tagged or not."""
        subjects = frozenset(digests)
        return [stored for stored in inventory.manifests.values() if stored.subject in subjects]

    # Reader

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        """Bytes and media type of a manifest, verified. Raises NotFound, Contradiction."""
        with self._using(repository) as store:
            descriptor = self._descriptor(repository, store, reference)
            return store.manifest(descriptor.digest), descriptor.media_type

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        """An open stream of a blob; reading to its end raises Contradiction if it is damaged. Raises NotFound."""
        with self._using(repository) as store:
            return store.open_blob(blob)

    # Writer

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        with self._using(repository) as store:
            return store.size_of(digest) is not None

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """Store a blob. Raises Contradiction when the stream is not what its digest and size say."""
        with self._using(repository) as store:
            store.prepare()
            store.put_blob(blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        """Store a manifest under a tag or its digest, with the moment as its push date.

        Raises NotFound, naming them, while blobs or children are not there: a cleanup may have taken them since they were seen,
        and whoever pushes puts them again. Raises Contradiction for bytes that are no manifest, or not the one they should be.
        """
        try:
            manifest = parse_manifest(content, media_type)
        except BadManifest as error:
            raise Contradiction(f"{repository}:{reference}: the manifest {error}") from None
        if manifest.media_type != media_type:
            raise Contradiction(f"{repository}:{reference}: said to be {media_type}, the manifest says {manifest.media_type}")
        if isinstance(reference, Digest) and reference != manifest.digest:
            raise Contradiction(f"{repository}@{reference}: the manifest has the digest {manifest.digest}")
        with self._using(repository) as store:
            store.prepare()
            with store.changing() as index:
                self._refuse_incomplete(repository, store, index, manifest)
                store.put_manifest(content)
                store.replace_index(_with(index, manifest, reference, self._clock()))
        return manifest.digest

    # RepositoryLister

    def repositories(self, prefix: str = "") -> Sequence[Repository]:
        """Every layout below the directory whose path is `prefix` or lies below it, sorted. Links are not followed."""
        if not self._root.is_dir():
            raise NotFound(f"{self._registry} is not there: {self._root} is no directory")
        found = []
        with failures_named(str(self._registry)):
            for folder, below, files in os.walk(self._root, onerror=_raise):
                below[:] = sorted(name for name in below if name != BLOBS and not name.startswith("."))
                path = Path(folder).relative_to(self._root).as_posix()
                if LAYOUT_FILE in files and (not prefix or f"{path}/".startswith(f"{prefix}/")):
                    found.append(path)
        return [repository for path in sorted(found) if (repository := self._named(path)) is not None]

    # RepositoryDeleter

    def delete_repository(self, repository: Repository) -> None:
        """Let a layout that lists nothing be none any more. Raises ItemRefused for one that lists something, NotFound.

        Whoever pushes meanwhile waits for the lock, and then makes it anew or says that it is gone; blobs on their way stay.
        """
        with self._using(repository) as store, store.changing() as index:
            if list(index):
                raise ItemRefused(f"{repository} is not empty; nothing was changed")
            store.dissolve()

    def cannot_delete(self, repository: Repository) -> str:  # noqa: ARG002 -- the same everywhere here
        """Empty: whether the files may be removed is only known by trying."""
        return ""

    def repository_date(self, repository: Repository) -> datetime | None:
        """When its index was written last."""
        with self._using(repository) as store:
            store.index()
            return store.changed()

    # Ours

    def backdate(self, repository: Repository, digest: Digest, when: datetime) -> None:
        """Make a manifest look as if it had been pushed at another time, with all its tags. FOR DEMONSTRATIONS AND TESTS ONLY.

        `when` is an aware datetime. The children of an index take its date. Raises NotFound for what `index.json` does not list.
        """
        with self._using(repository) as store, store.changing() as index:
            if not index.lists(digest):
                raise NotFound(f"{repository} does not list {digest}")
            store.replace_index(index.pushed_at(digest, when))

    @contextmanager
    def _using(self, repository: Repository) -> Iterator[LayoutStore]:
        with failures_named(str(repository)):
            folder = locate(self._root, repository.path)
            with self._stores_turn:
                store = self._stores.setdefault(repository.path, LayoutStore(folder, str(repository)))
            yield store

    def _reading(self, store: LayoutStore, *, cached: bool = False) -> Callable[[Digest, str], Manifest]:
        """Reads and parses manifests. `cached` trusts what this process has read before: bytes under a digest do not change."""

        def read(digest: Digest, media_type: str) -> Manifest:
            known = self._parsed.get((digest, media_type)) if cached else None
            if known is None:
                known = self._parsed[digest, media_type] = parse_manifest(store.manifest(digest), media_type)
            return known

        return read

    def _tags(self, repository: Repository, index: LayoutIndex) -> dict[Tag, Descriptor]:
        try:
            return dict(index.tags())
        except BadLayout as error:
            raise Contradiction(f"{self._root / repository.path / 'index.json'} {error}") from None

    def _descriptor(self, repository: Repository, store: LayoutStore, reference: Tag | Digest) -> Descriptor:
        """What `index.json` says of a tag or digest, or what is found of it in the indexes there. Raises NotFound."""
        index = store.index()
        if isinstance(reference, Tag):
            found = self._tags(repository, index).get(reference)
        else:
            found = next((entry for entry in index if entry.digest == reference), None)
            if found is None:
                manifest = reach(index, self._reading(store, cached=True)).manifests.get(reference)
                found = Descriptor.of(manifest) if manifest else None
        if found is None or store.size_of(found.digest) is None:
            raise NotFound(f"{repository} has no {'tag' if isinstance(reference, Tag) else 'manifest'} {reference}")
        return found

    def _refuse_incomplete(self, repository: Repository, store: LayoutStore, index: LayoutIndex, manifest: Manifest) -> None:
        absent = [blob.digest for blob in manifest.blobs if store.size_of(blob.digest) is None]
        unlisted = {child for child in manifest.children if manifest.is_index and not index.lists(child)}
        if unlisted:
            absent += sorted(unlisted - reach(index, self._reading(store, cached=True)).manifests.keys())
        if absent:
            raise NotFound(
                f"{repository} lacks parts of {manifest.digest}: {', '.join(str(digest) for digest in absent[:5])}",
                remedy="Put the blobs and children of a manifest before the manifest itself.",
            )

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._registry, path)
        except BadReference:
            return None  # a layout that somebody keeps here under a name that no registry would take


def _raise(error: OSError) -> None:
    raise error


def _with(index: LayoutIndex, manifest: Manifest, reference: Tag | Digest, now: datetime) -> LayoutIndex:
    descriptor = Descriptor.of(manifest).pushed_at(now)
    if manifest.is_index:
        index = index.without_plain(manifest.children)
    return index.with_tag(reference, descriptor) if isinstance(reference, Tag) else index.with_manifest(descriptor)


def _inventory(repository: Repository, index: LayoutIndex, found: Reach, tags: dict[Tag, Descriptor]) -> Inventory:
    names = index.foreign_names()
    manifests = {
        digest: replace(
            Stored.of(manifest),
            date=found.dates.get(digest),
            dated=digest in found.dates,
            locked=f"another tool named it {names[digest]!r}, which is no tag" if digest in names else "",
        )
        for digest, manifest in found.manifests.items()
    }
    there = {tag: entry.digest for tag, entry in tags.items() if entry.digest not in found.missing}
    return Inventory(
        repository=repository,
        tags=there,
        manifests=manifests,
        unreadable=found.unreadable,
        dangling={tag: f"the layout lacks {tags[tag].digest}" for tag in tags.keys() - there.keys()},
        missing=frozenset(found.missing),
        tag_dates={tag: entry.pushed for tag, entry in tags.items() if entry.pushed is not None},
        lists_untagged=True,
    )
