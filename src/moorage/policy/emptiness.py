"""Repositories in which a plan leaves nothing, and whether they go, too.

Asked for by `Policy.delete_empty`. Only a repository all of whose images go, or that holds none, can go itself; and none that may
have been made for a publish that is under way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.oci.inventory import Inventory
from moorage.oci.records import LedgerTag, RecordTag, image_tag
from moorage.oci.reference import Tag
from moorage.policy.plan import Action, Item, RepositoryItem
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy
from moorage.policy.selection import spell


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides about a repository beside what lies in it.

    `cannot`: the registry's reason why it deletes no repository here, or empty.
    `date`: when the repository was made or pushed to last, None where nobody knows; it matters where it holds nothing already.
    `images`: the names of the project's images that live in it and nowhere else; None where it is not known to be a project's.
    """

    cannot: str = ""
    date: datetime | None = None
    images: frozenset[str] | None = None


def repository_item(
    inventory: Inventory, items: Sequence[Item], policy: Policy, now: datetime, known: Surroundings
) -> RepositoryItem | None:
    """What becomes of a repository of which `items` are all items of the plan; None where something in it stays."""
    if not all(item.goes for item in items):
        return None
    stays = _stays(inventory, policy, now, known, was_empty=not items)
    if stays is not None:
        return RepositoryItem(inventory.repository, Action.KEEP, (stays,))
    detail = "everything in it goes" if items else "it holds nothing"
    return RepositoryItem(inventory.repository, Action.DELETE, (Reason(Code.NOTHING_LEFT, detail),))


def too_young(date: datetime | None, policy: Policy, now: datetime) -> Reason | None:
    """Why a repository that holds nothing may be one that somebody is about to push to; None where it is old enough."""
    if date is None:
        if policy.delete_unknown_age:
            return None
        return Reason(Code.UNKNOWN_AGE, "it holds nothing, and nothing says how long it has been there")
    if now - date < policy.young:
        return Reason(Code.TOO_YOUNG, f"made or pushed to {_ago(date, now)}, the grace is {spell(policy.young)}")
    return None


def _stays(inventory: Inventory, policy: Policy, now: datetime, known: Surroundings, *, was_empty: bool) -> Reason | None:
    if known.cannot:
        return Reason(Code.CANNOT_DELETE_REPOSITORY, known.cannot)
    strange = _strange(inventory.records, known.images)
    if strange:
        shown = ", ".join(tag.text for tag in strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
        return Reason(Code.HOLDS_RECORDS, f"it holds records that are not only about images of this run: {shown}")
    recorded = max((record.seconds for tag in inventory.records if (record := RecordTag.parse(tag))), default=None)
    if recorded is not None and (now - policy.young).timestamp() < recorded:
        age = spell(timedelta(seconds=now.timestamp() - recorded))
        return Reason(Code.TOO_YOUNG, f"a publish wrote to it {age} ago, the grace is {spell(policy.young)}")
    return too_young(known.date, policy, now) if was_empty and recorded is None else None


def _strange(records: Collection[Tag], images: frozenset[str] | None) -> list[Tag]:
    """Records that are needed elsewhere, as far as anybody knows: those of other images, and those that werf wrote."""
    if images is None:
        return sorted(records)
    names = {image_tag(image) for image in images}
    return sorted(tag for tag in records if tag not in names and not LedgerTag.parse(tag) and not _is_of(tag, images))


def _is_of(tag: Tag, images: frozenset[str]) -> bool:
    record = RecordTag.parse(tag)
    return record is not None and record.image_among(images) in images


def _ago(date: datetime, now: datetime) -> str:
    return f"{spell(now - date)} ago" if date <= now else "in the future"
