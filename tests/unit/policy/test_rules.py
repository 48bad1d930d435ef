"""What rules let go of: age, number, and both (docs: rules)."""

from datetime import timedelta

import pytest
from tests.unit.policy.shelf import NOW, UNTAGGED, because, decide, image, policy, repository, rule, signature

from moorage.oci.reference import Tag
from moorage.policy.claims import Claims
from moorage.policy.patterns import TagSelector
from moorage.policy.reason import Code
from moorage.policy.rules import Policy, Rule

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FORTNIGHT = 14 * DAY
THREE = (image("one", age=10 * DAY), image("two", age=20 * DAY), image("three", age=30 * DAY))
TAGS = {"v1": "one", "v2": "two", "v3": "three"}


def test_without_rules_everything_stays() -> None:
    decision = decide(repository(TAGS, image("old")), Policy())
    assert decision.gone == set()
    assert decision.why("v1") == "not-covered: no rule covers this tag"
    assert decision.why("@old") == "not-covered: no rule covers manifests without tags"
    assert decision.why("@one") == "stands-alone: tagged v1"


def test_a_rule_acts_on_the_tags_that_it_covers() -> None:
    decision = decide(repository({"pr-1": "one", "v1": "two"}), policy(rule("pr-*")))
    assert decision.gone == {"pr-1", "@one"}
    assert decision.why("pr-1") == "rule: cleanup.rules[0]: matches pr-*"
    assert decision.why("@one") == "last-tag-gone: the last of its tags goes"


def test_a_rule_for_tags_leaves_manifests_without_tags_alone_and_the_reverse() -> None:
    here = repository({"v1": "one", "v2": "two"}, image("old"))
    assert decide(here, policy(rule("*"))).kept == {"@old"}
    assert decide(here, policy(UNTAGGED)).gone == {"@old"}


class TestAge:
    def test_only_what_is_older_goes(self) -> None:
        decision = decide(repository(TAGS, *THREE), policy(rule("v*", older_than=FORTNIGHT)))
        assert decision.gone == {"v2", "v3", "@two", "@three"}
        assert decision.why("v1") == "not-old-enough: 1w 3d old, cleanup.rules[0] lets go after 2w"
        assert decision.why("v2") == "rule: cleanup.rules[0]: matches v*, 2w 6d old, more than 2w"

    def test_exactly_as_old_is_not_older(self) -> None:
        assert (
            decide(repository({"v1": "one"}, image("one", age=FORTNIGHT)), policy(rule("v1", older_than=FORTNIGHT))).gone == set()
        )

    def test_a_later_date_of_the_tag_counts(self) -> None:
        """A tag that was moved to an old image today is new, where the registry says when it was moved."""
        here = repository({"v1": "one", "v2": "one"}, tag_dates={Tag("v1"): NOW - DAY})
        decision = decide(here, policy(rule("v*", older_than=FORTNIGHT)))
        assert decision.gone == {"v2"}

    def test_unknown_age_is_never_old(self) -> None:
        decision = decide(
            repository({"v1": "one"}, image("one", age=None)), policy(rule("v1", older_than=DAY), delete_unknown_age=True)
        )
        assert decision.why("v1") == "unknown-age: nothing says how old it is, and cleanup.rules[0] asks for 1d"

    def test_unknown_age_stays_without_an_age_too(self) -> None:
        decision = decide(repository({"v1": "one"}, image("one", age=None)), policy(rule("v1")))
        assert decision.why("v1") == "unknown-age: nothing says how old it is, so it is never old enough"

    def test_unless_that_is_explicitly_wanted(self) -> None:
        decision = decide(repository({"v1": "one"}, image("one", age=None)), policy(rule("v1"), delete_unknown_age=True))
        assert decision.gone == {"v1", "@one"}


class TestGrace:
    """Images that were pushed a moment ago may still be on their way somewhere."""

    def test_too_young_stays_whatever_a_rule_says(self) -> None:
        decision = decide(repository({"v1": "one"}, image("one", age=90 * timedelta(minutes=1))), policy(rule("v1")))
        assert decision.why("v1") == "too-young: 1h 30m old, the grace for new images is 2h"

    def test_the_grace_ends(self) -> None:
        assert decide(repository({"v1": "one"}, image("one", age=2 * HOUR)), policy(rule("v1"))).gone == {"v1", "@one"}

    def test_the_grace_can_be_switched_off(self) -> None:
        here = repository({"v1": "one"}, image("one", age=timedelta(0)))
        assert decide(here, policy(rule("v1"), young=timedelta(0))).gone == {"v1", "@one"}

    @pytest.mark.parametrize("young", [timedelta(0), 2 * HOUR])
    def test_a_date_in_the_future_is_young(self, young: timedelta) -> None:
        decision = decide(repository({"v1": "one"}, image("one", age=-400 * DAY)), policy(rule("v1"), young=young))
        assert decision.why("v1") == "too-young: dated in the future, so it counts as new"

    def test_it_holds_for_manifests_without_tags(self) -> None:
        decision = decide(repository({}, image("new", age=HOUR)), policy(UNTAGGED))
        assert decision.why("@new") == "too-young: 1h old, the grace for new images is 2h"

    def test_and_for_what_the_keep_policies_let_go_of(self) -> None:
        here = repository({"v1": "new"}, image("new", age=HOUR))
        assert decide(here, policy(), Claims(let_go={Tag("v1"): because("", Code.NOT_KEPT)})).gone == set()


