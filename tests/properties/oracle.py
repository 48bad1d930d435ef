"""A second opinion on plans, sharing no code with the planner: what must stay and what must go, by the documented rules.

`faults` compares a plan with it and says in sentences what is wrong. The properties demand none on random worlds; the mutation
tests demand some once a rule of the planner is crippled.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from tests.properties.graphs import NOW, World

from moorage.oci.reference import Digest, Tag
from moorage.policy.planner import RepositoryPlan
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Rule

FOLLOWING_NAME = re.compile(r"sha256-([0-9a-f]{64})(\..+)?")


class Opinion:
    """What the rules say about one world and one plan for it."""

    def __init__(self, world: World, plan: RepositoryPlan) -> None:
        self.world, self.seen, self.policy = world, world.inventory, world.policy
        tags = (item for item in plan.items if item.tag is not None)
        self.spared = {item.tag for item in tags if any(reason.code is Code.LAST_TAGGED for reason in item.reasons)}
        kept = {tag: (Reason(Code.LAST_TAGGED, "it is the last"),) for tag in self.spared if tag is not None}
        self.claims = replace(world.claims, keep_tags={**world.claims.keep_tags, **kept})
        self.gone_tags = {item.tag for item in plan.items if item.goes and item.tag is not None}
        self.gone = {item.digest for item in plan.items if item.goes and item.tag is None and item.digest is not None}
        self.items = plan.items

    # -- what leads to what

    @cached_property
    def here(self) -> set[Digest]:
        """Everything that may be in the repository, listed or not."""
        named = {*self.seen.tags.values(), *self.claims.keep_digests} - self.seen.missing
        return {*self.seen.manifests, *self.seen.unreadable, *named}

    @cached_property
    def edges(self) -> Mapping[Digest, set[Digest]]:
        found: dict[Digest, set[Digest]] = {}
        for digest, stored in self.seen.manifests.items():
            for child in stored.children:
                found.setdefault(digest, set()).add(child)
            if stored.subject is not None:
                found.setdefault(stored.subject, set()).add(digest)
        for tag, digest in self.seen.tags.items():
            name = FOLLOWING_NAME.fullmatch(tag.text)
            if name:
                found.setdefault(Digest(f"sha256:{name[1]}"), set()).add(digest)
        return found

    def reachable(self, roots: Iterable[Digest]) -> set[Digest]:
        found: set[Digest] = set()
        waiting = list(roots)
        while waiting:
            digest = waiting.pop()
            if digest not in found and (digest in self.here or digest not in self.seen.missing):
                found.add(digest)
                waiting += self.edges.get(digest, ())
        return found

    def stub(self, digest: Digest) -> bool:
        """What a run leaves that is ended while it takes one tag away."""
        manifest = self.seen.manifests.get(digest)
        empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # {}
        marked = manifest is not None and "vnd.moorage.stub" in manifest.annotations
        return manifest is not None and marked and str(manifest.config) == empty and not manifest.children

    # -- what is said about one tag

    def firm(self, tag: Tag) -> bool:
        """Stays whatever the rules say."""
        digest = self.seen.tags[tag]
        manifest = self.seen.manifests.get(digest)
        return (
            tag in self.claims.keep_tags
            or digest in self.claims.keep_digests
            or tag in self.seen.locked_tags
            or manifest is None
            or manifest.locked != ""
            or any(chosen is not None and chosen.selects(tag.text) for chosen in (self.policy.protect, self.policy.exclude))
        )

    def belongs_to(self, tag: Tag) -> list[Digest]:
        """What a tag belongs to, by its name and by its manifest's subject, here or not."""
        digest = self.seen.tags[tag]
        name = FOLLOWING_NAME.fullmatch(tag.text)
        manifest = self.seen.manifests.get(digest)
        targets = [Digest(f"sha256:{name[1]}")] if name else []
        targets += [manifest.subject] if manifest is not None and manifest.subject is not None else []
        return [target for target in targets if target != digest]

    def follows(self, tag: Tag) -> Digest | None:
        here = [target for target in self.belongs_to(tag) if target in self.here]
        return here[0] if here and not self.firm(tag) else None

    def date(self, digest: Digest, tag: Tag | None = None) -> datetime | None:
        manifest = self.seen.manifests.get(digest)
        dates = [manifest.date] if manifest is not None and manifest.date is not None else []
        dates += [self.seen.tag_dates[tag]] if tag is not None and tag in self.seen.tag_dates else []
        return max(dates) if dates else None

    def ripe(self, date: datetime | None) -> bool:
        """Old enough to go at all."""
        if date is None:
            return self.policy.delete_unknown_age
        return date <= NOW and NOW - date >= self.policy.young

    def own(self) -> list[Tag]:
        """The tags that rules judge."""
        return [tag for tag in self.seen.tags if self.follows(tag) is None]

    def newest(self, rule: Rule) -> set[Digest]:
        """The images that `keepNewest` keeps among the tags that the rule covers."""
        dates: dict[Digest, datetime] = {}
        for tag in self.own():
            date = self.date(self.seen.tags[tag], tag)
            counted = not self.firm(tag) and not self.belongs_to(tag) and tag not in self.claims.let_go
            counted = counted and not self.stub(self.seen.tags[tag])
            if counted and rule.covers(tag.text) and date is not None:
                dates[self.seen.tags[tag]] = max(date, dates.get(self.seen.tags[tag], date))
        return set(sorted(dates, key=lambda digest: (dates[digest], digest), reverse=True)[: rule.keep_newest])

    def lets_go(self, rule: Rule, tag: Tag) -> bool:
        digest = self.seen.tags[tag]
        date = self.date(digest, tag)
        if not rule.covers(tag.text):
            return False
        if rule.older_than is not None and (date is None or NOW - date <= rule.older_than):
            return False
        if rule.keep_newest is None:
            return True
        uncounted = bool(self.belongs_to(tag)) and rule.older_than is None
        return date is not None and digest not in self.newest(rule) and not uncounted

    def asked_for(self, tag: Tag) -> bool:
        names = (rule.tags is not None and bool(rule.tags.include) and self.lets_go(rule, tag) for rule in self.policy.rules)
        return tag in self.claims.let_go or any(names)

    @cached_property
    def to_go(self) -> set[Tag]:
        """The tags that go for themselves, before anything that leads anywhere is looked at."""
        going = set()
        for tag in self.own():
            wanted = tag in self.claims.let_go or any(self.lets_go(rule, tag) for rule in self.policy.rules)
            if wanted and not self.firm(tag) and self.ripe(self.date(self.seen.tags[tag], tag)):
                going.add(tag)
        stubs = {tag for tag in self.own() if self.stub(self.seen.tags[tag])}
        going -= stubs
        images = [tag for tag in self.own() if not self.belongs_to(tag) and tag not in stubs]
        if images and going.issuperset(images):
            long_ago = datetime.min.replace(tzinfo=NOW.tzinfo)
            unasked = [tag for tag in images if not self.asked_for(tag)]
            ranked = sorted((self.date(self.seen.tags[tag], tag) or long_ago, self.seen.tags[tag]) for tag in unasked)
            going -= {tag for tag in unasked if self.seen.tags[tag] == ranked[-1][1]}
        if self.policy.rules or self.claims.let_go:
            going |= {tag for tag in stubs if not self.firm(tag)}
        return going

    @cached_property
    def blind(self) -> bool:
        """Whether something that stays may lead to anything."""
        if self.seen.unreadable or self.seen.unresolved:
            return True
        known = self.seen.manifests.keys() | self.seen.missing
        unknown = self.reachable(self.here - self.gone - self.would_go()) - known
        return bool(unknown & set(self.seen.tags.values()) if self.seen.lists_untagged else unknown)

    def would_go(self) -> set[Digest]:
        """Manifests that would go, could everything be read: every own tag goes, or something that would go leads there."""
        stays = {self.seen.tags[tag] for tag in self.own() if tag not in self.to_go}
        stays |= set(self.claims.keep_digests) | {digest for digest, stored in self.seen.manifests.items() if stored.locked}
        going = {self.seen.tags[tag] for tag in self.to_go} | {digest for digest in self.alone() if self.untagged_goes(digest)}
        going = {digest for digest in self.reach_inside(going - stays, stays) if digest in self.seen.manifests}
        return going - self.reachable(self.here - going)

    def reach_inside(self, roots: set[Digest], walls: set[Digest]) -> set[Digest]:
        found: set[Digest] = set()
        waiting = [root for root in roots if root in self.seen.manifests]
        while waiting:
            digest = waiting.pop()
            if digest not in found and digest not in walls and digest in self.seen.manifests:
                found.add(digest)
                waiting += self.edges.get(digest, ())
        return found

    # -- manifests without tags

    def alone(self) -> set[Digest]:
        led_to = {
            target for source, targets in self.edges.items() if source in self.seen.manifests for target in targets - {source}
        }
        return set(self.seen.manifests) - set(self.seen.tags.values()) - led_to

    def untagged_goes(self, digest: Digest) -> bool:
        def free(found: Digest) -> bool:
            return found not in self.claims.keep_digests and not self.seen.manifests[found].locked

        date = self.date(digest)
        if self.stub(digest):
            return bool(self.policy.rules) and free(digest)
        counted = (found for found in self.alone() if free(found) and self.date(found) and not self.stub(found))
        dated = sorted(((self.date(found) or NOW, found) for found in counted), reverse=True)
        for rule in self.policy.rules:
            old = rule.older_than is None or (date is not None and NOW - date > rule.older_than)
            newest = {found for _, found in dated[: rule.keep_newest]} if rule.keep_newest is not None else set()
            ranked = rule.keep_newest is None or (date is not None and digest not in newest)
            if rule.untagged and old and ranked and free(digest) and self.ripe(date):
                return True
        return False


