"""Records in a registry: written when something was published, read when git history is asked what it keeps.

Their names say what they say (moorage.oci.records), so reading costs the listing of tags, which a cleanup needs anyway; a ledger
is two requests more, and none once it is in the cache. werf's records have to be opened one by one: the content is only inside.
"""

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.commands.werf_records import WerfRecord, read_werf_record
from moorage.errors import Contradiction, NotFound, Unsupported
from moorage.oci import labels, werf_tag
from moorage.oci.ledger import BadLedger, ImageRecords, Ledger, parse_ledger, united
from moorage.oci.manifest import BadManifest, Blob, parse_manifest
from moorage.oci.marker import Marker, marker
from moorage.oci.records import LedgerTag, RecordTag, content_key, image_tag
from moorage.oci.reference import Digest, Tag
from moorage.oci.tagging import TagStrategy
from moorage.registries.interface import Writer

K = TypeVar("K")
V = TypeVar("V")

KIND = f"{labels.OWN}record"
TAGS = f"{labels.OWN}tags"  # as Publication.strategies
WHEN = f"{labels.OWN}recorded"  # RFC 3339


@dataclass(frozen=True, slots=True)
class Publication:
    """A content of an image that stands under these tags, and the commit that it was published at. `content` is the label's."""

    image: str
    commit: str
    content: str
    when: datetime
    tags: Mapping[str, TagStrategy] = field(default_factory=dict)
    project: str = ""

    @property
    def record(self) -> RecordTag:
        """Raises ValueError for what is no full commit hash."""
        return RecordTag.of(self.image, self.commit, self.content, int(self.when.timestamp()), self.strategies)

    @property
    def strategies(self) -> str:
        """JSON: each meta tag with the strategy that made it."""
        return json.dumps({tag: strategy.value for tag, strategy in sorted(self.tags.items())})


@dataclass(frozen=True, slots=True)
class HomeRecords:
    """All that one repository records. `replaced` are ledgers that another one here stands for: they count no more."""

    home: Home
    singles: Mapping[Tag, RecordTag] = field(default_factory=dict)
    ledgers: Mapping[Tag, Ledger] = field(default_factory=dict)
    replaced: frozenset[Tag] = frozenset()
    werf: Sequence[WerfRecord] = ()

    @property
    def ledger(self) -> dict[str, ImageRecords]:
        """What the ledgers say together."""
        return united(ledger for tag, ledger in self.ledgers.items() if tag not in self.replaced)

    def images(self, names: Iterable[str]) -> Mapping[str, ImageRecords]:
        """Everything that is recorded, by image. `names` are known images: long names in tags are short for one of them."""
        known = tuple(names)
        found = self.ledger
        for record in self.singles.values():
            image = record.image_among(known)
            if image is not None:
                found.setdefault(image, ImageRecords()).add(record.commit, record.content, record.seconds)
        for werf in self.werf:
            image = next((name for name in known if werf.is_of(name)), None)
            if image is not None:
                when = int(werf.created.timestamp()) if werf.created else 0
                found.setdefault(image, ImageRecords()).add(werf.commit, content_key(werf.signature), when)
        return found


def write_record(home: Home, publication: Publication) -> Tag:
    """Record a publication; call it once the last of its tags is up. Two at once do not disturb each other.

    Raises ValueError for what is no full commit hash, Unsupported where the registry takes no manifests from us, and what the
    registry raises. Costs two to four requests.
    """
    record = publication.record
    words = {
        KIND: "publication",
        labels.IMAGE: publication.image,
        labels.CONTENT: publication.content,
        labels.REVISION: publication.commit,
        labels.PROJECT: publication.project,
        TAGS: publication.strategies,
        WHEN: publication.when.isoformat(timespec="seconds"),
    }
    put_marker(home, record.tag, marker(words))
    return record.tag