class TestNewest:
    def test_the_newest_stay(self) -> None:
        decision = decide(repository(TAGS, *THREE), policy(rule(keep_newest=2)))
        assert decision.gone == {"v3", "@three"}
        assert decision.why("v2") == "among-newest: number 2 of the newest 2 that cleanup.rules[0] keeps"
        assert decision.why("v3") == "rule: cleanup.rules[0]: not among the newest 2"

    def test_images_are_counted_not_tags(self) -> None:
        decision = decide(repository({**TAGS, "latest": "one", "stable": "one"}, *THREE), policy(rule(keep_newest=2)))
        assert decision.gone == {"v3", "@three"}

    def test_only_among_the_tags_that_the_rule_covers(self) -> None:
        here = repository({"pr-1": "old", "v1": "one"}, image("old", age=90 * DAY), image("one", age=10 * DAY))
        assert decide(here, policy(rule("pr-*", keep_newest=1))).gone == set()

    def test_what_is_protected_takes_no_place(self) -> None:
        decision = decide(repository(TAGS, *THREE), policy(rule(keep_newest=1), protect=["v1"]))
        assert decision.gone == {"v3", "@three"}

    def test_nor_does_what_the_keep_policies_rule(self) -> None:
        claims = Claims(let_go={Tag("v1"): because("branch gone", Code.NOT_KEPT)})
        decision = decide(repository(TAGS, *THREE), policy(rule(keep_newest=1)), claims)
        assert decision.gone == {"v1", "@one", "v3", "@three"}

    def test_nor_do_signatures_with_or_without_their_image(self) -> None:
        new = {signature("one"): "sig", signature("gone"): "sbom", "v3": "three", "v1": "one"}
        decision = decide(repository(new, *THREE, image("sig", age=DAY), image("sbom", age=DAY)), policy(rule(keep_newest=2)))
        assert decision.gone == set()
        lost = "is not here; it is no image that cleanup.rules[0] could count"
        assert decision.why(signature("gone")).endswith(lost)

    def test_a_signature_without_its_image_goes_by_age(self) -> None:
        decision = decide(repository({signature("gone"): "sbom", "v1": "one"}), policy(rule(older_than=DAY, keep_newest=1)))
        assert decision.gone == {signature("gone"), "@sbom"}

    def test_equal_dates_are_ranked_the_same_every_time(self) -> None:
        tags = {"a": "one", "b": "two", "c": "three"}
        first = decide(repository(tags), policy(rule(keep_newest=1)))
        again = decide(repository(dict(reversed(tags.items()))), policy(rule(keep_newest=1)))
        assert first.gone == again.gone
        assert len(first.gone) == 4

    def test_what_has_no_date_cannot_be_ranked_and_stays(self) -> None:
        decision = decide(repository(TAGS, *THREE[1:], image("one", age=None)), policy(rule(keep_newest=1)))
        assert decision.gone == {"v3", "@three"}
        assert decision.why("v1") == "unknown-age: nothing says how old it is, so cleanup.rules[0] cannot rank it"

    def test_zero_keeps_none(self) -> None:
        assert decide(repository(TAGS, *THREE), policy(rule("v*", keep_newest=0))).kept == set()

    def test_age_and_number_must_both_let_go(self) -> None:
        decision = decide(repository(TAGS, *THREE), policy(rule("v*", older_than=15 * DAY, keep_newest=2)))
        assert decision.gone == {"v3", "@three"}
        assert decision.why("v3") == "rule: cleanup.rules[0]: matches v*, 4w 2d old, more than 2w 1d, not among the newest 2"

    def test_manifests_without_tags_are_counted_apart(self) -> None:
        untagged = Rule("--keep-n-untagged", tagged=False, untagged=True, keep_newest=1)
        decision = decide(repository({"v1": "one"}, image("new", age=DAY), image("old")), policy(untagged))
        assert decision.gone == {"@old"}
        assert decision.why("@old") == "rule: --keep-n-untagged: has no tag, not among the newest 1"

    def test_locked_manifests_without_tags_take_no_place(self) -> None:
        untagged = Rule("--keep-n-untagged", tagged=False, untagged=True, keep_newest=1)
        decision = decide(repository({}, image("new", age=DAY, locked="held"), image("old")), policy(untagged))
        assert decision.gone == set()
        assert decision.why("@new") == "vendor-lock: held"


