"""Deleting in ACR: a tag by ACR's own API, a manifest by /v2, which takes all its tags along without a word.

So the tags on it are looked at right before; where `tags_on` has done that for many manifests just now, it is not done again.

405 means that something is locked, without saying what: this item, the repository or the registry (REGISTRY_DISALLOWED_OPERATION,
Azure/acr-cli#70, seen 2026-11). Nothing is ever unlocked here.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.acr.api import PAGE, AcrApi
from moorage.registries.acr.payloads import Attributes, TagRecord
from moorage.registries.distribution.just_seen import JustSeen
from moorage.registries.distribution.threads import in_threads
from moorage.transport import outcome
from moorage.transport.session import SUCCESS, Answer

_OK: Final = {*SUCCESS, 404, 405}
_UNLOCK: Final = (
    "Unlock it, on purpose: az acr repository update --name REGISTRY {} --delete-enabled true --write-enabled true. "
    "Or leave it: everything else was handled."
)
_DISALLOWED: Final = (
    "The registry itself disallows it: see https://aka.ms/acr/faq, and whether it is read-only or above its quota."
)


class Deletion:
    """Thread-safe. What the last inventory said of tags is what a manifest may go with."""

    def __init__(self, api: AcrApi, *, parallel: int) -> None:
        self._api = api
        self._parallel = parallel
        self._seen: JustSeen[tuple[Repository, Digest], Sequence[TagRecord]] = JustSeen()
        self._lock = threading.Lock()
        self._known: dict[Repository, dict[Tag, Digest]] = {}

    def learn(self, inventory: Inventory) -> None:
        with self._lock:
            self._known[inventory.repository] = dict(inventory.tags)

    def tags_on(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, frozenset[Tag]]:
        """Every tag on each of these right now: by the list of all tags where that has fewer pages, else by one look for each."""
        with self._lock:
            known = self._known.get(repository)
        asked = self._seen.moment()
        found: dict[Digest, list[TagRecord]] = {digest: [] for digest in digests}
        if known is not None and len(known) <= PAGE * len(digests):
            for record in self._api.tags(repository):
                found.get(record.digest, []).append(record)
        else:
            looks = in_threads(lambda digest: self._api.tags(repository, digest=digest), digests, self._parallel)
            found = dict(zip(digests, looks, strict=True))
        for digest, records in found.items():
            self._seen.note((repository, digest), records, asked)
        return {digest: frozenset(record.name for record in records) for digest, records in found.items()}

    def untag(self, repository: Repository, tag: Tag) -> None:
        """Raises NotFound; ItemRefused for what is locked, Denied for a locked repository."""
        answer = self._api.untag(repository, tag, ok=_OK)
        if not _is_done(answer):
            raise self._refusal(answer, repository, f":{tag}", lambda: self._locks_of_tag(repository, tag))

    def remove(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and every tag that points at it.

        Raises ItemRefused, with nothing changed, where one of these is locked or was not there for the inventory; as `untag`.
        """
        self._check_company(repository, digest)
        answer = self._api.delete_manifest(repository, digest, ok=_OK)
        if not _is_done(answer):
            raise self._refusal(answer, repository, f"@{digest}", lambda: [self._api.manifest(repository, digest).attributes])

    def _check_company(self, repository: Repository, digest: Digest) -> None:
        """The tags of right now: those that ACR would take along."""
        seen = self._seen.take((repository, digest))
        records = self._api.tags(repository, digest=digest) if seen is None else seen
        locked = [record.name for record in records if record.attributes.lock]
        if locked:
            raise ItemRefused(
                f"{repository}@{digest} stays, its tag {locked[0]} is locked", remedy=_unlock(repository, f":{locked[0]}")
            )
        with self._lock:
            known = self._known.get(repository)
        strange = [record.name for record in records if known is not None and known.get(record.name) != digest]
        if strange:
            raise ItemRefused(
                f"{repository}@{digest} stays, ACR would delete {strange[0]} with it, which points at it since the listing",
                remedy="Run again: the next plan knows this tag.",
            )

    def _locks_of_tag(self, repository: Repository, tag: Tag) -> Iterable[Attributes]:
        record = self._api.tag(repository, tag)
        return record.attributes, self._api.manifest(repository, record.digest).attributes

    def _refusal(
        self, answer: Answer, repository: Repository, item: str, locks: Callable[[], Iterable[Attributes]]
    ) -> RegistryError:
        refused = outcome.refusal("DELETE", answer, remedy=_DISALLOWED if answer.status == 405 else None)
        if isinstance(refused, NotFound):
            return refused
        if any(attributes.lock for attributes in _told(locks)):
            return ItemRefused(f"{refused.message}: {repository}{item} is locked", remedy=_unlock(repository, item))
        if any(attributes.lock for attributes in _told(lambda: [self._api.repository(repository).attributes])):
            return Denied(f"{refused.message}: the repository {repository} is locked", remedy=_unlock(repository, ""))
        return refused


def _is_done(answer: Answer) -> bool:
    return answer.status in SUCCESS or (answer.status == 404 and answer.uncertain)


def _told(ask: Callable[[], Iterable[Attributes]]) -> Iterable[Attributes]:
    """What somebody who may not look does not learn."""
    try:
        return ask()
    except RegistryError:
        return ()


def _unlock(repository: Repository, item: str) -> str:
    return _UNLOCK.format(f"--image {repository.path}{item}" if item else f"--repository {repository.path}")
