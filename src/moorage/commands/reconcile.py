"""An old plan beside a new look: what no longer fits is left alone."""

from collections.abc import Iterable, Mapping

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest
from moorage.policy.claims import Claims
from moorage.policy.company import company_kept
from moorage.policy.graph import Graph
from moorage.policy.plan import Item, Key, Kind, Outcome

Result = tuple[Outcome, str | None]


def reconcile(items: Iterable[Item], inventory: Inventory, claims: Claims) -> Mapping[Key, Result]:
    """Where the repository, seen anew, no longer fits the plan: the outcomes of the items that must be left alone.

    A tag that moved or went, a tag that appeared on a planned digest, what is claimed by now, everything that something outside
    of the plan leads to and, where the registry deletes more than it is told to, what would take such things along.
    """
    found: dict[Key, Result] = {}
    going = [item for item in items if item.goes and item.digest is not None]
    planned_tags = {item.tag: item.digest for item in going if item.tag is not None}
    planned = {item.digest for item in going if item.kind is Kind.MANIFEST and item.digest is not None}
    tagged = {digest for tag, digest in inventory.tags.items() if planned_tags.get(tag) != digest or claims.keeps(tag, digest)}
    blind = bool(inventory.unreadable.keys() - planned or inventory.unresolved.keys() - planned_tags.keys())
    pinned = planned if blind else set[Digest]()
    graph, present = Graph.of(inventory), inventory.manifests.keys() | inventory.unreadable.keys() | set(inventory.tags.values())
    held = graph.reach(present - planned | tagged | claims.keep_digests.keys() | pinned)
    company: set[Digest] = set()
    if inventory.takes_children:
        going_now = present & planned - held.keys()
        company = set(company_kept(graph, going_now, present, tagged, belongings=inventory.takes_along))
        held |= graph.reach(company)
    alive = company | pinned if inventory.lives_by_tags else set()
    for item in going:
        if item.tag is not None:
            now = inventory.tags.get(item.tag)
            if now is None or now != item.digest:
                found[item.key] = unfit(now)
            elif claimed := claims.keeps(item.tag, now):
                found[item.key] = (Outcome.CHANGED, "; ".join(reason.detail for reason in claimed))
            elif now in alive:
                found[item.key] = (Outcome.CHANGED, "its manifest would go with it, which stays")
        elif item.digest not in inventory.manifests and item.digest not in inventory.unreadable and inventory.lists_untagged:
            found[item.key] = (Outcome.ALREADY_GONE, None)
        elif item.digest in company:
            found[item.key] = (Outcome.CHANGED, "this registry would delete something with it that stays")
        elif item.digest in held:
            found[item.key] = (Outcome.CHANGED, "something that stays leads to it now")
    return found


def unfit(now: Digest | None) -> Result:
    """The outcome of a tag that does not point where it was planned to be; `now` is where it points."""
    if now is None:
        return Outcome.ALREADY_GONE, None
    return Outcome.CHANGED, f"it points at {now} now"