def faults(world: World, plan: RepositoryPlan) -> list[str]:
    """Everything that is wrong with this plan, one sentence each."""
    opinion = Opinion(world, plan)
    return [
        *_incomplete(opinion), *_tag_faults(opinion), *_manifest_faults(opinion), *_leftovers(opinion), *_last_faults(opinion),
    ]  # fmt: skip


def _last_faults(opinion: Opinion) -> Iterable[str]:
    """Where the last tagged image cannot go by itself: exactly one is spared, the newest, and only where nothing else stays."""
    seen, spared = opinion.seen, {opinion.seen.tags[tag] for tag in opinion.spared if tag is not None}
    staying = {tag for tag in seen.tags if tag not in opinion.gone_tags}
    everything_goes = all(item.goes for item in opinion.items)
    if not seen.keeps_last_tagged:
        if spared:
            yield "an image is spared as the last, though this registry deletes the last one, too"
        return
    if seen.tags and not staying and not (opinion.policy.delete_empty and everything_goes):
        yield "no tag stays, though this registry keeps the last one"
    if not spared:
        return
    if len(spared) > 1 or opinion.spared != {tag for tag, digest in seen.tags.items() if digest in spared}:
        yield "other than all tags of one image are spared"
    led_to = opinion.reachable(spared)
    if any(seen.tags[tag] not in led_to and opinion.follows(tag) not in led_to for tag in staying):
        yield "an image is spared as the last, though another stays by itself"
    if any(_rank(opinion, digest) > _rank(opinion, next(iter(spared))) for digest in set(seen.tags.values())):
        yield "an older image is spared than the newest"


