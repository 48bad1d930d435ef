"""The journal: what is about to be deleted, written and flushed to disk before it is, so that it can be put back.

One JSON object per line, appended and never changed. The first line says which registry this is about. For each deletion there is
an `about-to` line with everything needed to undo it (the manifest byte for byte, all its tags, the vendor's id) and, once it has
happened, a line with its outcome. A run that is killed leaves an `about-to` without outcome: whoever reads it has to look.
`emptied` lines do the same for a repository itself, whose settings nobody can put back.
`recorded` lines (moorage.commands.recorded) say at which commits the images were published that are about to go.
"""

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final, Self

from moorage.errors import ConfigurationError
from moorage.oci.records import is_record
from moorage.oci.reference import BadReference, Digest, Registry, Repository, Tag
from moorage.policy.document import read_repository, stamp
from moorage.policy.plan import Outcome

SCHEMA = "moorage.journal/1"
EMPTIED: Final = "emptied"  # the event of a repository that goes itself, see moorage.commands.emptied
RECORDED: Final = "recorded"  # the event of what is noted of contents, see moorage.commands.recorded


@dataclass(frozen=True, slots=True)
class Entry:
    """One deletion: of a manifest with its tags, or (`manifest_stays`) of tags alone.

    `content` are the manifest's bytes, empty where the registry brings it back by its own means or would not hand it out.
    `outcome` None means that the run ended before it could say.
    """

    repository: Repository
    digest: Digest
    tags: tuple[Tag, ...] = ()
    manifest_stays: bool = False
    media_type: str = ""
    content: bytes = field(default=b"", repr=False)
    vendor_id: str = ""
    outcome: Outcome | None = None

    @property
    def is_record(self) -> bool:
        """Whether this was no image, but what Moorage or werf wrote down about one."""
        return bool(self.tags) and all(is_record(tag) for tag in self.tags)

    @property
    def key(self) -> tuple[str, str, tuple[str, ...], bool]:
        return (str(self.repository), self.digest.text, tuple(tag.text for tag in self.tags), self.manifest_stays)


