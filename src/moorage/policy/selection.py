"""First half of a decision: what the rules let go of, each tag and each manifest without tags on its own.

Nothing here looks at what leads to what; that is `planner`, which can only turn "let go" into "stays", never the reverse.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import followed_digest
from moorage.oci.reference import Digest, Tag
from moorage.policy.claims import Claims, Reasons
from moorage.policy.graph import Graph
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one tag or manifest. `firm` marks those that nothing may take along (protected, in use, locked)."""

    goes: bool
    reasons: Reasons
    firm: bool = False


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
    """One image that a rule may cover: its digest, when it was pushed, and how it is called."""

    digest: Digest
    date: datetime | None
    tag: Tag | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """Judges the images of one inventory by one policy at one moment."""

    inventory: Inventory
    policy: Policy
    claims: Claims
    now: datetime
    graph: Graph = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "graph", Graph.of(self.inventory))

    def select(self) -> Selection:
        followers = self.followers()
        subjects = [self._subject(digest, tag) for tag, digest in self.inventory.tags.items() if tag not in followers]
        firm = {subject: self._firm(subject) for subject in subjects}
        covered = [subject for subject in subjects if not firm[subject]]
        newest = {rule.name: self._newest(rule, covered) for rule in self.policy.rules if rule.tagged}
        tags: dict[Tag, Verdict] = {}
        for tag, subject in zip((tag for tag in self.inventory.tags if tag not in followers), subjects, strict=True):
            kept = Verdict(goes=False, reasons=firm[subject], firm=True)
            tags[tag] = kept if firm[subject] else self._judge(tag, subject, newest)
        return Selection(self._spare_last_tag(tags, subjects), self._untagged(), followers)

    def followers(self) -> Mapping[Tag, Digest]:
        """Tags that follow a manifest of this repository: by their name, or because what they name is a referrer of it."""
        found = {}
        for tag, digest in self.inventory.tags.items():
            stored = self.inventory.manifests.get(digest)
            target = followed_digest(tag.text) or (stored.subject if stored else None)
            if target in (None, digest) or target not in self.inventory.manifests:
                continue
            if not self._named(tag, digest):
                found[tag] = target
        return found

    def candidates(self) -> frozenset[Digest]:
        """The manifests whose dates matter: every one that some rule or claim could let go of."""
        followers = self.followers()
        tagged = {
            digest
            for tag, digest in self.inventory.tags.items()
            if tag not in followers
            and (tag in self.claims.let_go or any(rule.covers(tag.text) for rule in self.policy.rules))
            and not self._firm(self._subject(digest, tag))
        }
        untagged = set(self._alone()) if self.policy.wants_untagged else set()
        return frozenset(tagged | untagged) & self.inventory.manifests.keys()

    def _subject(self, digest: Digest, tag: Tag | None = None) -> Subject:
        stored = self.inventory.manifests.get(digest)
        dates = [date for date in (stored.date if stored else None, self.inventory.tag_dates.get(tag) if tag else None) if date]
        return Subject(digest, max(dates, default=None), tag)

    def _named(self, tag: Tag, digest: Digest) -> Reasons:
        """Reasons to keep a tag that come from people or from what runs."""
        reasons = list(self.claims.keeps(tag, digest))
        if self.policy.protect and self.policy.protect.selects(tag.text):
            reasons.append(Reason(Code.PROTECTED, f"protected by {self.policy.protect}"))
        if self.policy.exclude and self.policy.exclude.selects(tag.text):
            reasons.append(Reason(Code.EXCLUDED, f"excluded by {self.policy.exclude}"))
        return tuple(reasons)

    def _firm(self, subject: Subject) -> Reasons:
        named = self._named(subject.tag, subject.digest) if subject.tag else self.claims.keep_digests.get(subject.digest, ())
        reasons = list(named)
        stored = self.inventory.manifests.get(subject.digest)
        lock = self.inventory.locked_tags.get(subject.tag, "") if subject.tag else ""
        if lock or (stored and stored.locked):
            reasons.append(Reason(Code.VENDOR_LOCK, lock or (stored.locked if stored else "")))
        if subject.digest in self.inventory.unreadable:
            reasons.append(Reason(Code.UNREADABLE, f"its manifest cannot be read: {self.inventory.unreadable[subject.digest]}"))
        return tuple(reasons)

    def _judge(self, tag: Tag, subject: Subject, newest: Mapping[str, Mapping[Digest, int]]) -> Verdict:
        claimed = self.claims.let_go.get(tag, ())
        covering = [rule for rule in self.policy.rules if rule.covers(tag.text)]
        if not claimed and not covering:
            return Verdict(goes=False, reasons=(Reason(Code.NOT_COVERED, "no rule covers this tag"),))
        verdicts = [self._by_rule(rule, subject, newest[rule.name]) for rule in covering]
        return self._combine(subject, claimed, verdicts)

    def _combine(self, subject: Subject, claimed: Reasons, verdicts: list[Verdict]) -> Verdict:
        """One rule that lets go is enough, but for images that are too young, or of unknown age."""
        going = claimed + tuple(reason for verdict in verdicts if verdict.goes for reason in verdict.reasons)
        if not going:
            return Verdict(goes=False, reasons=tuple(reason for verdict in verdicts for reason in verdict.reasons))
        if subject.date is None:
            if self.policy.delete_unknown_age:
                return Verdict(goes=True, reasons=going)
            return _stays(Code.UNKNOWN_AGE, "nothing says how old it is, so it is never old enough")
        if self._age(subject.date) < self.policy.young:
            return Verdict(goes=False, reasons=(self._young(subject.date),))
        return Verdict(goes=True, reasons=going)

    def _by_rule(self, rule: Rule, subject: Subject, newest: Mapping[Digest, int]) -> Verdict:
        if rule.older_than is not None:
            if subject.date is None:
                return _stays(Code.UNKNOWN_AGE, f"nothing says how old it is, and {rule.name} asks for {spell(rule.older_than)}")
            if self._age(subject.date) <= rule.older_than:
                age = spell(self._age(subject.date))
                return _stays(Code.NOT_OLD_ENOUGH, f"{age} old, {rule.name} lets go after {spell(rule.older_than)}")
        if rule.keep_newest is not None:
            if subject.date is None:
                return _stays(Code.UNKNOWN_AGE, f"nothing says how old it is, so {rule.name} cannot rank it")
            if subject.digest in newest:
                place = newest[subject.digest]
                return _stays(Code.AMONG_NEWEST, f"number {place} of the newest {rule.keep_newest} that {rule.name} keeps")
        return Verdict(goes=True, reasons=(Reason(Code.RULE, self._because(rule, subject)),))

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

    def _newest(self, rule: Rule, subjects: Iterable[Subject]) -> Mapping[Digest, int]:
        """The digests that `keep_newest` keeps, each with its place, 1 being the newest; ties by digest, so that runs agree."""
        if rule.keep_newest is None:
            return {}
        dates: dict[Digest, datetime] = {}
        for subject in subjects:
            if subject.date is not None and (subject.tag is None or rule.covers(subject.tag.text)):
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
        newest = {rule.name: self._newest(rule, subjects) for rule in rules}
        verdicts = {}
        for subject in subjects:
            if firm := self._firm(subject):
                verdicts[subject.digest] = Verdict(goes=False, reasons=firm, firm=True)
            elif rules:
                judged = [self._by_rule(rule, subject, newest[rule.name]) for rule in rules]
                verdicts[subject.digest] = self._combine(subject, (), judged)
            else:
                verdicts[subject.digest] = _stays(Code.NOT_COVERED, "no rule covers manifests without tags")
        return verdicts

    def _spare_last_tag(self, tags: Mapping[Tag, Verdict], subjects: Iterable[Subject]) -> Mapping[Tag, Verdict]:
        """Where only rules that name no tags would empty the repository, its newest image stays."""
        if not tags or any(not verdict.goes for verdict in tags.values()):
            return tags
        if any(rule.names_tags and rule.covers(tag.text) for tag in tags for rule in self.policy.rules) or self.claims.let_go:
            return tags
        last = max(subjects, key=lambda subject: (subject.date or _LONG_AGO, subject.digest.text))
        spared = _stays(Code.LAST_TAG, "the newest image of a repository stays when no rule names its tags")
        return {tag: spared if self.inventory.tags[tag] == last.digest else verdict for tag, verdict in tags.items()}

    def _age(self, date: datetime) -> timedelta:
        return self.now - date

    def _young(self, date: datetime) -> Reason:
        if date > self.now:
            return Reason(Code.TOO_YOUNG, "dated in the future, so it counts as new")
        return Reason(Code.TOO_YOUNG, f"{spell(self._age(date))} old, the grace for new images is {spell(self.policy.young)}")


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


def undated(stored: Stored | None) -> bool:
    """Whether nobody has asked for this manifest's date yet."""
    return stored is not None and not stored.dated


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
