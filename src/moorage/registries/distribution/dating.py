"""Dates and labels out of image configs, for registries whose listings have neither."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from moorage.errors import Denied, ItemRefused, RegistryError, Throttled, Unauthorized
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, MANIFEST_LIMIT, created_of, parse_time
from moorage.oci.reference import Digest
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.threads import in_threads

EMPTY_CONFIG: Final = Digest.of(b"{}")  # what artifacts have in place of a config (image-spec 1.1)
# Reproducible builds set `created` to 1970 or 0001: a constant says nothing. Docker's first release was in 2013.
_FIRST: Final = datetime(2013, 1, 1, tzinfo=UTC)
_ANNOTATION: Final = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of one image. `certain` is False where something could not be read, so that the date may be too old."""

    date: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    certain: bool = True


def describe(
    client: Distribution, inventory: Inventory, digests: Iterable[Digest], *, parallel: int, now: Callable[[], datetime]
) -> Sequence[Stored]:
    """The manifests with `dated` and `labels` filled in; each distinct config is read once.

    `created` counts between 2013 and now. An index has the newest date of its children and the labels that those of them agree
    on that have any; it has no date when a child's config could not be read, as that one may be the newest.
    """
    chosen = [inventory.manifests[digest] for digest in dict.fromkeys(digests) if digest in inventory.manifests]
    leaves = {stored.digest: stored for root in chosen for stored in _below(inventory, root)}
    configs = {stored.config: _size(stored) for stored in leaves.values() if stored.config and stored.config != EMPTY_CONFIG}

    def read(digest: Digest) -> Description:
        return _config(client, inventory, digest, configs[digest], now())

    known = dict(zip(configs, in_threads(read, configs, parallel), strict=True))
    return [_described(stored, _of(inventory, stored, known, now())) for stored in chosen]


def _below(inventory: Inventory, root: Stored) -> list[Stored]:
    """A manifest and everything that its indexes lead to."""
    found = {root.digest: root}
    level = [root]
    for _ in range(INDEX_DEPTH_LIMIT):
        children = {child for stored in level for child in stored.children if child in inventory.manifests and child not in found}
        level = [inventory.manifests[child] for child in sorted(children)]
        found |= {stored.digest: stored for stored in level}
    return list(found.values())


def _size(stored: Stored) -> int:
    return next((blob.size for blob in stored.blobs if blob.digest == stored.config), 0)


def _config(client: Distribution, inventory: Inventory, digest: Digest, size: int, now: datetime) -> Description:
    if size > MANIFEST_LIMIT:
        return Description(certain=False)
    try:
        document = json.loads(client.small_blob(inventory.repository, digest))
    except (Unauthorized, Throttled):
        raise
    except Denied as error:
        if not isinstance(error, ItemRefused):
            raise
        return Description(certain=False)
    except (RegistryError, ValueError, RecursionError):
        return Description(certain=False)
    config = document if isinstance(document, dict) else {}
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    texts = {key: value for key, value in labels.items() if isinstance(value, str)} if isinstance(labels, dict) else {}
    return Description(_believed(created_of(config), now), texts)


def _of(
    inventory: Inventory, stored: Stored, known: Mapping[Digest, Description], now: datetime, depth: int = INDEX_DEPTH_LIMIT
) -> Description:
    if stored.children and depth:
        below = [
            _of(inventory, inventory.manifests[child], known, now, depth - 1) if child in inventory.manifests
            else Description(certain=child in inventory.missing)
            for child in stored.children
        ]  # fmt: skip
        own = _merged(below)
    else:
        own = known.get(stored.config, Description()) if stored.config else Description()
    if own.date is None and own.certain:
        return replace(own, date=_believed(parse_time(stored.annotations.get(_ANNOTATION)), now))
    return own


def _merged(below: Sequence[Description]) -> Description:
    certain = all(child.certain for child in below)
    dates = [child.date for child in below if child.date]
    labelled = [child.labels for child in below if child.labels]
    agreed = dict(set.intersection(*(set(labels.items()) for labels in labelled))) if labelled else {}
    return Description(max(dates) if dates and certain else None, agreed, certain)


def _described(stored: Stored, description: Description) -> Stored:
    if stored.dated:  # the vendor's own date is better than the config's
        return replace(stored, labels=description.labels)
    return replace(stored, date=description.date, dated=True, labels=description.labels)


def _believed(date: datetime | None, now: datetime) -> datetime | None:
    return date if date is not None and _FIRST <= date <= now else None
