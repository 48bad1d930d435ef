"""The plan as a JSON document, `moorage.plan/1`, and back.

The document carries a seal, a digest over what would be carried out. It is no secret and keeps nobody out; it notices a plan that
was edited after it was made, which nobody reviewed as it now stands.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from moorage.errors import ConfigurationError, Refused
from moorage.oci.manifest import parse_time
from moorage.oci.reference import LAYOUT_SCHEME, Digest, Registry, Repository, Tag
from moorage.policy.claims import Reasons
from moorage.policy.plan import SCHEMA, Action, Item, Kind, Outcome, Plan, RepositoryItem
from moorage.policy.reason import Code, Reason

Document = dict[str, Any]
T = TypeVar("T")


def to_document(plan: Plan, objections: Sequence[str] = ()) -> Document:
    """The plan as plain JSON values, in the order of docs/plan.md. `objections`: the guards that would stop, or did stop, it."""
    items = [item_document(item) for item in plan.items]
    repositories = [_repository_document(item) for item in plan.empties]
    return {
        "schema": SCHEMA,
        "created": stamp(plan.created),
        "applied": plan.applied,
        "items": items,
        "totals": asdict(plan.totals),
        "freed": {str(repository): freed for repository, freed in plan.freed.items() if freed},
        "objections": list(objections),
        "notes": list(plan.notes),
        "repositories": repositories,
        "seal": _seal(stamp(plan.created), items, repositories),
    }


def from_document(document: object, source: str, *registries: Registry) -> Plan:
    """A plan, carried out or not, out of its JSON document. `source` names the file in messages.

    `registries` are those that it may be about; without any, it is for reading alone, and may be about all.

    Raises ConfigurationError for what is no plan, with every fault, and Refused for a plan that was edited.
    """
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ConfigurationError(
            f'{source} is no plan: "schema" is not {SCHEMA}', remedy="Make one with --dry-run --plan-out FILE."
        )
    entries, emptied = document.get("items"), document.get("repositories", [])
    items, faults = _each(f"{source}: items", entries, lambda entry: _read_item(entry, registries))
    empties, more = _each(f"{source}: repositories", emptied, lambda entry: _read_emptied(entry, registries))
    faults += more
    created = parse_time(document.get("created"))
    if created is None or not isinstance(entries, list) or not isinstance(emptied, list):
        faults.append(f'{source}: "created" and "items" are needed')
    if faults or created is None or not isinstance(entries, list) or not isinstance(emptied, list):
        raise ConfigurationError(*faults, remedy="Make the plan anew with --dry-run --plan-out FILE.")
    if document.get("seal") != _seal(str(document.get("created")), entries, emptied):
        raise Refused(
            f"{source} was edited after it was made, so nobody has reviewed what it now says",
            remedy="Make the plan anew with --dry-run --plan-out FILE; to keep more, add --exclude-tags or --keep-list.",
        )
    notes = document.get("notes")
    return Plan(
        created=created,
        items=tuple(items),
        notes=tuple(str(note) for note in notes) if isinstance(notes, list) else (),
        applied=document.get("applied") is True,
        freed=_read_freed(document.get("freed"), {str(item.repository): item.repository for item in items}),
        empties=tuple(empties),
    )


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def item_document(item: Item) -> Document:
    """One item as plain JSON values."""
    return {
        "repository": str(item.repository),
        "kind": item.kind.value,
        "tag": item.tag.text if item.tag else None,
        "digest": item.digest.text if item.digest else None,
        **_fate(item),
        "pushed_at": stamp(item.pushed_at) if item.pushed_at else None,
        "size": item.size,
        "vendor_id": item.vendor_id,
    }


def _repository_document(item: RepositoryItem) -> Document:
    return {"repository": str(item.repository), **_fate(item)}


def _fate(item: Item | RepositoryItem) -> Document:
    """What becomes of something, and why."""
    return {
        "action": item.action.value,
        "reasons": [{"code": reason.code.value, "detail": reason.detail} for reason in item.reasons],
        "outcome": item.outcome.value,
        "error": item.error,
    }


def _each(place: str, entries: object, read: Callable[[object], T]) -> tuple[list[T], list[str]]:
    """What the entries of a list mean, and what is wrong with those that mean nothing."""
    found, faults = [], []
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        try:
            found.append(read(entry))
        except KeyError as error:
            faults.append(f"{place}[{number}]: {error} is missing")
        except (ValueError, TypeError) as error:
            faults.append(f"{place}[{number}]: {error}")
    return found, faults


def _read_emptied(entry: object, registries: Collection[Registry]) -> RepositoryItem:
    if not isinstance(entry, dict) or not isinstance(entry.get("error"), str | None):
        raise TypeError("an object is needed, whose error is a text")
    return RepositoryItem(
        repository=_repository(str(entry["repository"]), registries),
        action=Action(entry["action"]),
        reasons=_read_reasons(entry["reasons"]),
        outcome=Outcome(entry.get("outcome", Outcome.PLANNED)),
        error=entry.get("error"),
    )


def _read_reasons(found: object) -> Reasons:
    if not isinstance(found, list):
        raise TypeError("an item is an object with a list of reasons")
    return tuple(Reason(Code(reason["code"]), str(reason["detail"])) for reason in found)


def _read_item(entry: object, registries: Collection[Registry]) -> Item:
    if not isinstance(entry, dict):
        raise TypeError("an item is an object with a list of reasons")
    kind, action = Kind(entry["kind"]), Action(entry["action"])
    tag = Tag(entry["tag"]) if entry.get("tag") else None
    digest = Digest(entry["digest"]) if entry.get("digest") else None
    if (kind is Kind.TAG) != (tag is not None) or (digest is None and action is Action.DELETE):
        raise ValueError("a tag needs its name, and what is to be deleted needs its digest")
    error, size = entry.get("error"), entry.get("size")
    if not isinstance(error, str | None) or not isinstance(size, int | None):
        raise TypeError("an error is a text, a size is a number of bytes")
    return Item(
        repository=_repository(str(entry["repository"]), registries),
        kind=kind,
        digest=digest,
        action=action,
        reasons=_read_reasons(entry["reasons"]),
        tag=tag,
        outcome=Outcome(entry.get("outcome", Outcome.PLANNED)),
        error=error,
        pushed_at=parse_time(entry.get("pushed_at")),
        size=size,
        vendor_id=str(entry.get("vendor_id") or ""),
    )


def _read_freed(freed: object, repositories: Mapping[str, Repository]) -> Mapping[Repository, int]:
    """What the document says of its own repositories; it only informs, so what makes no sense is passed over."""
    found = freed.items() if isinstance(freed, dict) else ()
    return {repositories[text]: count for text, count in found if text in repositories and isinstance(count, int) and count > 0}


def _repository(text: str, registries: Collection[Registry]) -> Repository:
    if registries:
        return read_repository(text, *registries)
    host, _, path = text.rpartition("/") if text.startswith(LAYOUT_SCHEME) else text.partition("/")
    return Repository(Registry(host), path)


def read_repository(text: str, *registries: Registry) -> Repository:
    """A repository of one of these, as documents spell it (`HOST/PATH`, `oci:DIR/NAME`). Raises ValueError for any other."""
    for registry in sorted(registries, key=lambda registry: len(str(registry)), reverse=True):  # a directory may lie in another
        prefix = f"{registry}/"
        if text.startswith(prefix):
            return Repository(registry, text.removeprefix(prefix))
    raise ValueError(f"{text} is not in {' or '.join(map(str, registries))}, which this run speaks to")


def _seal(created: str, items: list[Any], repositories: list[Any]) -> str:
    """Over everything that decides what is carried out; outcomes and sizes are free to change."""
    rows = [_row(item, ("repository", "kind", "tag", "digest", "action", "vendor_id")) for item in items]
    emptied = [_row(item, ("repository", "action")) for item in repositories]
    sealed = [created, rows, emptied] if emptied else [created, rows]  # a plan of before there were any still fits
    return "sha256:" + sha256(json.dumps(sealed, sort_keys=True).encode()).hexdigest()


def _row(item: object, names: Sequence[str]) -> list[Any] | None:
    return [item.get(name) for name in names] if isinstance(item, dict) else None
