"""First half of a decision: what the rules let go of, each tag and each manifest without tags on its own.

Nothing here looks at what leads to what; that is `planner`, which can only turn "let go" into "stays", never the reverse.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from moorage.oci.inventory import Inventory
from moorage.oci.manifest import followed_digest
from moorage.oci.reference import Digest, Tag
from moorage.oci.stub import is_stub, stands_for
from moorage.policy.claims import Claims, Reasons
from moorage.policy.graph import Graph
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one tag or manifest.

    `firm` marks those that nothing may take along (protected, in use, locked); `asked_for` those that a claim, or a rule that
    names tags, lets go of.
    """

    goes: bool
    reasons: Reasons
    firm: bool = False
    asked_for: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Verdicts for every tag, and for those manifests without tags that nothing else leads to.

    `followers` are the tags that have no verdict of their own: they go where the manifest goes that they follow.
    """

    tags: Mapping[Tag, Verdict]
    untagged: Mapping[Digest, Verdict]
    followers: Mapping[Tag, Digest]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule may cover: one tag of an image, or a manifest without tags.

    `belongs_to` is the digest of what a tag would follow, by its name or its manifest's `subject`, were that here.
    """

    digest: Digest
    date: datetime | None
    tag: Tag | None = None
    belongs_to: Digest | None = None


