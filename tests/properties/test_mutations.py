"""The properties bite: with any one rule of protection taken out of the planner, the second opinion finds fault with its plans.

Each case is a small repository that needs one rule in particular. The whole planner makes no fault in any of them; a crippled one
makes at least one in the case that is named beside it, and one in random worlds too.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, find, settings
from tests.properties.graphs import NOW, REPOSITORY, World, digest, reasons, worlds
from tests.properties.oracle import faults

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Tag
from moorage.policy.claims import Claims
from moorage.policy.graph import Graph, Step
from moorage.policy.patterns import TagSelector
from moorage.policy.planner import Fates, Planner
from moorage.policy.reason import Code
from moorage.policy.rules import Policy, Rule
from moorage.policy.selection import Selection, Selector, Subject, Verdict

A, B, C = (digest(number) for number in range(3))
ALL_BUT_KEEP = Policy(rules=(Rule("cleanup.rules[0]", TagSelector.parse(["*", "!keep*"])),))


def manifest(found: Digest, *children: Digest, subject: Digest | None = None, locked: str = "", days: float = 100) -> Stored:
    return Stored(found, children=children, subject=subject, date=NOW - timedelta(days=days), dated=True, locked=locked)


def world(
    tags: dict[str, Digest], *manifests: Stored, policy: Policy = ALL_BUT_KEEP, claims: Claims | None = None, **rest: Any
) -> World:
    names = {Tag(name): found for name, found in tags.items()}
    stored = {one.digest: one for one in manifests}
    return World(Inventory(REPOSITORY, names, stored, **{"lists_untagged": True, **rest}), policy, claims or Claims())


def signature(target: Digest) -> str:
    return f"sha256-{target.hex}.sig"


CASES = {
    "a child with a tag of its own": world({"keep": A, "old": B}, manifest(A, B), manifest(B)),
    "an index in an index": world({"keep": A, "old": C}, manifest(A, B), manifest(B, C), manifest(C)),
    "a referrer that is part of something old": world({"keep": A, "old": C}, manifest(A), manifest(B, subject=A), manifest(C, B)),
    "a signature that is part of something old": world(
        {"keep": A, signature(A): B, "old": C}, manifest(A), manifest(B), manifest(C, B)
    ),
    "a signature's tag": world({"keep": A, signature(A): B}, manifest(A), manifest(B)),
    "an image under two names": world({"keep": A, "old": A}, manifest(A)),
    "a kept child of something old": world({"old": A, "keep": B}, manifest(A, B), manifest(B)),
    "a child that runs somewhere": world(
        {"old": A}, manifest(A, B), manifest(B), claims=Claims(keep_digests={B: reasons(Code.IN_USE)})
    ),
    "a locked child": world({"old": A}, manifest(A, B), manifest(B, locked="held for audit")),
    "an index without a tag that no rule covers": world({"old": B}, manifest(A, B), manifest(B)),
    "an unreadable manifest": world({"keep": A, "old": B}, manifest(B), unreadable={A: "500"}),
    "a tag that did not answer": world({"old": B}, manifest(B), unresolved={Tag("keep"): "503"}),
    "an index that was not looked at": world(
        {"old": B}, manifest(B), claims=Claims(keep_digests={A: reasons(Code.IN_USE)}), lists_untagged=False
    ),
    "a protected tag": world({"old": A}, manifest(A), policy=replace(ALL_BUT_KEEP, protect=TagSelector.parse(["old"]))),
    "a young image": world({"old": A}, manifest(A, days=0)),
    "the newest of two": world(
        {"old": A, "older": B},
        manifest(A),
        manifest(B, days=200),
        policy=Policy((Rule("cleanup.rules[0]", TagSelector.parse(["old*"]), keep_newest=1),)),
    ),
    "the only image": world({"old": A}, manifest(A), policy=Policy((Rule("r", older_than=timedelta(days=1)),))),
}

Patch = Callable[[pytest.MonkeyPatch], None]


def without_edges(kind: str) -> Patch:
    whole = Graph.of

    def crippled(inventory: Inventory) -> Graph:
        return replace(whole(inventory), **{kind: {}})

    return lambda patch: patch.setattr(Graph, "of", crippled)


def one_step_deep(patch: pytest.MonkeyPatch) -> None:
    def crippled(
        graph: Graph, roots: Iterable[Digest], enters: Callable[[Digest], bool] = lambda _: True
    ) -> dict[Digest, Step | None]:
        found: dict[Digest, Step | None] = {root: None for root in roots if enters(root)}
        steps = {target: Step(root, edge) for root in found for target, edge in graph.leads_to(root) if enters(target)}
        return {**steps, **found}

    patch.setattr(Graph, "reach", crippled)


def anchored(spares: Callable[[Planner, Selection, Digest], bool]) -> Patch:
    """Let go of some of what stands on its own."""
    whole = Planner._anchored

    def crippled(planner: Planner, selection: Selection) -> set[Digest]:
        return {found for found in whole(planner, selection) if not spares(planner, selection, found)}

    return lambda patch: patch.setattr(Planner, "_anchored", crippled)


def one_tag_is_enough(planner: Planner, selection: Selection, found: Digest) -> bool:
    return any(tag in selection.tags and selection.tags[tag].goes for tag in planner.tags_of.get(found, ()))


def sighted(patch: pytest.MonkeyPatch) -> None:
    whole = Planner._fates

    def crippled(planner: Planner, selection: Selection) -> Fates:
        fates = whole(planner, selection)
        return replace(fates, deleted={**fates.deleted, **dict.fromkeys(fates.pinned)})

    patch.setattr(Planner, "_fates", crippled)


def only_what_is_anchored_holds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Planner, "_present", lambda _: set())
    patch.setattr(Selector, "_untagged", lambda _: {})


def always(verdict: Callable[[Selector, Subject, Verdict], Verdict]) -> Patch:
    return lambda patch: patch.setattr(Selector, "_in_time", verdict)


MUTANTS: dict[str, tuple[str, Patch]] = {
    "no edges to children": ("a child with a tag of its own", without_edges("children")),
    "no edges to referrers": ("a referrer that is part of something old", without_edges("referrers")),
    "no edges to followers": ("a signature that is part of something old", without_edges("followers")),
    "edges are followed one step": ("an index in an index", one_step_deep),
    "nothing stands on its own": ("a kept child of something old", anchored(lambda *_: True)),
    "the last tag need not be gone": ("an image under two names", anchored(one_tag_is_enough)),
    "use does not hold": (
        "a child that runs somewhere",
        anchored(lambda planner, _, found: found in planner.claims.keep_digests),
    ),
    "locks do not hold": (
        "a locked child",
        anchored(
            lambda planner, _, found: found in planner.inventory.manifests and bool(planner.inventory.manifests[found].locked)
        ),
    ),
    "only tags hold": ("an index without a tag that no rule covers", only_what_is_anchored_holds),
    "the unreadable is ignored": ("an unreadable manifest", sighted),
    "the unresolved is ignored": ("a tag that did not answer", sighted),
    "the unseen is ignored": (
        "an index that was not looked at",
        lambda patch: patch.setattr(Planner, "_unseen", lambda *_: frozenset()),
    ),
    "signatures are images": ("a signature's tag", lambda patch: patch.setattr(Selector, "_followers", lambda _: {})),
    "protection is ignored": ("a protected tag", lambda patch: patch.setattr(Selector, "_firm", lambda *_: ())),
    "youth is ignored": ("a young image", always(lambda _, __, verdict: verdict)),
    "the newest are not kept": ("the newest of two", lambda patch: patch.setattr(Selector, "_places", lambda *_: {})),
    "the last image goes": (
        "the only image",
        lambda patch: patch.setattr(Selector, "_spare_last_image", lambda _, verdicts, __: verdicts),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_whole_planner_is_right(case: str) -> None:
    assert faults(CASES[case], CASES[case].plan()) == []


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_crippled_planner_is_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case, cripple = MUTANTS[mutant]
    cripple(monkeypatch)
    assert faults(CASES[case], CASES[case].plan()) != []


@pytest.mark.parametrize("mutant", MUTANTS)
def test_random_worlds_find_it_out_too(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[mutant][1](monkeypatch)
    tries = settings(max_examples=2000, derandomize=True, database=None, phases=[Phase.generate])
    find(worlds(), lambda found: faults(found, found.plan()) != [], settings=tries)  # raises where there is none
