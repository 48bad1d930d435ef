"""Second half of a decision: what is let go of, minus all that something kept leads to, makes the plan.

    anchored = manifests with a tag that stays, in use, or locked
    let go   = manifests whose tags all go, and those without tags that a rule lets go of
    taken    = let go, and everything that they lead to, short of what is anchored
    deleted  = taken, minus everything that a manifest outside of taken leads to

So a manifest is deleted only if nothing that stays leads to it, whatever the graph looks like; the property tests hold this
against random graphs. Where something that stays was not read, or was never looked at, nobody can say what it leads to, and no
manifest is deleted at all. A tag that is let go of while its manifest stays is removed alone, where the registry can do that;
where it cannot, the tag stays.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Tag
from moorage.policy.claims import Claims, Reasons, merged
from moorage.policy.company import company_kept
from moorage.policy.graph import Edge, Graph, Step
from moorage.policy.last_tagged import last_tagged
from moorage.policy.plan import Action, Item, Kind
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy
from moorage.policy.selection import Selection, Selector
from moorage.policy.unread import unread_that_matter


@dataclass(frozen=True, slots=True)
class Needs:
    """Facts that a plan would rest on and that the inventory lacks.

    `unread` are images of which it matters by now what they belong to (`Stored.unread`).
    `manifests` are in use and not in the inventory, which may not list what has no tag: until each is put among its manifests,
    `unreadable` or `missing`, no manifest is deleted.
    """

    dates: frozenset[Digest] = frozenset()
    referrers: frozenset[Digest] = frozenset()
    manifests: frozenset[Digest] = frozenset()
    unread: frozenset[Digest] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.dates or self.unread or self.referrers or self.manifests)


@dataclass(frozen=True, slots=True)
class RepositoryPlan:
    """The plan of one repository, the bytes it would free, and what was not known."""

    items: tuple[Item, ...]
    freed: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fates:
    """What becomes of manifests. Each maps to the step that took it along, or that holds it; None where it needed none.

    `pinned` are those that would have gone, had everything that stays been readable and looked at; `unseen` was not looked at.
    `company` are those that would have taken something along that stays, each with that.
    """

    deleted: Mapping[Digest, Step | None]
    held: Mapping[Digest, Step | None]
    pinned: frozenset[Digest] = frozenset()
    unseen: frozenset[Digest] = frozenset()
    company: Mapping[Digest, Digest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans one repository. `cannot_untag` is the registry's reason why single tags cannot be removed, or empty."""

    inventory: Inventory
    policy: Policy
    now: datetime
    claims: Claims = field(default_factory=Claims)
    cannot_untag: str = ""
    tags_of: Mapping[Digest, tuple[Tag, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags_of", self.inventory.tags_of())

    def needs(self, referrers_known: frozenset[Digest] = frozenset()) -> Needs:
        """What has to be asked before planning; ask, put the answers into the inventory, and ask again until nothing is needed.

        Dates come first: without them, what goes is not known, and so neither what has to be read, nor whose referrers matter.
        """
        manifests = self.inventory.manifests
        selector = Selector(self.inventory, self.policy, self.claims, self.now)
        unseen = self._unseen(self.claims.keep_digests.keys())
        dates = frozenset(digest for digest in selector.candidates() if not manifests[digest].dated)
        if dates:
            return Needs(dates=dates, manifests=unseen)
        selection = self._selection()
        deleted = frozenset(self._fates(selection).deleted)
        going = deleted | self._let_go(selection)
        unread = unread_that_matter(self.inventory, self.policy, self.claims, selection, going)
        return Needs(referrers=frozenset() if unread else deleted - referrers_known, manifests=unseen, unread=unread)

    def plan(self) -> RepositoryPlan:
        return self._plan(self._selection())

    def _selection(self) -> Selection:
        """Where nothing with a tag would stay, and the registry keeps the last one, the newest image stays after all.

        That is not needed where everything goes, and the repository itself may.
        """
        selection = Selector(self.inventory, self.policy, self.claims, self.now).select()
        last = last_tagged(self.inventory)
        items = self._plan(selection).items if last is not None else ()
        if last is None or any(not item.goes for item in items if item.tag is not None and item.digest is not None):
            return selection
        if self.policy.delete_empty and all(item.goes for item in items):
            return selection
        why = Reason(Code.LAST_TAGGED, "this registry deletes the last tagged image of a repository only with the repository")
        claim = Claims(keep_tags=dict.fromkeys(self.tags_of[last], (why,)))
        return Selector(self.inventory, self.policy, merged([self.claims, claim]), self.now).select()

    def _plan(self, selection: Selection) -> RepositoryPlan:
        fates = self._fates(selection)
        items = [self._tag_item(tag, digest, selection, fates) for tag, digest in sorted(self.inventory.tags.items())]
        items += [self._manifest_item(digest, selection, fates) for digest in sorted(self._known())]
        for tag, why in sorted({**self.inventory.unresolved, **self.inventory.dangling}.items()):
            items.append(self._item(Kind.TAG, None, tag=tag, goes=False, reasons=(Reason(Code.UNREADABLE, why),)))
        return RepositoryPlan(tuple(items), freed_bytes(self.inventory, fates.deleted), self._notes(fates))

    def _known(self) -> set[Digest]:
        return set(self.inventory.manifests) | set(self.inventory.unreadable)

    def _fates(self, selection: Selection) -> Fates:
        graph = Graph.of(self.inventory)
        manifests = self.inventory.manifests
        anchored = self._anchored(selection)
        let_go = (self._let_go(selection) - anchored) & manifests.keys()
        taken = graph.reach(let_go, enters=lambda digest: digest in manifests and digest not in anchored)
        held: dict[Digest, Step | None] = {}
        # In this order, so that a reason names what holds a manifest rather than the manifest itself.
        for roots in (anchored, selection.untagged.keys() - taken.keys(), self._present() - taken.keys()):
            held = {**graph.reach(roots - held.keys(), enters=lambda digest: not self.inventory.lacks(digest)), **held}
        company: Mapping[Digest, Digest] = {}
        if self.inventory.takes_children:
            company = company_kept(
                graph, taken.keys() - held.keys(), self._present(), self._tagged_for_good(selection),
                belongings=self.inventory.takes_along,
            )  # fmt: skip
            held = {**graph.reach(company.keys() - held.keys()), **held}
        deleted = {digest: step for digest, step in taken.items() if digest not in held}
        unseen = self._unseen(held.keys())
        if deleted and (unseen or self.inventory.unreadable or self.inventory.unresolved):
            return Fates({}, {**held, **dict.fromkeys(deleted)}, frozenset(deleted), unseen)
        return Fates(deleted, held, company=company)

    def _present(self) -> set[Digest]:
        return self._known() | self.tags_of.keys()

    def _unseen(self, digests: AbstractSet[Digest]) -> frozenset[Digest]:
        """Those of which nobody knows whether they are there, and so neither what they lead to."""
        unknown = digests - self._known() - self.inventory.missing
        return frozenset(unknown & self.tags_of.keys() if self.inventory.lists_untagged else unknown)

    def _anchored(self, selection: Selection) -> set[Digest]:
        """Manifests that stand on their own: in use, locked, or with a tag that stays whatever becomes of others."""
        locked = {digest for digest, stored in self.inventory.manifests.items() if stored.locked}
        return self._tagged_for_good(selection) | locked | set(self.claims.keep_digests)

    def _tagged_for_good(self, selection: Selection) -> set[Digest]:
        return {self.inventory.tags[tag] for tag, verdict in selection.tags.items() if not verdict.goes}

    def _let_go(self, selection: Selection) -> set[Digest]:
        tagged = {self.inventory.tags[tag] for tag, verdict in selection.tags.items() if verdict.goes}
        return tagged | {digest for digest, verdict in selection.untagged.items() if verdict.goes}

    def _tag_item(self, tag: Tag, digest: Digest, selection: Selection, fates: Fates) -> Item:
        if tag in selection.followers:
            goes, reasons = self._follow(selection.followers[tag], fates)
        else:
            goes, reasons = selection.tags[tag].goes, selection.tags[tag].reasons
        if goes and digest not in fates.deleted and self.cannot_untag:
            goes = False
            untag = Reason(Code.CANNOT_UNTAG, f"its manifest stays, and {self.cannot_untag}")
            reasons = (untag, *self._holders(digest, selection, fates), *reasons)
        if goes and self.inventory.lives_by_tags and (digest in fates.company or digest in fates.pinned):
            goes, reasons = False, (*self._holders(digest, selection, fates), *reasons)
        return self._item(Kind.TAG, digest, goes=goes, reasons=reasons, tag=tag)

    def _follow(self, target: Digest, fates: Fates) -> tuple[bool, Reasons]:
        if target in fates.deleted:
            return True, (Reason(Code.SUBJECT_GONE, f"belongs to {self._name(target)}, which goes"),)
        return False, (Reason(Code.FOLLOWS, f"belongs to {self._name(target)}, which stays"),)

    def _manifest_item(self, digest: Digest, selection: Selection, fates: Fates) -> Item:
        if digest in fates.deleted:
            return self._item(Kind.MANIFEST, digest, goes=True, reasons=self._gone(digest, selection, fates.deleted[digest]))
        if digest in self.inventory.unreadable:
            reasons: Reasons = (Reason(Code.UNREADABLE, f"cannot be read: {self.inventory.unreadable[digest]}"),)
        elif digest in selection.untagged and not selection.untagged[digest].goes:
            reasons = selection.untagged[digest].reasons
        else:
            reasons = self._holders(digest, selection, fates)
        return self._item(Kind.MANIFEST, digest, goes=False, reasons=reasons)

    def _gone(self, digest: Digest, selection: Selection, step: Step | None) -> Reasons:
        if step is None and digest in selection.untagged:
            return selection.untagged[digest].reasons
        if step is None:
            return (Reason(Code.LAST_TAG_GONE, "the last of its tags goes"),)
        if step.edge is Edge.CHILD:
            return (Reason(Code.PARENT_GONE, f"part of {self._name(step.source)}, which goes, and of nothing that stays"),)
        return (Reason(Code.SUBJECT_GONE, f"belongs to {self._name(step.source)}, which goes"),)

    def _holders(self, digest: Digest, selection: Selection, fates: Fates) -> Reasons:
        """Why a manifest stays although it, or all its tags, might have gone."""
        if digest in fates.pinned:
            return (Reason(Code.MAY_BE_NEEDED, "something that stays here could not be read, and might need it"),)
        if digest in fates.company:
            what = f"this registry would delete {self._name(fates.company[digest])} with it, which stays"
            return (Reason(Code.TAKES_ALONG, what),)
        step = fates.held.get(digest)
        if step is not None and step.edge is Edge.CHILD:
            return (Reason(Code.REACHABLE, f"part of {self._name(step.source)}, which stays"),)
        if step is not None:
            return (Reason(Code.FOLLOWS, f"belongs to {self._name(step.source)}, which stays"),)
        if digest in self.claims.keep_digests:
            return self.claims.keep_digests[digest]
        stored = self.inventory.manifests.get(digest)
        if stored is not None and stored.locked:
            return (Reason(Code.VENDOR_LOCK, stored.locked),)
        tags = [tag.text for tag in self.tags_of.get(digest, ()) if tag not in selection.tags or not selection.tags[tag].goes]
        if tags:
            shown = ", ".join(tags[:3]) + (f" and {len(tags) - 3} more" if len(tags) > 3 else "")
            return (Reason(Code.STANDS_ALONE, f"tagged {shown}"),)
        return (Reason(Code.NOT_COVERED, "no rule covers it"),)

    def _item(self, kind: Kind, digest: Digest | None, *, goes: bool, reasons: Reasons, tag: Tag | None = None) -> Item:
        stored = self.inventory.manifests.get(digest) if digest else None
        dates = [self.inventory.tag_dates.get(tag) if tag else None, stored.date if stored else None]
        return Item(
            repository=self.inventory.repository,
            kind=kind,
            digest=digest,
            tag=tag,
            action=Action.DELETE if goes else Action.KEEP,
            reasons=reasons,
            pushed_at=max((date for date in dates if date), default=None),
            size=stored.size if stored else None,
            vendor_id=stored.vendor_id if stored else "",
        )

    def _name(self, digest: Digest) -> str:
        """How people know a manifest: by its first tag, else by its digest."""
        tags = self.tags_of.get(digest)
        return f"{tags[0]} ({digest.short})" if tags else digest.short

    def _notes(self, fates: Fates) -> tuple[str, ...]:
        repository = self.inventory.repository
        return (
            *(f"{repository}@{digest} is needed here, and it is not known what it leads to" for digest in sorted(fates.unseen)),
            *(f"{repository}@{digest} cannot be read: {why}" for digest, why in sorted(self.inventory.unreadable.items())),
            *(f"{repository}:{tag} cannot be resolved: {why}" for tag, why in sorted(self.inventory.unresolved.items())),
            *(f"{repository}:{tag} is listed but not there: {why}" for tag, why in sorted(self.inventory.dangling.items())),
            *(f"{repository}@{digest} is referred to but not there" for digest in sorted(self.inventory.missing)),
        )


def freed_bytes(inventory: Inventory, deleted: Collection[Digest]) -> int:
    """Bytes of what only these manifests use: their blobs, each once, or the vendor's sizes where it hides blobs."""
    gone = [inventory.manifests[digest] for digest in deleted if digest in inventory.manifests]
    kept = {blob.digest for stored in inventory.manifests.values() if stored.digest not in deleted for blob in stored.blobs}
    blobs = {blob.digest: blob.size for stored in gone for blob in stored.blobs if blob.digest not in kept}
    own = sum((stored.size or 0) - sum(blob.size for blob in stored.blobs) for stored in gone)
    return sum(blobs.values()) + max(own, 0)