def _rank(opinion: Opinion, digest: Digest) -> tuple[bool, datetime]:
    """Images come before what belongs to one, the newest first."""
    tags = [tag for tag, found in opinion.seen.tags.items() if found == digest]
    manifest = opinion.seen.manifests.get(digest)
    is_image = manifest is not None and manifest.subject is None and not opinion.stub(digest)
    named = any(not FOLLOWING_NAME.fullmatch(tag.text) for tag in tags)
    dates = [date for tag in tags if (date := opinion.date(digest, tag)) is not None]
    return is_image and named, max(dates, default=datetime.min.replace(tzinfo=NOW.tzinfo))


def _incomplete(opinion: Opinion) -> Iterable[str]:
    """Each tag and each manifest once, each with a reason."""
    seen = opinion.seen
    tags = sorted(item.tag for item in opinion.items if item.tag is not None)
    manifests = sorted(item.digest for item in opinion.items if item.tag is None and item.digest is not None)
    if tags != sorted([*seen.tags, *seen.unresolved, *seen.dangling]):
        yield "the plan does not name every tag once"
    if manifests != sorted(seen.manifests.keys() | seen.unreadable.keys()):
        yield "the plan does not name every manifest once"
    yield from (
        f"{item} has no reason" for item in opinion.items if not all(reason.detail for reason in item.reasons) or not item.reasons
    )


def _tag_faults(opinion: Opinion) -> Iterable[str]:
    for tag, digest in opinion.seen.tags.items():
        target, goes = opinion.follows(tag), tag in opinion.gone_tags
        if goes and opinion.firm(tag):
            yield f"{tag} goes, though it is protected, in use, locked or unreadable"
        if goes and target is not None and target not in opinion.gone:
            yield f"{tag} goes, though it follows {target.short}, which stays"
        if goes and target is None and tag not in opinion.to_go:
            yield f"{tag} goes, though nothing lets go of it"
        if goes and digest not in opinion.gone and opinion.world.cannot_untag:
            yield f"{tag} goes and its manifest stays, though the registry cannot do that"
        wanted = tag in opinion.to_go if target is None else target in opinion.gone
        if wanted and not goes and not (opinion.world.cannot_untag and digest not in opinion.gone):
            yield f"{tag} stays, though it should go"
    if opinion.gone_tags & (opinion.seen.unresolved.keys() | opinion.seen.dangling.keys()):
        yield "a tag goes that points at nothing known"


def _manifest_faults(opinion: Opinion) -> Iterable[str]:
    seen = opinion.seen
    kept_tags = {digest for tag, digest in seen.tags.items() if tag not in opinion.gone_tags}
    kept = opinion.reachable(opinion.here - opinion.gone)
    for digest in sorted(opinion.gone):
        if digest in kept_tags:
            yield f"{digest.short} goes, though one of its tags stays"
        if digest in kept:
            yield f"{digest.short} goes, though something that stays leads to it"
        if digest in opinion.claims.keep_digests or digest not in seen.manifests or seen.manifests[digest].locked:
            yield f"{digest.short} goes, though it is in use, locked or was not read"
        carried = any(digest in opinion.edges.get(source, ()) for source in opinion.gone - {digest})
        tagged = digest in seen.tags.values()
        if not tagged and not carried and not opinion.untagged_goes(digest):
            yield f"{digest.short} goes, though no rule lets go of it, or not yet"
    if opinion.gone and opinion.blind:
        yield "manifests go, though something that stays may lead to them"


def _leftovers(opinion: Opinion) -> Iterable[str]:
    if not opinion.blind:
        yield from (f"{digest.short} stays, though it should go" for digest in sorted(opinion.would_go() - opinion.gone))
