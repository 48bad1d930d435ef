"""Registries that keep the last tagged image of a repository: the plan knows which one that is, and when it goes after all."""

from datetime import timedelta

import pytest
from tests.unit.policy.shelf import UNTAGGED, because, decide, digest, image, policy, repository, rule, signature

from moorage.policy.claims import Claims
from moorage.policy.last_tagged import gone_with_repository, last_tagged

DAY = timedelta(days=1)
OLD_GOES = policy(rule("old*", "sha256-*"))
EVERYTHING_GOES = policy(rule("old*", "sha256-*"), UNTAGGED, delete_empty=True)


def test_the_newest_stays_with_its_tags_and_parts() -> None:
    here = repository(
        {"old-1": "index", "old-2": "index", "old": "older"},
        image("index", "arm", age=2 * DAY), image("arm", age=2 * DAY), image("older", age=3 * DAY), keeps_last_tagged=True,
    )  # fmt: skip
    decision = decide(here, OLD_GOES)
    assert decision.gone == {"old", "@older"}
    assert decision.why("old-1").startswith("last-tagged: ")
    assert decision.why("@arm").startswith("reachable: ")


def test_nothing_is_spared_where_another_tag_stays_or_the_registry_deletes_the_last_one_too() -> None:
    assert decide(repository({"old": "one", "new": "two"}, keeps_last_tagged=True), OLD_GOES).gone == {"old", "@one"}
    assert decide(repository({"old": "one"}), OLD_GOES).gone == {"old", "@one"}


def test_nothing_is_spared_where_everything_goes_and_the_repository_may() -> None:
    here = repository({"old": "one"}, image("two"), keeps_last_tagged=True)
    assert decide(here, EVERYTHING_GOES).gone == {"old", "@one", "@two"}


def test_it_is_spared_where_something_without_a_tag_keeps_the_repository() -> None:
    here = repository({"old": "one"}, image("two"), keeps_last_tagged=True)
    in_use = Claims(keep_digests={digest("two"): because("runs in production")})
    assert decide(here, EVERYTHING_GOES, in_use).kept == {"old", "@one", "@two"}


@pytest.mark.parametrize("newer", ["signature", "referrer"])
def test_an_image_comes_before_what_belongs_to_one(newer: str) -> None:
    named = signature("base") if newer == "signature" else "old-sbom"
    here = repository(
        {"old": "app", named: "sig"},
        image("app", age=3 * DAY), image("sig", subject="" if newer == "signature" else "base", age=DAY), keeps_last_tagged=True,
    )  # fmt: skip
    assert last_tagged(here) == digest("app")


def test_where_nothing_has_a_tag_nothing_is_last() -> None:
    assert last_tagged(repository({}, image("app"), keeps_last_tagged=True)) is None
    assert gone_with_repository(repository({}, image("app"), keeps_last_tagged=True)) == frozenset()


def test_what_cannot_go_before_the_repository_is_the_last_image_with_its_parts_at_any_depth() -> None:
    here = repository(
        {"old": "index", "older": "web"},
        image("index", "inner", "missing"), image("inner", "arm"), image("arm"), image("web", age=999 * DAY),
        keeps_last_tagged=True, missing=frozenset({digest("missing")}),
    )  # fmt: skip
    assert gone_with_repository(here) == {digest(word) for word in ("index", "inner", "arm", "missing")}
