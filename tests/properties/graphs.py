"""Random repositories, policies and claims: everything that a planner may meet, small enough to be read when it fails.

A digest is a hash over a manifest's content, so what a manifest contains or names as its subject is older than itself: worlds are
built bottom-up. Only the names of tags can point anywhere, and so in circles.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.claims import Claims, Reasons
from moorage.policy.patterns import TagSelector
from moorage.policy.planner import Planner, RepositoryPlan
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
REPOSITORY = Repository(Registry("registry.example"), "acme/shop")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD = (3 * HOUR, DAY, 5 * DAY, 10 * DAY, 400 * DAY)
YOUNG = (timedelta(0), HOUR, -HOUR, -400 * DAY)
TROUBLES = (
    "claims", "dangling", "last tagged stays", "locked", "missing", "shielded", "stubs", "tag dates", "undated", "unlisted",
    "unreadable", "unresolved", "whole manifests only", "young",
)  # fmt: skip
TAG_NAMES = ("latest", "v1", "v2", "v3", "pr-1", "pr-2", "pr-3", "keep", "sbom")
FOLLOWING = ("", ".sig", ".att", ".sbom")
SELECTIONS = tuple(
    TagSelector.parse(texts)
    for texts in (
        ["*"],
        ["*"],
        ["v*"],
        ["pr-*", "!pr-1"],
        ["/v[0-9]+/", "latest"],
        ["!keep"],
        ["sha256-*", "sbom"],
        ["/(?i)PR-.*|v1/"],
    )
)
MOST_MANIFESTS = 9


@dataclass(frozen=True)
class World:
    """A repository, what is wanted of it, and what its registry can do."""

    inventory: Inventory
    policy: Policy = field(default_factory=Policy)
    claims: Claims = field(default_factory=Claims)
    cannot_untag: str = ""

    def planner(self) -> Planner:
        return Planner(self.inventory, self.policy, NOW, self.claims, self.cannot_untag)

    def plan(self) -> RepositoryPlan:
        return self.planner().plan()

    def after(self, plan: RepositoryPlan) -> "World":
        """The same world once the plan was carried out; nobody looks at what a registry does not list."""
        manifests = {item.digest for item in plan.items if item.goes and item.tag is None}
        tags = {item.tag for item in plan.items if item.goes and item.tag is not None}
        seen = self.inventory
        inventory = replace(
            seen,
            manifests={digest: stored for digest, stored in seen.manifests.items() if digest not in manifests},
            tags={tag: digest for tag, digest in seen.tags.items() if tag not in tags and digest not in manifests},
            missing=seen.missing | {digest for digest in manifests if digest is not None},
        )
        return replace(self, inventory=inventory)


def digest(number: int) -> Digest:
    return Digest.of(str(number).encode())


OUTSIDE = digest(MOST_MANIFESTS + 1)


def reasons(code: Code) -> Reasons:
    return (Reason(code, "because"),)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    digests = [digest(number) for number in range(draw(st.integers(1, MOST_MANIFESTS)))]
    troubles = draw(st.sets(st.sampled_from(TROUBLES), max_size=3))
    inventory = draw(inventories(digests, troubles))
    return World(
        inventory=inventory,
        policy=draw(policies(troubles)),
        claims=draw(claims(sorted(inventory.tags), digests)) if "claims" in troubles else Claims(),
        cannot_untag="this registry cannot" if "whole manifests only" in troubles else "",
    )


@st.composite
def inventories(draw: st.DrawFn, digests: list[Digest], troubles: set[str]) -> Inventory:
    """Manifests in any state. `OUTSIDE` is none of them: whoever points at it points at nothing, or at what is not known."""
    states = [state for state in ("unreadable", "missing", "unlisted") if state in troubles]
    manifests: dict[Digest, Stored] = {}
    found: dict[str, list[Digest]] = {"unreadable": [], "missing": [], "unlisted": []}
    for number, one in enumerate(digests):
        state = draw(st.sampled_from(["stored", "stored", *states]))
        if state == "stored":
            manifests[one] = draw(stored(one, [*digests[:number], OUTSIDE], troubles))
        else:
            found[state].append(one)
    targets = [one for one in digests if one not in found["missing"]]
    tags = draw(tag_maps([*targets, OUTSIDE] if "unlisted" in troubles else targets, [*digests, OUTSIDE]))
    some_tags = st.sets(st.sampled_from(sorted(tags)), max_size=3) if tags else st.just(set[Tag]())
    return Inventory(
        repository=REPOSITORY,
        tags=tags,
        manifests=manifests,
        unreadable=dict.fromkeys(found["unreadable"], "500 Internal Server Error"),
        unresolved={Tag("unresolved"): "503"} if "unresolved" in troubles else {},
        dangling={Tag("dangling"): "404"} if "dangling" in troubles else {},
        missing=frozenset(found["missing"] if "unlisted" in troubles else [*found["missing"], OUTSIDE]),
        locked_tags=dict.fromkeys(draw(some_tags), "immutable") if "locked" in troubles else {},
        tag_dates={tag: NOW - draw(ages(troubles)) for tag in (draw(some_tags) if "tag dates" in troubles else ())},
        lists_untagged=draw(st.booleans()),
        keeps_last_tagged="last tagged stays" in troubles,
    )


@st.composite
def stored(draw: st.DrawFn, found: Digest, older: list[Digest], troubles: set[str]) -> Stored:
    parts = st.lists(st.sampled_from(older), max_size=3, unique=True)
    date = NOW - draw(ages(troubles))
    return Stored(
        digest=found,
        children=tuple(draw(parts)) if draw(st.booleans()) else (),
        subject=draw(st.sampled_from(older)) if draw(st.sampled_from([False, False, True])) else None,
        blobs=tuple(Blob(digest(100 + blob), 10) for blob in draw(st.sets(st.integers(0, 2), max_size=2))),
        size=draw(st.sampled_from([None, 30])),
        date=None if "undated" in troubles and draw(st.booleans()) else date,
        dated=True,
        locked=draw(st.sampled_from(["", "", "", "in use by a product"])) if "locked" in troubles else "",
        **(draw(stub_marks()) if "stubs" in troubles else {}),
    )


def stub_marks() -> st.SearchStrategy[dict[str, Any]]:
    """Of a stub; of an image that has no more than its mark; of any other."""
    mark = {"annotations": {"vnd.moorage.stub": "4711"}}
    return st.sampled_from([{**mark, "config": Digest.of(b"{}")}, mark, {}])


def ages(troubles: set[str]) -> st.SearchStrategy[timedelta]:
    return st.sampled_from((*OLD, *YOUNG) if "young" in troubles else OLD)


@st.composite
def tag_maps(draw: st.DrawFn, targets: list[Digest], followed: list[Digest]) -> dict[Tag, Digest]:
    if not targets:
        return {}
    ordinary = draw(st.dictionaries(st.sampled_from(TAG_NAMES), st.sampled_from(targets), max_size=7))
    names = st.tuples(st.sampled_from(followed), st.sampled_from(FOLLOWING))
    following = draw(st.dictionaries(names, st.sampled_from(targets), max_size=3))
    named = {f"sha256-{target.hex}{suffix}": found for (target, suffix), found in following.items()}
    return {Tag(name): found for name, found in {**ordinary, **named}.items()}


@st.composite
def policies(draw: st.DrawFn, troubles: set[str]) -> Policy:
    shields = st.sampled_from([None, ["keep"], ["v1"], ["sha256-*"], ["sbom"], ["latest", "/v[12]/"]])
    protect, exclude = (draw(shields), draw(shields)) if "shielded" in troubles else (None, None)
    return Policy(
        rules=tuple(draw(st.lists(rules(), min_size=draw(st.sampled_from([0, 1, 1, 1, 1, 2])), max_size=3))),
        protect=TagSelector.parse(protect) if protect else None,
        exclude=TagSelector.parse(exclude) if exclude else None,
        young=draw(st.sampled_from([timedelta(0), 2 * HOUR, 7 * DAY] if "young" in troubles else [2 * HOUR])),
        delete_unknown_age=draw(st.booleans()),
        delete_empty=draw(st.booleans()),
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Few names, so that rules share one: nothing forbids it."""
    tagged, untagged = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    return Rule(
        name=draw(st.sampled_from(["cleanup.rules[0]", "cleanup.rules[1]"])),
        tags=draw(st.sampled_from([None, *SELECTIONS])),
        tagged=tagged,
        untagged=untagged,
        older_than=draw(st.sampled_from([None, None, timedelta(0), 2 * DAY, 30 * DAY])),
        keep_newest=draw(st.sampled_from([None, None, 0, 1, 2])),
    )


@st.composite
def claims(draw: st.DrawFn, names: list[Tag], digests: list[Digest]) -> Claims:
    some_names = st.sets(st.sampled_from(names), max_size=3) if names else st.just(set[Tag]())
    some_digests = st.sets(st.sampled_from([*digests, digest(MOST_MANIFESTS + 2)]), max_size=1)
    return Claims(
        keep_tags=dict.fromkeys(draw(some_names), reasons(Code.IN_USE)),
        keep_digests=dict.fromkeys(draw(some_digests), reasons(Code.IN_USE)),
        let_go=dict.fromkeys(draw(some_names), reasons(Code.NOT_KEPT)),
    )
