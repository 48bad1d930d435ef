"""Which images have to be read before a plan is made, where a listing does not say what belongs to what (`Stored.unread`).

What belongs to another by its `subject` is judged with it: it stays while that stays, and is no image that a rule could count. So
nothing goes unread, nothing unread takes a place among the newest, and an image that stays for being the last must not be sent
away by something that turns out to be none. What merely stays is never read, since a `subject` protects nothing: no edge leads
from what belongs to an image to that image (`moorage.policy.graph`). All that is missed thereby is a tag that no rule covers, and
that would have gone along with what it belongs to: it stays.
"""

from collections.abc import Set as AbstractSet

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest
from moorage.policy.claims import Claims
from moorage.policy.rules import Policy
from moorage.policy.selection import Selection


def unread_that_matter(
    inventory: Inventory, policy: Policy, claims: Claims, selection: Selection, going: AbstractSet[Digest]
) -> frozenset[Digest]:
    """Unread images that this plan must not be made without; ask again when they are read. `going` is all that might go."""
    unread = frozenset(digest for digest, stored in inventory.manifests.items() if stored.unread)
    wanted = unread & (going | _ranked(inventory, policy, claims))
    if wanted or not unread or not going:
        return wanted
    staying = {inventory.tags[tag] for tag, verdict in selection.tags.items() if not verdict.goes}
    return frozenset(sorted(staying)[:1]) if staying <= unread else frozenset()


def _ranked(inventory: Inventory, policy: Policy, claims: Claims) -> set[Digest]:
    """What may take a place among those that a rule's `keep_newest` keeps."""
    counting = [rule for rule in policy.rules if rule.keep_newest is not None]
    return {
        digest
        for tag, digest in inventory.tags.items()
        if tag not in claims.let_go and any(rule.covers(tag.text) for rule in counting)
    }