class Journal:
    """Written by one run. Thread-safe; a context manager. `path` is created with 0600, and never overwritten.

    `registry` is the one of the images, `others` those that the run deletes from as well.
    """

    def __init__(self, path: Path, registry: Registry, created: datetime, others: Iterable[Registry] = ()) -> None:
        self.path = path
        self._lock = Lock()
        self._stream: IO[str] | None = None
        beside = [other.name for other in others if other != registry]
        self._header = {"schema": SCHEMA, "registry": registry.name, "others": beside, "created": stamp(created)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            with suppress(OSError):  # of a line that could not be written, which whoever wrote it was told
                self._stream.close()

    def about_to(self, entry: Entry) -> None:
        """On disk when this returns. Raises ConfigurationError where it cannot be written: then nothing may be deleted."""
        self._append({"event": "about-to", **_fields(entry)})

    def happened(self, entry: Entry, outcome: Outcome) -> None:
        fields = _fields(entry)
        self._append(
            {"event": outcome.value, **{name: fields[name] for name in ("repository", "digest", "tags", "manifest_stays")}}
        )

    def recorded(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """What is recorded of contents that are about to go. On disk when this returns; raises as `about_to` does."""
        lines = [{"event": RECORDED, **row} for row in rows]
        if lines:
            self._append(*lines)

    def emptied(self, repository: Repository, outcome: Outcome | None = None) -> None:
        """A repository itself goes, whose images are in the journal already; without an outcome, it is about to.

        On disk when this returns; raises as `about_to` does.
        """
        self._append({"event": EMPTIED, "repository": str(repository), "outcome": outcome.value if outcome else None})

    def _append(self, *rows: dict[str, Any]) -> None:
        with self._lock:
            try:
                if self._stream is None:
                    self._stream = self._open()
                self._stream.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
                self._stream.flush()
                os.fsync(self._stream.fileno())
            except OSError as error:
                raise ConfigurationError(
                    f"the journal {self.path} cannot be written: {error.strerror}; nothing is deleted without it",
                    remedy="Name a place that can be written to with --journal FILE.",
                ) from None

    def _open(self) -> IO[str]:
        """Opened with the first deletion, so that runs that delete nothing leave no file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        stream = os.fdopen(handle, "a", encoding="utf-8")
        if _is_cut_off(self.path):
            stream.write("\n")
        stream.write(json.dumps(self._header) + "\n")
        return stream


def _is_cut_off(path: Path) -> bool:
    """Whether a run that was killed in the middle of a line wrote to this file before."""
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() != b"\n"


def whole_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a journal with their numbers, but for those that a crash cut off: at its end, or where a later run went on.

    What such a line was about to say had not been allowed to happen yet.
    """
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for number, (line, after) in enumerate(pairwise([*lines, ""]), start=1):
        if line.endswith("\n") and not (after.startswith('{"schema"') and not _is_json(line)):
            yield number, line


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def read_journal(path: Path) -> tuple[Registry, tuple[Entry, ...]]:
    """The registry a journal is about, and its deletions in the order they were begun, each with its outcome where one is known.

    Raises ConfigurationError for what is no journal, naming the line.
    """
    try:
        lines = list(whole_lines(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as a journal: {getattr(error, 'strerror', None) or error}",
            remedy="Name the file that the run named at its end, or --journal did; a run that deletes nothing writes none.",
        ) from None
    registry: Registry | None = None
    others: list[Registry] = []
    found: dict[object, Entry] = {}
    for number, line in lines:
        try:
            row = json.loads(line)
            if row.get("schema") == SCHEMA:
                registry = Registry(row["registry"])  # again where a later run went on with the same file
                others += [Registry(name) for name in row.get("others", ())]
                continue
            if row.get("event") in {RECORDED, EMPTIED} or _is_record_elsewhere(row, registry):
                continue
            entry = _read(row, registry, others)
            found[entry.key] = entry if entry.outcome is None else replace(found[entry.key], outcome=entry.outcome)
        except (ValueError, KeyError, TypeError, AttributeError, BadReference, binascii.Error) as error:
            raise ConfigurationError(f"{path}, line {number} is no line of a journal: {error}") from None
    if registry is None:
        raise ConfigurationError(f"{path} is empty, so there is nothing to restore")
    return registry, tuple(found.values())


def _is_record_elsewhere(row: dict[str, Any], registry: Registry | None) -> bool:
    """Records may live in a stages storage on another registry; they are written anew, from what is noted, not put back."""
    if registry is None or str(row["repository"]).startswith(f"{registry}/"):
        return False
    return bool(row["tags"]) and all(is_record(Tag(tag)) for tag in row["tags"])


def _fields(entry: Entry) -> dict[str, Any]:
    return {
        "repository": str(entry.repository),
        "digest": entry.digest.text,
        "tags": [tag.text for tag in entry.tags],
        "manifest_stays": entry.manifest_stays,
        "media_type": entry.media_type,
        "vendor_id": entry.vendor_id,
        "manifest": base64.b64encode(entry.content).decode(),
    }


def _read(row: dict[str, Any], registry: Registry | None, others: Iterable[Registry]) -> Entry:
    if registry is None:
        raise ValueError(f"the first line does not say {SCHEMA}")
    content = base64.b64decode(row.get("manifest", ""), validate=True)
    digest = Digest(row["digest"])
    if content and Digest.of(content) != digest:
        raise ValueError(f"its manifest is not {digest}")
    return Entry(
        repository=read_repository(row["repository"], registry, *others),
        digest=digest,
        tags=tuple(Tag(tag) for tag in row["tags"]),
        manifest_stays=bool(row["manifest_stays"]),
        media_type=str(row.get("media_type", "")),
        content=content,
        vendor_id=str(row.get("vendor_id", "")),
        outcome=None if row["event"] == "about-to" else Outcome(row["event"]),
    )


def entries_to_undo(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """Those that happened, or may have: the last deletion first, so that children are back before the indexes that need them.

    Records are not among them: what is recorded of images that come back is written anew.
    """
    images = (entry for entry in reversed(entries) if not entry.is_record)
    return (entry for entry in images if entry.outcome in (None, Outcome.DELETED, Outcome.FAILED))