def write_image_name(home: Home, image: str, when: datetime, project: str = "") -> bool:
    """Record that the project has an image of this name; says whether that is news. Costs one request when it is not."""
    tag = image_tag(image)
    try:
        home.registry.resolve(home.repository, tag)
    except NotFound:
        words = {KIND: "image", labels.IMAGE: image, labels.PROJECT: project, WHEN: when.isoformat(timespec="seconds")}
        put_marker(home, tag, marker(words))
        return True
    return False


def put_marker(home: Home, tag: Tag, what: Marker) -> None:
    """Store a marker under a tag. A cleanup may take the blobs that markers share at the same moment: then they go up again.

    Raises Unsupported, with nothing changed, for a registry that takes images from docker only.
    """
    writer = home.registry
    if not isinstance(writer, Writer):
        raise Unsupported(f"{home.repository.registry} takes no records from us, so nothing says which commits its images are of")
    for attempt in (1, 2):
        for content in what.blobs:
            blob = Blob(Digest.of(content), len(content))
            if not writer.has_blob(home.repository, blob.digest):
                writer.put_blob(home.repository, blob, partial(io.BytesIO, content))
        try:
            writer.put_manifest(home.repository, tag, what.content, what.media_type)
        except NotFound:
            if attempt == 2:
                raise
        else:
            return


def read_records(home: Home, names: Iterable[Tag], cache: BlobCache, parallel: int) -> HomeRecords:
    """What stands behind these names of records; other names are passed over.

    Raises Contradiction for a ledger that cannot be understood: nothing may be deleted for want of a record that is in it.
    """
    tags = sorted(names)
    singles = {tag: record for tag in tags if (record := RecordTag.parse(tag))}
    ledgers = {}
    for tag in tags:
        if named := LedgerTag.parse(tag):
            ledger = _ledger(home, tag, named, cache)
            if ledger is not None:
                ledgers[tag] = ledger
    stood_for = {LedgerTag(digest).tag for ledger in ledgers.values() for digest in ledger.replaces}
    werf = [tag for tag in tags if werf_tag.recorded_commit(tag.text)]
    opened = in_threads(lambda tag: read_werf_record(home, tag, cache), werf, parallel)
    return HomeRecords(home, singles, ledgers, frozenset(stood_for & ledgers.keys()), [found for found in opened if found])


def words_of(home: Home, tag: Tag) -> Mapping[str, str]:
    """The annotations of a marker; empty where it is gone or was never one."""
    reader = home.reader
    try:
        return parse_manifest(*reader.manifest(home.repository, tag)).annotations
    except (NotFound, BadManifest):
        return {}


def strategies_in(words: Mapping[str, str]) -> Mapping[str, str]:
    """Meta tags with their strategies, out of a record's annotations."""
    try:
        document = json.loads(words.get(TAGS, "{}"))
    except ValueError:
        return {}
    return {str(tag): str(strategy) for tag, strategy in document.items()} if isinstance(document, dict) else {}


def in_threads(work: Callable[[K], V], items: Sequence[K], parallel: int) -> list[V]:
    """The results in the order of the items; the first error is raised."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=max(1, min(parallel, len(items))), thread_name_prefix="records") as pool:
        return list(pool.map(work, items))


def _ledger(home: Home, tag: Tag, named: LedgerTag, cache: BlobCache) -> Ledger | None:
    """None for one that is gone since the listing: another run replaced it, and what replaced it says as much."""
    content = cache.get(named.digest)
    try:
        if content is None:
            manifest = home.manifest(tag)
            blob = next((layer for layer in manifest.layers if layer.digest == named.digest), None)
            if blob is None:
                raise Contradiction(f"{home.repository}:{tag} does not hold the ledger that it is named after")
            with home.reader.blob(home.repository, blob) as stream:
                content = stream.read()
            cache.put(content)
        return parse_ledger(content)
    except NotFound as error:
        raise Contradiction(
            f"{home.repository}:{tag} was listed and is gone ({error.message})",
            remedy="Another cleanup may be at work; run again. Nothing was deleted.",
        ) from None
    except BadLedger as error:
        raise Contradiction(
            f"{home.repository}:{tag} {error}",
            remedy="Use the newest version of Moorage, or delete this tag: the records in it are lost then.",
        ) from None