class TestSeveralRules:
    def test_one_that_lets_go_is_enough(self) -> None:
        both = (rule("v*", older_than=25 * DAY), rule("v2", name="cleanup.rules[1]"))
        assert decide(repository(TAGS, *THREE), policy(*both)).gone == {"v2", "@two", "v3", "@three"}

    def test_each_that_keeps_says_why(self) -> None:
        both = (rule("v*", older_than=90 * DAY), rule("v1", name="cleanup.rules[1]", keep_newest=1))
        assert decide(repository(TAGS, *THREE), policy(*both)).why("v1") == (
            "not-old-enough: 1w 3d old, cleanup.rules[0] lets go after 12w 6d; "
            "among-newest: number 1 of the newest 1 that cleanup.rules[1] keeps"
        )

    def test_rules_of_one_name_do_not_share_their_ranking(self) -> None:
        both = (rule("v*", keep_newest=3), rule("v*", older_than=90 * DAY))
        assert decide(repository(TAGS, *THREE), policy(*both)).gone == set()


class TestLastImage:
    """Rules that name no tags never empty a repository."""

    def test_the_newest_image_stays(self) -> None:
        decision = decide(repository({**TAGS, "latest": "one"}, *THREE), policy(rule(older_than=DAY)))
        assert decision.kept == {"v1", "latest", "@one"}
        assert decision.why("v1") == "last-tag: the newest image of a repository stays when no rule names its tags"

    def test_a_rule_that_names_tags_may_take_the_last(self) -> None:
        assert decide(repository(TAGS, *THREE), policy(rule("*", older_than=DAY))).kept == set()

    def test_but_not_by_what_it_names_elsewhere(self) -> None:
        both = (rule("v1"), rule(name="--older-than", older_than=DAY))
        assert decide(repository(TAGS, *THREE), policy(*both)).kept == {"v2", "@two"}

    def test_the_keep_policies_may_take_the_last(self) -> None:
        claims = Claims(let_go={Tag("v1"): because("branch gone", Code.NOT_KEPT)})
        assert decide(repository({"v1": "one"}), policy(rule(older_than=DAY)), claims).kept == set()

    def test_one_that_stays_anyway_is_enough(self) -> None:
        assert decide(repository(TAGS, *THREE), policy(rule(older_than=DAY), protect=["v3"])).kept == {"v3", "@three"}

    def test_a_signature_is_no_image(self) -> None:
        here = repository({signature("gone"): "sig", "v1": "one"}, image("sig", age=HOUR))
        assert "v1" in decide(here, policy(rule(older_than=DAY))).kept

    def test_without_a_date_any_one_stays(self) -> None:
        here = repository({"v1": "one", "v2": "two"}, image("one", age=None), image("two", age=None))
        assert len(decide(here, policy(rule(), delete_unknown_age=True)).kept) == 2


class TestBoundless:
    """What needs an explicit word: a rule that lets go of every tag, whatever its age and number."""

    @pytest.mark.parametrize(
        "unbounded",
        [rule(), rule("*"), rule("?*"), rule("/.*/"), rule("v*", "*"), rule("[a-z]*", "[!a-z]*")],
        ids=lambda r: str(r.tags),
    )
    def test_boundless(self, unbounded: Rule) -> None:
        assert unbounded.is_boundless

    @pytest.mark.parametrize(
        "bounded",
        [rule("v*"), rule("*", "!latest"), rule(older_than=DAY), rule(keep_newest=5), UNTAGGED],
        ids=lambda r: str(r.tags),
    )
    def test_bounded(self, bounded: Rule) -> None:
        assert not bounded.is_boundless

    def test_a_rule_names_tags_where_it_includes_some(self) -> None:
        assert rule("v*").names_tags
        assert not rule("!v*").names_tags
        assert not UNTAGGED.names_tags
        assert not Rule("r", TagSelector.parse(["v*"]), tagged=False, untagged=True).names_tags

    def test_a_policy_knows_whether_it_wants_manifests_without_tags(self) -> None:
        assert policy(UNTAGGED).wants_untagged
        assert not policy(rule()).wants_untagged