Places = Mapping[Digest, int]
"""The digests that a rule's `keep_newest` keeps, each with its place, 1 being the newest."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Judges the images of one inventory by one policy at one moment."""

    inventory: Inventory
    policy: Policy
    claims: Claims
    now: datetime
    graph: Graph = field(init=False)
    followers: Mapping[Tag, Digest] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "graph", Graph.of(self.inventory))
        object.__setattr__(self, "followers", self._followers())

    def select(self) -> Selection:
        subjects = self._subjects()
        firm = {tag: self._firm(subject) for tag, subject in subjects.items()}
        # Rules are for what the keep policies leave alone, so what those let go of takes no place among the newest.
        ranked = [
            subject
            for tag, subject in subjects.items()
            if not firm[tag] and tag not in self.claims.let_go and not self._is_stub(subject.digest)
        ]
        places = [self._places(rule, ranked) for rule in self.policy.rules]
        verdicts = {
            tag: Verdict(goes=False, reasons=firm[tag], firm=True) if firm[tag] else self._judge(tag, subject, places)
            for tag, subject in subjects.items()
        }
        return Selection(self._spare_last_image(verdicts, subjects), self._untagged(), self.followers)

    def candidates(self) -> frozenset[Digest]:
        """The manifests whose dates matter: every one that some rule or claim could let go of."""
        tagged = {
            subject.digest
            for tag, subject in self._subjects().items()
            if (tag in self.claims.let_go or any(rule.covers(tag.text) for rule in self.policy.rules))
            and not self._firm(subject)
            and not self._is_stub(subject.digest)
        }
        untagged = {digest for digest in self._alone() if not self._is_stub(digest)} if self.policy.wants_untagged else set()
        return frozenset(tagged | untagged) & self.inventory.manifests.keys()

    def _followers(self) -> Mapping[Tag, Digest]:
        """Tags that follow something here: by their name, or because what they name is a referrer of it.

        What is in use or cannot be read counts as here. Tags with a firm reason to stay follow nothing.
        """
        seen = self.inventory
        here = {*seen.manifests, *seen.unreadable, *seen.tags.values(), *self.claims.keep_digests}
        found = {}
        for tag, digest in seen.tags.items():
            targets = self._belongs_to(tag, digest)
            target = next((target for target in targets if target in here and not seen.lacks(target)), None)
            if target is not None and not self._firm(Subject(digest, None, tag)):
                found[tag] = target
        return found

    def _belongs_to(self, tag: Tag, digest: Digest) -> Iterator[Digest]:
        stored = self.inventory.manifests.get(digest)
        for target in (followed_digest(tag.text), stored.subject if stored else None):
            if target is not None and target != digest:
                yield target

    def _subjects(self) -> Mapping[Tag, Subject]:
        return {tag: self._subject(digest, tag) for tag, digest in self.inventory.tags.items() if tag not in self.followers}

    def _subject(self, digest: Digest, tag: Tag | None = None) -> Subject:
        stored = self.inventory.manifests.get(digest)
        dates = [stored.date if stored else None, self.inventory.tag_dates.get(tag) if tag else None]
        target = next(self._belongs_to(tag, digest), None) if tag else None
        return Subject(digest, max((date for date in dates if date), default=None), tag, target)

    def _firm(self, subject: Subject) -> Reasons:
        """Reasons to stay that stand above every rule: from people, from what runs, from the registry."""
        tag, stored = subject.tag, self.inventory.manifests.get(subject.digest)
        reasons = list(self.claims.keeps(tag, subject.digest))
        if tag is not None and self.policy.protect and self.policy.protect.selects(tag.text):
            reasons.append(Reason(Code.PROTECTED, f"matches {self.policy.protect} under protect"))
        if tag is not None and self.policy.exclude and self.policy.exclude.selects(tag.text):
            reasons.append(Reason(Code.EXCLUDED, f"matches {self.policy.exclude} of --exclude-tags"))
        if tag is not None and tag in self.inventory.locked_tags:
            reasons.append(Reason(Code.VENDOR_LOCK, self.inventory.locked_tags[tag] or "the registry locks this tag"))
        elif stored and stored.locked:
            reasons.append(Reason(Code.VENDOR_LOCK, stored.locked))
        if subject.digest in self.inventory.unreadable:
            reasons.append(Reason(Code.UNREADABLE, f"its manifest cannot be read: {self.inventory.unreadable[subject.digest]}"))
        elif stored is None:
            reasons.append(Reason(Code.UNREADABLE, "its manifest was not read"))
        return tuple(reasons)

    def _is_stub(self, digest: Digest) -> bool:
        return is_stub(self.inventory.manifests.get(digest))

    def _judge(self, tag: Tag, subject: Subject, places: Iterable[Places]) -> Verdict:
        if self._is_stub(subject.digest) and (self.policy.rules or self.claims.let_go):
            return self._half_removed(subject.digest)
        if tag in self.claims.let_go:
            return self._in_time(subject, Verdict(goes=True, reasons=self.claims.let_go[tag], asked_for=True))
        covering = [(rule, found) for rule, found in zip(self.policy.rules, places, strict=True) if rule.covers(tag.text)]
        if not covering:
            return _stays(Code.NOT_COVERED, "no rule covers this tag")
        return self._combine(subject, [self._by_rule(rule, subject, found) for rule, found in covering])

    def _half_removed(self, digest: Digest) -> Verdict:
        original = stands_for(self.inventory.manifests.get(digest))
        stood_for = f"; it stood for {original.short}" if original else ""
        detail = f"an earlier run was ended while it took this tag away{stood_for}"
        return Verdict(goes=True, reasons=(Reason(Code.HALF_REMOVED, detail),), asked_for=True)

    def _combine(self, subject: Subject, verdicts: Iterable[Verdict]) -> Verdict:
        """One rule that lets go is enough."""
        verdicts = list(verdicts)
        going = [verdict for verdict in verdicts if verdict.goes]
        reasons = tuple(reason for verdict in going or verdicts for reason in verdict.reasons)
        if not going:
            return Verdict(goes=False, reasons=reasons)
        return self._in_time(subject, Verdict(goes=True, reasons=reasons, asked_for=any(verdict.asked_for for verdict in going)))

    def _in_time(self, subject: Subject, verdict: Verdict) -> Verdict:
        """What is let go of still stays while it is too young, or of unknown age."""
        if subject.date is None:
            if self.policy.delete_unknown_age:
                return verdict
            return _stays(Code.UNKNOWN_AGE, "nothing says how old it is, so it is never old enough")
        if subject.date > self.now:
            return _stays(Code.TOO_YOUNG, "dated in the future, so it counts as new")
        if self._age(subject.date) < self.policy.young:
            grace = f"the grace for new images is {spell(self.policy.young)}"
            return _stays(Code.TOO_YOUNG, f"{spell(self._age(subject.date))} old, {grace}")
        return verdict

    def _by_rule(self, rule: Rule, subject: Subject, places: Places) -> Verdict:
        if rule.older_than is not None:
            if subject.date is None:
                return _stays(Code.UNKNOWN_AGE, f"nothing says how old it is, and {rule.name} asks for {spell(rule.older_than)}")
            if self._age(subject.date) <= rule.older_than:
                age = spell(self._age(subject.date))
                return _stays(Code.NOT_OLD_ENOUGH, f"{age} old, {rule.name} lets go after {spell(rule.older_than)}")
        if rule.keep_newest is not None:
            if subject.date is None:
                return _stays(Code.UNKNOWN_AGE, f"nothing says how old it is, so {rule.name} cannot rank it")
            if subject.digest in places:
                place = places[subject.digest]
                return _stays(Code.AMONG_NEWEST, f"number {place} of the newest {rule.keep_newest} that {rule.name} keeps")
            if subject.belongs_to is not None and rule.older_than is None:
                missed = f"belongs to {subject.belongs_to.short}, which is not here"
                return _stays(Code.FOLLOWS, f"{missed}; it is no image that {rule.name} could count")
        because = Reason(Code.RULE, self._because(rule, subject))
        return Verdict(goes=True, reasons=(because,), asked_for=subject.tag is not None and rule.names_tags)

    def _because(self, rule: Rule, subject: Subject) -> str:
        parts = []
        if subject.tag is not None and rule.tags is not None:
            parts.append(f"matches {rule.tags}")
        if subject.tag is None:
            parts.append("has no tag")
        if rule.older_than is not None and subject.date is not None:
            parts.append(f"{spell(self._age(subject.date))} old, more than {spell(rule.older_than)}")
        if rule.keep_newest is not None:
            parts.append(f"not among the newest {rule.keep_newest}")
        return f"{rule.name}: {', '.join(parts) or 'covers every tag'}"

    def _places(self, rule: Rule, subjects: Iterable[Subject]) -> Places:
        """Ranks images, not what belongs to one; ties by digest, so that runs agree."""
        if rule.keep_newest is None:
            return {}
        dates: dict[Digest, datetime] = {}
        for subject in subjects:
            if subject.date is None or subject.belongs_to is not None:
                continue
            if subject.tag is None or rule.covers(subject.tag.text):
                dates[subject.digest] = max(subject.date, dates.get(subject.digest, subject.date))
        ranked = sorted(dates, key=lambda digest: (dates[digest], digest.text), reverse=True)
        return {digest: place for place, digest in enumerate(ranked[: rule.keep_newest], start=1)}

    def _alone(self) -> list[Digest]:
        """Manifests without tags that no other manifest of the repository leads to."""
        tagged = set(self.inventory.tags.values())
        led_to = {target for digest in self.inventory.manifests for target, _ in self.graph.leads_to(digest)}
        return [digest for digest in self.inventory.manifests if digest not in tagged and digest not in led_to]

    def _untagged(self) -> Mapping[Digest, Verdict]:
        rules = [rule for rule in self.policy.rules if rule.untagged]
        subjects = [self._subject(digest) for digest in self._alone()]
        firm = {subject.digest: self._firm(subject) for subject in subjects}
        ranked = [subject for subject in subjects if not firm[subject.digest] and not self._is_stub(subject.digest)]
        places = [self._places(rule, ranked) for rule in rules]
        verdicts = {}
        for subject in subjects:
            if firm[subject.digest]:
                verdicts[subject.digest] = Verdict(goes=False, reasons=firm[subject.digest], firm=True)
            elif self._is_stub(subject.digest) and self.policy.rules:
                verdicts[subject.digest] = self._half_removed(subject.digest)
            elif rules:
                judged = [self._by_rule(rule, subject, found) for rule, found in zip(rules, places, strict=True)]
                verdicts[subject.digest] = self._combine(subject, judged)
            else:
                verdicts[subject.digest] = _stays(Code.NOT_COVERED, "no rule covers manifests without tags")
        return verdicts

    def _spare_last_image(self, verdicts: Mapping[Tag, Verdict], subjects: Mapping[Tag, Subject]) -> Mapping[Tag, Verdict]:
        """Where every image of the repository would go, the newest one stays that was not asked for by name."""
        images = [tag for tag, subject in subjects.items() if subject.belongs_to is None and not self._is_stub(subject.digest)]
        unasked = [tag for tag in images if not verdicts[tag].asked_for]
        if not unasked or any(not verdicts[tag].goes for tag in images):
            return verdicts
        last = max((subjects[tag] for tag in unasked), key=lambda subject: (subject.date or _LONG_AGO, subject.digest.text))
        spared = _stays(Code.LAST_TAG, "the newest image of a repository stays when no rule names its tags")
        return {**verdicts, **{tag: spared for tag in unasked if subjects[tag].digest == last.digest}}

    def _age(self, date: datetime) -> timedelta:
        return self.now - date


def _stays(code: Code, detail: str) -> Verdict:
    return Verdict(goes=False, reasons=(Reason(code, detail),))


def spell(span: timedelta) -> str:
    """A duration as people say it: the two largest units, rounded down ("3d 4h", "45m")."""
    seconds = max(int(span.total_seconds()), 0)
    parts: list[str] = []
    for unit, length in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count and len(parts) < 2:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts) or "0s"


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
