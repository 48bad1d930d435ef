"""What a record is, said to somebody who found it among the tags of a registry and asks why it stays."""

from datetime import UTC, datetime

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.commands.records import read_records, words_of
from moorage.oci import labels, werf_tag
from moorage.oci.naming import shown
from moorage.oci.records import LedgerTag, RecordTag, image_of_field, recorded_image_field
from moorage.oci.reference import Tag

Sentences = tuple[str, ...]


def record_told(home: Home, tag: Tag) -> Sentences:
    """What a record is and when it goes. Raises NotFound where it is not there, Contradiction for a ledger that is none."""
    home.registry.resolve(home.repository, tag)
    if record := RecordTag.parse(tag):
        return _publication(home, tag, record)
    if LedgerTag.parse(tag):
        return _ledger(home, tag)
    field = recorded_image_field(tag)
    return _name(_image(home, tag, field)) if field is not None else _of_werf(tag)


def _publication(home: Home, tag: Tag, record: RecordTag) -> Sentences:
    when = datetime.fromtimestamp(record.seconds, UTC)
    return (
        f"It is a record, no image: it says that {_image(home, tag, record.image)} was published",
        f"at commit {record.commit} on {when:%Y-%m-%d %H:%M} UTC, with the content sha256:{record.content}…",
        "Cleaning by git history rests on it. It goes once the last tag of that content is gone, or a ledger holds what it says.",
    )


def _ledger(home: Home, tag: Tag) -> Sentences:
    ledgers = read_records(home, [tag], BlobCache(), parallel=1).ledgers.values()
    images = sorted({shown(name) for ledger in ledgers for name in ledger.images})
    return (
        f"It is a ledger, no image: {sum(map(len, ledgers))} records of what was published at which commit,",
        f"of {', '.join(images)}. Cleaning by git history rests on it.",
        "A cleanup writes another in its place when some are needed no more, and the next one takes this away.",
    )


def _name(image: str) -> Sentences:
    return (
        f"It is a record, no image: it says that the project has, or had, {image}.",
        "It goes when nothing of that image is left and the config file does not name it;",
        "`moorage managed-images rm` takes it away now.",
    )


def _of_werf(tag: Tag) -> Sentences:
    if (managed := werf_tag.managed_image(tag.text)) is not None:
        return (
            f"It is a record of werf, no image: it says that the project has, or had, {shown(managed)}.",
            "It stays, since werf would not write it again; `moorage managed-images rm` takes it away.",
        )
    if commit := werf_tag.recorded_commit(tag.text):
        return (
            f"It is a record of werf, no image: it says which content was published at commit {commit}.",
            "It goes once the last tag of that content is gone.",
        )
    return ("It is a note that werf keeps for its own use (which client it was), no image. Moorage leaves it alone.",)


def _image(home: Home, tag: Tag, field: str) -> str:
    """Its name; one that is too long for a tag stands in the record alone."""
    name = image_of_field(field)
    return shown(words_of(home, tag).get(labels.IMAGE, "") if name is None else name)
