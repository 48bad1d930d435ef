"""A repository in a few words, and what a policy makes of it: the vocabulary of the specifications beside this file.

Images are called by a word; `@word` is their manifest, anything else a tag. Unless said otherwise they are 100 days old, and the
registry lists everything and can remove single tags.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.claims import Claims
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Item
from moorage.policy.planner import Planner
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
REPOSITORY = Repository(Registry("registry.example"), "acme/shop")


def digest(word: str) -> Digest:
    return Digest.of(word.encode())


def signature(word: str, suffix: str = ".sig") -> str:
    """The tag under which cosign keeps the signature of an image."""
    return f"sha256-{digest(word).hex}{suffix}"


def image(word: str, *children: str, subject: str = "", age: timedelta | None = timedelta(days=100), **rest: Any) -> Stored:
    """A manifest; with `age` None nobody knows its date."""
    return Stored(
        digest(word),
        children=tuple(digest(child) for child in children),
        subject=digest(subject) if subject else None,
        date=None if age is None else NOW - age,
        **{"dated": True, **rest},
    )


def repository(tags: Mapping[str, str], *images: Stored, **rest: Any) -> Inventory:
    """Tags with the words of what they point at. Images that are named nowhere else need no mention."""
    stored = {found.digest: found for found in (*(image(word) for word in tags.values()), *images)}
    absent = {*rest.get("missing", ()), *rest.get("unreadable", {}), *rest.pop("unlisted", ())}
    return Inventory(
        REPOSITORY,
        {Tag(tag): digest(word) for tag, word in tags.items()},
        {found: one for found, one in stored.items() if found not in absent},
        **{"lists_untagged": True, **rest},
    )


def rule(*tags: str, **rest: Any) -> Rule:
    """A rule over tags; without any, over every tag."""
    return Rule(**{"name": "cleanup.rules[0]", "tags": TagSelector.parse(tags) if tags else None, **rest})


def policy(*rules: Rule, protect: Iterable[str] = (), exclude: Iterable[str] = (), **rest: Any) -> Policy:
    return Policy(
        rules=rules,
        protect=TagSelector.parse(protect) if protect else None,
        exclude=TagSelector.parse(exclude) if exclude else None,
        **rest,
    )


UNTAGGED = Rule("--delete-untagged", tagged=False, untagged=True)


@dataclass(frozen=True)
class Decision:
    """A plan, asked by name."""

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    words: Mapping[Digest, str] = field(default_factory=dict)

    @property
    def gone(self) -> set[str]:
        return {name for name, item in self._named().items() if item.goes}

    @property
    def kept(self) -> set[str]:
        return {name for name, item in self._named().items() if not item.goes}

    def why(self, name: str) -> str:
        """The reasons, as `code: detail`."""
        return "; ".join(f"{reason.code}: {reason.detail}" for reason in self._named()[name].reasons)

    def _named(self) -> Mapping[str, Item]:
        return {
            item.tag.text if item.tag else f"@{self.words.get(item.digest, '?') if item.digest else '?'}": item
            for item in self.items
        }


WORDS = (
    "app",
    "arm",
    "amd",
    "base",
    "bundle",
    "index",
    "inner",
    "new",
    "old",
    "older",
    "one",
    "sbom",
    "sig",
    "three",
    "two",
    "web",
)


def decide(inventory: Inventory, wanted: Policy, claims: Claims | None = None, cannot_untag: str = "") -> Decision:
    planned = Planner(inventory, wanted, NOW, claims or Claims(), cannot_untag).plan()
    return Decision(planned.items, planned.notes, {digest(word): word for word in WORDS})


def because(detail: str, code: Code = Code.IN_USE) -> tuple[Reason, ...]:
    return (Reason(code, detail),)
