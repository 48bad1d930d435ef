"""Dates and labels out of image configs, for layouts that other tools wrote: those record no push date."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.errors import Contradiction, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, MANIFEST_LIMIT, Blob, created_of, parse_time
from moorage.oci.reference import Digest
from moorage.registries.interface import Clock

# Builders that want reproducible bytes write 1970, 1980 or the like; Docker itself is of 2013.
_FIRST: Final = datetime(2013, 1, 1, tzinfo=UTC)
_CREATED: Final = "org.opencontainers.image.created"  # the annotation, for artifacts, whose configs are empty


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of one manifest. `certain` is False where something could not be read, so that the date may be too old."""

    date: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    certain: bool = True


class ConfigReader:
    """Completes the manifests of one inventory; each is looked at once."""

    def __init__(self, inventory: Inventory, open_blob: Callable[[Blob], BinaryIO], clock: Clock) -> None:
        self._inventory = inventory
        self._open = open_blob
        self._now = clock()
        self._known: dict[Digest, Description] = {}

    def described(self, digest: Digest) -> Stored:
        """A manifest of the inventory with `dated` and `labels` filled in; a push date stays.

        An index has the newest date of its children, and the labels on which those agree that have any. It has no date when the
        config of a child could not be read, as that child may be the newest.
        """
        stored, found = self._inventory.manifests[digest], self._description(digest)
        return replace(stored, date=stored.date if stored.dated else found.date, dated=True, labels=found.labels)

    def _description(self, digest: Digest, depth: int = 0) -> Description:
        stored = self._inventory.manifests.get(digest)
        if stored is None:
            return Description(certain=digest in self._inventory.missing)
        if digest not in self._known:
            if stored.children and depth < INDEX_DEPTH_LIMIT:
                found = _merged([self._description(child, depth + 1) for child in stored.children])
            else:
                found = self._of_config(stored)
            if found.date is None and found.certain:
                found = replace(found, date=self._believed(parse_time(stored.annotations.get(_CREATED))))
            self._known[digest] = found
        return self._known[digest]

    def _of_config(self, stored: Stored) -> Description:
        blob = next((blob for blob in stored.blobs if blob.digest == stored.config), None)
        if blob is None:
            return Description()
        if blob.size > MANIFEST_LIMIT:
            return Description(certain=False)
        try:
            with self._open(blob) as stream:
                document = json.loads(stream.read())
        except (NotFound, Contradiction, ValueError, RecursionError):
            return Description(certain=False)
        config = document if isinstance(document, dict) else {}
        return Description(self._believed(created_of(config)), _labels(config))

    def _believed(self, date: datetime | None) -> datetime | None:
        return date if date is not None and _FIRST <= date <= self._now else None


def _merged(children: list[Description]) -> Description:
    certain = all(child.certain for child in children)
    newest = max((child.date for child in children if child.date is not None), default=None)
    labelled = [set(child.labels.items()) for child in children if child.labels]
    return Description(newest if certain else None, dict(set.intersection(*labelled)) if labelled else {}, certain)


def _labels(config: Mapping[str, object]) -> dict[str, str]:
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {key: value for key, value in labels.items() if isinstance(value, str)}
