"""Deleting records. No plan holds them, since they are no images; so nothing here believes a name.

A manifest goes only when it says itself that it is the record which its tag names, and when no image's tag leads to it. Its bytes
are in the journal before that, where the run has one.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from moorage.commands.blob_cache import BlobCache
from moorage.commands.journal import Entry, Journal
from moorage.commands.record_home import Home
from moorage.commands.records import KIND, in_threads
from moorage.commands.werf_records import is_werf_record
from moorage.errors import ConfigurationError, ItemRefused, NotFound, RegistryError
from moorage.oci import labels
from moorage.oci.manifest import BadManifest, Manifest, parse_manifest
from moorage.oci.marker import ARTIFACT_TYPE
from moorage.oci.records import LedgerTag, RecordTag, content_key, image_tag
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Outcome

_LEFT: Final = "Look at what it is; `moorage cleanup --delete-tags` with its name takes it away."


@dataclass(frozen=True, slots=True)
class Eraser:
    """Deletes records of one home.

    `images` are the manifests that tags of images lead to, as far as the repository was listed: none of them is deleted here,
    whatever it says. A deletion is of a manifest, and takes EVERY tag on it along: also another name that somebody gave the
    record by hand after the listing.
    """

    home: Home
    parallel: int = 8
    images: Collection[Digest] = frozenset()
    journal: Journal | None = None

    def erase(self, tags: Collection[Tag]) -> tuple[str, ...]:
        """Delete the records under these tags; returns what went wrong, a sentence each.

        What is gone already is done; what turns out to be no record is left. Any other failure ends it: the rest would fare no
        better.
        """
        repository = self.home.repository
        try:
            looks = in_threads(self._look, sorted(tags), self.parallel)
        except RegistryError as error:
            return (f"{repository}: a record could not be looked up: {error.message}",)
        left = tuple(str(look) for look in looks if isinstance(look, ItemRefused))
        try:
            in_threads(self.delete, list(_united(look for look in looks if isinstance(look, Entry))), self.parallel)
        except (RegistryError, ConfigurationError) as error:
            return (*left, f"{repository}: records could not be deleted: {error.message}")
        return left

    def look(self, tag: Tag) -> Entry:
        """The record under a tag. Raises NotFound, and ItemRefused for what is no record, or an image's manifest too."""
        content, media_type = self.home.reader.manifest(self.home.repository, tag)
        entry = Entry(self.home.repository, Digest.of(content), (tag,), media_type=media_type, content=content)
        if entry.digest in self.images:
            raise self._left(tag, "an image's tag leads to the same manifest")
        try:
            if not _is_record(self.home, tag, parse_manifest(content, media_type)):
                raise self._left(tag, "it has the name of a record and is something else")
        except BadManifest as error:
            raise self._left(tag, f"it {error}") from None
        return entry

    def delete(self, entry: Entry) -> None:
        """Delete what was looked at just now. Raises RegistryError, and ConfigurationError for a journal that takes no lines."""
        if self.journal is not None:
            self.journal.about_to(entry)
        try:
            self.home.registry.delete_manifest(self.home.repository, entry.digest)
            outcome = Outcome.DELETED
        except NotFound:
            outcome = Outcome.ALREADY_GONE
        if self.journal is not None:
            self.journal.happened(entry, outcome)

    def _look(self, tag: Tag) -> Entry | ItemRefused | None:
        try:
            return self.look(tag)
        except NotFound:
            return None
        except ItemRefused as error:
            return error

    def _left(self, tag: Tag, why: str) -> ItemRefused:
        return ItemRefused(f"{self.home.repository}:{tag} is left: {why}", remedy=_LEFT)


def _united(entries: Iterator[Entry]) -> Iterator[Entry]:
    """One for each manifest: werf's records of one moment are one."""
    found: dict[Digest, Entry] = {}
    for entry in entries:
        before = found.get(entry.digest)
        found[entry.digest] = entry if before is None else replace(before, tags=(*before.tags, *entry.tags))
    return iter(found.values())


def _is_record(home: Home, tag: Tag, manifest: Manifest) -> bool:
    """Whether a manifest is the very record that a tag is the name of. Raises NotFound where its config is gone."""
    words = manifest.annotations
    if manifest.artifact_type != ARTIFACT_TYPE:
        return is_werf_record(home, tag, manifest, BlobCache())
    match words.get(KIND):
        case "publication":
            record = RecordTag.parse(tag)
            said = (words.get(labels.REVISION), content_key(words.get(labels.CONTENT, "")))
            return record is not None and said == (record.commit, record.content)
        case "ledger":
            ledger = LedgerTag.parse(tag)
            return ledger is not None and any(layer.digest == ledger.digest for layer in manifest.layers)
        case "image":
            return image_tag(words.get(labels.IMAGE, "")) == tag
    return False
