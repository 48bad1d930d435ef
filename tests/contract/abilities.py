"""What a vendor can do, as its contract test declares it. Nothing is skipped: what a vendor cannot do, it must refuse well."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Dates(Enum):
    """Where the age of an image comes from."""

    VENDOR = "vendor"  # the listing says when it was pushed
    CONFIG = "config"  # the image config says when it was built
    NONE = "none"


class Emptying(Enum):
    """Whether a repository can be deleted itself."""

    NEVER = "never"  # there is no such thing, or no call for it
    EMPTY = "empty"  # once it holds nothing
    WHOLE = "whole"  # with its last image that has a tag, which cannot go before


@dataclass(frozen=True)
class Abilities:
    """The default is a plain registry of distribution 2.8. Each flag is a promise in both directions.

    `untags`: one of several tags can go alone (False: `delete_tag` is Unsupported before any change, `cannot_untag` says why).
    `lists_untagged`: the inventory holds manifests that no tag leads to.
    `reads_manifests`: the listing needs manifests to be read, so a damaged one is `unreadable`.
    `locks`: the vendor can protect single tags (`Simulator.lock`).
    `takes_children`: deleting an index also takes those children that nothing else leads to (`Inventory.takes_children`).
    `deletes_untagged`: a manifest that has no tag can be deleted (False: ItemRefused, and it stays).
    `switches_deletion_off`: the server can be set up to refuse all deletions (`faults.deletion_disabled`).
    `late`: deletions are accepted first and happen later (`faults.deletes_late`); it is `Asynchronous`.
    `tokens`: requests carry tokens that can expire in the middle of a run.
    `lists_repositories`: it is a RepositoryLister.
    `finds_tags`: it says of many manifests at once which tags are on them (TagFinder).
    `reads_many`: it hands out many manifests at once (BatchReader).
    `deletes_repositories`: how repositories in which nothing is left go, if they do (RepositoryDeleter, WholeDeleter).
    `dates_repositories`: it says when a repository was made or pushed to.
    `deletes`: the method and the route (a part of it) of the requests that delete.
    `throttles`: the answer that means "too many requests" as status and headers; 429 with Retry-After where nothing else is said.
    """

    dates: Dates = Dates.CONFIG
    untags: bool = True
    lists_untagged: bool = False
    reads_manifests: bool = True
    locks: bool = False
    takes_children: bool = False
    deletes_untagged: bool = True
    switches_deletion_off: bool = True
    late: bool = False
    tokens: bool = True
    lists_repositories: bool = True
    deletes_repositories: Emptying = Emptying.NEVER
    dates_repositories: bool = True
    finds_tags: bool = False
    reads_many: bool = False
    deletes: tuple[str, str] = ("DELETE", "")
    throttles: tuple[int, tuple[tuple[str, str], ...]] = (429, (("Retry-After", "7"),))
