"""Dates and labels out of image configs, for what an inventory does not know yet."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moorage.errors import Contradiction, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, MANIFEST_LIMIT, Blob, created_of
from moorage.oci.reference import Digest
from moorage.registries.interface import Clock

# Builders that want reproducible bytes write 1970, 1980 or the like; Docker itself is of 2013.
FIRST_PLAUSIBLE: Final = datetime(2013, 1, 1, tzinfo=UTC)


class ConfigReader:
    """Completes the manifests of one inventory; each config is read once."""

    def __init__(self, inventory: Inventory, open_blob: Callable[[Blob], BinaryIO], clock: Clock) -> None:
        self._inventory = inventory
        self._open = open_blob
        self._now = clock()
        self._done: dict[Digest, Stored] = {}

    def described(self, digest: Digest, depth: int = 0) -> Stored:
        """A manifest of the inventory with `dated` and `labels` filled in.

        An index has the newest date of its children, and the labels on which those that have them agree.
        """
        if digest not in self._done:
            stored = self._inventory.manifests[digest]
            if stored.children and depth < INDEX_DEPTH_LIMIT:
                children = [self.described(child, depth + 1) for child in stored.children if child in self._inventory.manifests]
                date, labels = _newest(children), _agreed(children)
            else:
                config = self._config(stored)
                date, labels = self._plausible(created_of(config)), _labels(config)
            self._done[digest] = replace(stored, date=stored.date or date, dated=True, labels=labels)
        return self._done[digest]

    def _config(self, stored: Stored) -> Mapping[str, object]:
        """The config as a JSON object; empty for what has none, or none that can be read."""
        blob = next((blob for blob in stored.blobs if blob.digest == stored.config), None)
        if blob is None or blob.size > MANIFEST_LIMIT:
            return {}
        try:
            with self._open(blob) as stream:
                document = json.loads(stream.read())
        except (NotFound, Contradiction, ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def _plausible(self, date: datetime | None) -> datetime | None:
        return date if date is not None and FIRST_PLAUSIBLE <= date <= self._now else None


def _newest(children: list[Stored]) -> datetime | None:
    return max((child.date for child in children if child.date is not None), default=None)


def _agreed(children: list[Stored]) -> dict[str, str]:
    seen: dict[str, set[str]] = {}
    for child in children:
        for key, value in (child.labels or {}).items():
            seen.setdefault(key, set()).add(value)
    return {key: values.pop() for key, values in seen.items() if len(values) == 1}


def _labels(config: Mapping[str, object]) -> dict[str, str]:
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {key: value for key, value in labels.items() if isinstance(value, str)}
