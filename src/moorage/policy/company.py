"""Registries that delete more than they are told to: what has to stay so that nothing goes along that stays."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from moorage.oci.reference import Digest
from moorage.policy.graph import Graph


def company_kept(
    graph: Graph,
    going: AbstractSet[Digest],
    present: AbstractSet[Digest],
    tagged: AbstractSet[Digest],
    *,
    belongings: bool = True,
) -> Mapping[Digest, Digest]:
    """Those of `going` that must stay, each with something that stays and that the registry would delete with it.

    That is its children that have no tag and are part of no index that stays and, with `belongings`, what belongs to it, whatever
    tags that has. `present` is everything there is; `tagged` are the manifests with a tag that stays.
    """
    going, kept = set(going), dict[Digest, Digest]()
    while True:
        staying = present - going
        needed = {child for parent in staying for child in graph.children.get(parent, ())}
        found = {}
        for digest in going:
            parts = [child for child in graph.children.get(digest, ()) if child not in tagged and child not in needed]
            belonging = graph.referrers.get(digest, ()) if belongings else ()
            lost = next((one for one in (*belonging, *parts) if one in staying), None)
            if lost is not None:
                found[digest] = lost
        if not found:
            return kept
        kept |= found
        going -= graph.reach(found).keys()  # what stays keeps all that it leads to
