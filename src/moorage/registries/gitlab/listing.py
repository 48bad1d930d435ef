"""A repository of GitLab as an inventory. Of manifests, only those are read that protection needs: indexes, and artifacts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository
from moorage.registries.distribution import Distribution, snapshot
from moorage.registries.distribution.dating import EMPTY_CONFIG
from moorage.registries.distribution.parts import read_with_parts
from moorage.registries.gitlab.grants import Grants
from moorage.registries.gitlab.payloads import ListedTag
from moorage.registries.gitlab.tags import TagLists

if TYPE_CHECKING:
    from datetime import datetime

_VANISHED: Final = "the registry lists it and then says that it is not there"
_COLLECTED: Final = (
    "where a project has rules for tags, GitLab deletes no manifests on request, and collects what nothing leads to"
)


def take_inventory(client: Distribution, lists: TagLists, repository: Repository, grants: Grants, *, parallel: int) -> Inventory:
    """Every tag and everything that the tags lead to. Raises NotFound for an unknown repository."""
    listed = lists.detailed(repository)
    if listed is None:
        found = snapshot.take_inventory(client, repository, parallel=parallel)
    else:
        found = _assembled(client, repository, listed, parallel)
    locked = {tag: reason for tag in found.tags if (reason := grants.lock(tag))}
    if not grants.has_rules:
        return found
    tagged = set(found.tags.values())
    manifests = {
        digest: stored if digest in tagged else replace(stored, locked=_COLLECTED) for digest, stored in found.manifests.items()
    }
    return replace(found, locked_tags=locked, manifests=manifests)


def _assembled(client: Distribution, repository: Repository, listed: list[ListedTag], parallel: int) -> Inventory:
    records = frozenset(tag.name for tag in listed if is_record(tag.name))
    tags = {tag.name: tag for tag in listed if tag.name not in records}
    images = {tag.digest: _image(tag) for tag in tags.values() if _says_all(tag)}
    subjects = {referrer: tag.digest for tag in tags.values() for referrer in tag.referrers}
    wanted = sorted({tag.digest for tag in tags.values()} | subjects.keys())
    read = read_with_parts(client, repository, wanted, parallel=parallel, known=images.values())
    for referrer, subject in subjects.items():
        known = read.manifests.get(referrer, Stored(referrer))
        if known.subject is None and referrer not in read.missing:
            read = replace(read, manifests={**read.manifests, referrer: replace(known, subject=subject)})
    dangling = {name: _VANISHED for name, tag in tags.items() if tag.digest in read.missing}
    return Inventory(
        repository=repository,
        tags={name: tag.digest for name, tag in tags.items() if name not in dangling},
        manifests=_dated(read.manifests, tags.values()),
        unreadable=read.unreadable,
        dangling=dangling,
        missing=read.missing,
        tag_dates={name: tag.published for name, tag in tags.items() if tag.published},
        records=records,
    )


def _says_all(tag: ListedTag) -> bool:
    """Whether the listing says all that matters: an image with a config of its own. Artifacts have an empty one."""
    return tag.media_type in media_type.IMAGES and tag.config is not None and tag.config != EMPTY_CONFIG


def _image(tag: ListedTag) -> Stored:
    return Stored(tag.digest, tag.media_type, config=tag.config, size=tag.size)


def _dated(manifests: Mapping[Digest, Stored], tags: Iterable[ListedTag]) -> Mapping[Digest, Stored]:
    """A manifest is as young as the youngest of its tags."""
    dates: dict[Digest, datetime] = {}
    sizes: dict[Digest, int] = {}
    for tag in tags:
        if tag.published:
            dates[tag.digest] = max(tag.published, dates.get(tag.digest, tag.published))
        if tag.size is not None:
            sizes[tag.digest] = tag.size
    return {
        digest: replace(stored, date=dates.get(digest), dated=digest in dates, size=sizes.get(digest, stored.size) or stored.size)
        for digest, stored in manifests.items()
    }
