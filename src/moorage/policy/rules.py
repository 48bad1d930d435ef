"""What the user wants to go: rules, what is protected, and the guards. An empty policy keeps everything."""

from dataclasses import dataclass
from datetime import timedelta

from moorage.policy.patterns import TagSelector


@dataclass(frozen=True, slots=True)
class Rule:
    """Covers tags, manifests without tags, or both, and lets go of what is old enough and not among the newest.

    `tags` None covers every tag. `keep_newest` counts images (distinct digests), newest first, per repository, tagged and
    untagged apart. A rule with neither an age nor a number lets go of all it covers.
    `name` is how the user finds the rule again: "cleanup.rules[0]", "--older-than".
    """

    name: str
    tags: TagSelector | None = None
    tagged: bool = True
    untagged: bool = False
    older_than: timedelta | None = None
    keep_newest: int | None = None

    def covers(self, tag: str) -> bool:
        return self.tagged and (self.tags is None or self.tags.selects(tag))

    @property
    def covers_every_tag(self) -> bool:
        return self.tagged and (self.tags is None or self.tags.selects_everything())

    @property
    def names_tags(self) -> bool:
        """Whether the user spelled out which tags are meant."""
        return self.tagged and self.tags is not None and bool(self.tags.include)

    @property
    def is_boundless(self) -> bool:
        """Lets go of every tag, whatever its age and number: needs an explicit word."""
        return self.covers_every_tag and self.older_than is None and self.keep_newest is None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one cleanup and what stands above them.

    `young` is the grace for images that may still be in flight: anything younger stays, whatever a rule says.
    `delete_unknown_age` is the explicit word that lets rules without an age act on images without a date.
    `delete_empty` is the explicit word that lets repositories go in which nothing is left.
    """

    rules: tuple[Rule, ...] = ()
    protect: TagSelector | None = None
    exclude: TagSelector | None = None
    young: timedelta = timedelta(hours=2)
    delete_unknown_age: bool = False
    delete_empty: bool = False

    @property
    def wants_untagged(self) -> bool:
        return any(rule.untagged for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits on how much one run may delete; None switches a limit off.

    `max_delete` counts tags per run. `max_delete_percent` is judged per repository of `SMALL_REPOSITORY` tags or more.
    `boundless` are the rules that would let go of everything (`Rule.is_boundless`) and of which nobody said that this is meant.
    """

    max_delete: int | None = 1000
    max_delete_percent: int | None = 80
    boundless: tuple[Rule, ...] = ()


SMALL_REPOSITORY = 10
