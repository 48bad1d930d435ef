"""What something kept leads to stays with it; what only something deleted leads to goes with it (docs: protection)."""

from datetime import timedelta

import pytest
from tests.unit.policy.shelf import UNTAGGED, because, decide, digest, image, policy, repository, rule, signature

from moorage.oci.reference import Tag
from moorage.policy.claims import Claims

OLD_GOES = policy(rule("old*"))
CANNOT = "this registry only removes whole manifests"


class TestIndexes:
    def test_children_go_with_their_index(self) -> None:
        decision = decide(repository({"old": "index"}, image("index", "arm", "amd"), image("arm"), image("amd")), OLD_GOES)
        assert decision.gone == {"old", "@index", "@arm", "@amd"}
        assert (
            decision.why("@arm") == f"parent-gone: part of old ({digest('index').short}), which goes, and of nothing that stays"
        )

    def test_a_shared_child_stays_with_the_other_index(self) -> None:
        here = repository(
            {"old": "index", "new": "bundle"}, image("index", "arm", "amd"), image("bundle", "arm"), image("arm"), image("amd")
        )
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old", "@index", "@amd"}
        assert decision.why("@arm") == f"reachable: part of new ({digest('bundle').short}), which stays"

    @pytest.mark.parametrize(("tag", "gone"), [("old", {"old", "@index", "@inner", "@arm"}), ("new", set())])
    def test_at_any_depth(self, tag: str, gone: set[str]) -> None:
        here = repository({tag: "index"}, image("index", "inner"), image("inner", "arm"), image("arm"))
        assert decide(here, OLD_GOES).gone == gone

    def test_a_tag_on_a_child_of_something_kept_goes_alone(self) -> None:
        here = repository({"new": "index", "old-arm": "arm"}, image("index", "arm"), image("arm"))
        assert decide(here, OLD_GOES).gone == {"old-arm"}

    def test_and_stays_where_the_registry_cannot_do_that(self) -> None:
        here = repository({"new": "index", "old-arm": "arm"}, image("index", "arm"), image("arm"))
        decision = decide(here, OLD_GOES, cannot_untag=CANNOT)
        assert decision.gone == set()
        assert decision.why("old-arm") == (
            f"cannot-untag: its manifest stays, and {CANNOT}; reachable: part of new ({digest('index').short}), which stays; "
            "rule: cleanup.rules[0]: matches old*"
        )

    def test_a_kept_child_does_not_keep_its_index(self) -> None:
        here = repository({"old": "index", "new-arm": "arm"}, image("index", "arm", "amd"), image("arm"), image("amd"))
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old", "@index", "@amd"}
        assert decision.why("@arm") == "stands-alone: tagged new-arm"

    def test_an_index_without_tags_keeps_its_children_until_a_rule_covers_it(self) -> None:
        here = repository({"old": "arm"}, image("index", "arm"))
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old"}
        assert decision.why("@arm") == f"reachable: part of {digest('index').short}, which stays"
        assert decide(here, policy(rule("old*"), UNTAGGED)).gone == {"old", "@index", "@arm"}

    def test_a_child_without_tags_is_not_covered_by_a_rule_for_manifests_without_tags(self) -> None:
        """Untagged is not unused."""
        here = repository({"new": "index"}, image("index", "arm"), image("arm"), image("old"))
        assert decide(here, policy(UNTAGGED)).gone == {"@old"}

    def test_missing_children_are_no_obstacle(self) -> None:
        here = repository({"old": "app", "new": "index"}, image("index", "arm"), missing=frozenset({digest("arm")}))
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old", "@app"}
        assert decision.notes == (f"registry.example/acme/shop@{digest('arm')} is referred to but not there",)


class TestSeveralTags:
    def test_one_of_several_goes_alone(self) -> None:
        decision = decide(repository({"old": "app", "new": "app"}), OLD_GOES)
        assert decision.gone == {"old"}
        assert decision.why("@app") == "stands-alone: tagged new"

    def test_the_manifest_goes_with_the_last(self) -> None:
        assert decide(repository({"old-1": "app", "old-2": "app"}), OLD_GOES).gone == {"old-1", "old-2", "@app"}

    def test_many_tags_are_summed_up(self) -> None:
        tags = {f"v{number}": "app" for number in range(5)}
        assert decide(repository(tags), OLD_GOES).why("@app") == "stands-alone: tagged v0, v1, v2 and 2 more"


class TestWhatBelongsToAnImage:
    """Signatures, attestations, SBOMs: by `subject`, or by the name of their tag. An image keeps them, never the reverse."""

    @pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
    def test_a_tag_follows_the_image_that_its_name_names(self, suffix: str) -> None:
        tag = signature("app", suffix)
        gone = decide(repository({"old": "app", tag: "sig"}), OLD_GOES)
        kept = decide(repository({"new": "app", tag: "sig"}), policy(rule("*", "!new")))
        assert gone.gone == {"old", tag, "@app", "@sig"}
        assert gone.why(tag) == f"subject-gone: belongs to old ({digest('app').short}), which goes"
        assert gone.why("@sig") == f"subject-gone: belongs to old ({digest('app').short}), which goes"
        assert kept.gone == set()
        assert kept.why(tag) == f"follows: belongs to new ({digest('app').short}), which stays"
        assert kept.why("@sig") == f"follows: belongs to new ({digest('app').short}), which stays"

    def test_a_referrer_goes_with_its_subject(self) -> None:
        here = repository({"old": "app"}, image("sbom", subject="app"), image("sig", subject="sbom"))
        assert decide(here, OLD_GOES).gone == {"old", "@app", "@sbom", "@sig"}

    def test_and_stays_with_it(self) -> None:
        here = repository({"new": "app"}, image("sbom", subject="app"))
        decision = decide(here, policy(UNTAGGED))
        assert decision.gone == set()
        assert decision.why("@sbom") == f"follows: belongs to new ({digest('app').short}), which stays"

    def test_even_where_it_has_a_tag_of_its_own(self) -> None:
        here = repository({"new": "app", "sbom-of-app": "sbom"}, image("sbom", subject="app"))
        assert decide(here, policy(rule("sbom-*"))).gone == set()

    def test_a_referrer_of_a_child_goes_with_the_index(self) -> None:
        here = repository({"old": "index"}, image("index", "arm"), image("arm"), image("sbom", subject="arm"))
        assert decide(here, OLD_GOES).gone == {"old", "@index", "@arm", "@sbom"}

    def test_a_signature_never_keeps_its_image(self) -> None:
        here = repository({"old": "app", signature("app"): "sig"}, image("sig", age=timedelta(0)))
        assert decide(here, OLD_GOES).kept == set()

    def test_unless_someone_protects_the_signature_which_then_stays_alone(self) -> None:
        here = repository({"old": "app", signature("app"): "sig"})
        decision = decide(here, policy(rule("old*"), protect=["sha256-*"]))
        assert decision.gone == {"old", "@app"}
        assert decision.why(signature("app")) == "protected: matches sha256-* under protect"

    def test_what_two_images_share_goes_with_the_last(self) -> None:
        here = repository({"old": "app", "new": "web", signature("app"): "sig", signature("web"): "sig"})
        assert decide(here, OLD_GOES).gone == {"old", "@app", signature("app")}
        assert decide(here, policy(rule("old", "new"))).kept == set()

    def test_a_subject_that_is_not_here_is_followed_by_nobody(self) -> None:
        decision = decide(repository({"old": "sbom", "new": "app"}, image("sbom", subject="gone")), OLD_GOES)
        assert decision.gone == {"old", "@sbom"}

    def test_where_the_name_names_nothing_here_the_subject_counts(self) -> None:
        here = repository({"new": "app", signature("gone"): "sig"}, image("sig", subject="app"))
        assert decide(here, policy(rule("*", "!new"))).gone == set()

    def test_names_that_go_in_circles_let_nothing_go_on_their_own(self) -> None:
        circle = {signature("app"): "web", signature("web"): "app"}
        assert decide(repository(circle), policy(rule("*"))).gone == set()
        assert decide(repository({**circle, "old": "app"}), OLD_GOES).kept == set()

    def test_what_is_part_of_a_circle_stays_with_it(self) -> None:
        circle = {signature("app"): "web", signature("web"): "app"}
        decision = decide(repository(circle, image("app", "arm"), image("arm")), policy(rule("*"), UNTAGGED))
        assert decision.gone == set()
        assert decision.why("@arm") == "not-covered: no rule covers it"

    def test_a_tag_named_after_its_own_manifest_follows_nothing(self) -> None:
        tag = signature("app", "")
        assert decide(repository({tag: "app"}), policy(rule("sha256-*"))).gone == {tag, "@app"}


class TestClaims:
    def test_what_runs_stays_whatever_the_rules_say(self) -> None:
        decision = decide(repository({"old": "app"}), OLD_GOES, Claims(keep_tags={Tag("old"): because("runs in pod web-1")}))
        assert decision.gone == set()
        assert decision.why("old") == "in-use: runs in pod web-1"

    def test_by_digest_it_keeps_every_tag(self) -> None:
        claims = Claims(keep_digests={digest("app"): because("runs in pod web-1")})
        assert decide(repository({"old-1": "app", "old-2": "app"}), OLD_GOES, claims).gone == set()

    def test_and_a_child_without_its_index(self) -> None:
        claims = Claims(keep_digests={digest("arm"): because("runs in pod web-1")})
        here = repository({"old": "index"}, image("index", "arm", "amd"), image("arm"), image("amd"))
        decision = decide(here, OLD_GOES, claims)
        assert decision.kept == {"@arm"}
        assert decision.why("@arm") == "in-use: runs in pod web-1"

    def test_the_signature_of_an_image_in_use_that_the_registry_does_not_list_stays(self) -> None:
        here = repository({signature("app"): "sig", "old": "web"}, lists_untagged=False)
        claims = Claims(keep_digests={digest("app"): because("runs in pod web-1")})
        assert decide(here, policy(rule("*")), claims).kept == {signature("app"), "@sig", "@web"}


class TestLocks:
    """What the registry will not let go of stays, and says so in the registry's words."""

    def test_a_locked_tag(self) -> None:
        decision = decide(repository({"old": "app"}, locked_tags={Tag("old"): "protected tag rule"}), OLD_GOES)
        assert decision.why("old") == "vendor-lock: protected tag rule"

    def test_a_locked_tag_without_a_word(self) -> None:
        decision = decide(repository({"old": "app"}, locked_tags={Tag("old"): ""}), OLD_GOES)
        assert decision.why("old") == "vendor-lock: the registry locks this tag"

    def test_a_locked_manifest_keeps_all_its_tags(self) -> None:
        decision = decide(repository({"old-1": "app", "old-2": "app"}, image("app", locked="held")), OLD_GOES)
        assert decision.gone == set()
        assert decision.why("old-1") == "vendor-lock: held"

    def test_a_locked_child_stays_behind(self) -> None:
        decision = decide(repository({"old": "index"}, image("index", "arm"), image("arm", locked="held")), OLD_GOES)
        assert decision.kept == {"@arm"}
        assert decision.why("@arm") == "vendor-lock: held"

    def test_a_locked_signature_stays_behind(self) -> None:
        decision = decide(repository({"old": "app", signature("app"): "sig"}, image("sig", locked="held")), OLD_GOES)
        assert decision.gone == {"old", "@app"}
        assert decision.why(signature("app")) == "vendor-lock: held"


class TestProtection:
    def test_protected_tags_stay(self) -> None:
        decision = decide(repository({"old": "app"}), policy(rule("*"), protect=["v*", "old"], exclude=["old"]))
        assert decision.why("old") == "protected: matches v*, old under protect; excluded: matches old of --exclude-tags"

    def test_with_all_that_they_reach(self) -> None:
        here = repository({"old": "arm", "v1": "index"}, image("index", "arm"))
        assert decide(here, policy(rule("*"), protect=["v*"])).gone == {"old"}


class TestWhatCouldNotBeRead:
    """It might lead to anything, so no manifest goes; single tags, which lead nowhere, may."""

    MAY_BE_NEEDED = "may-be-needed: something that stays here could not be read, and might need it"

    def test_an_unreadable_manifest(self) -> None:
        here = repository({"old": "app", "new": "index"}, unreadable={digest("index"): "500 Internal Server Error"})
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old"}
        assert decision.why("@app") == self.MAY_BE_NEEDED
        assert decision.why("new") == "unreadable: its manifest cannot be read: 500 Internal Server Error"
        assert decision.why("@index") == "unreadable: cannot be read: 500 Internal Server Error"
        assert decision.notes == (f"registry.example/acme/shop@{digest('index')} cannot be read: 500 Internal Server Error",)

    def test_its_tags_stay(self) -> None:
        decision = decide(repository({"old": "index"}, unreadable={digest("index"): "500"}), OLD_GOES)
        assert decision.why("old") == "unreadable: its manifest cannot be read: 500"

    def test_its_signature_stays(self) -> None:
        here = repository({"new": "index", signature("index"): "sig"}, unreadable={digest("index"): "500"})
        decision = decide(here, policy(rule("*", "!new")))
        assert decision.gone == set()
        assert decision.why("@sig") == f"follows: belongs to new ({digest('index').short}), which stays"

    def test_a_tag_that_did_not_answer(self) -> None:
        decision = decide(repository({"old": "app"}, unresolved={Tag("web"): "503"}), OLD_GOES)
        assert decision.gone == {"old"}
        assert decision.why("@app") == self.MAY_BE_NEEDED
        assert decision.notes == ("registry.example/acme/shop:web cannot be resolved: 503",)

    def test_where_single_tags_cannot_go_nothing_does(self) -> None:
        decision = decide(repository({"old": "app"}, unresolved={Tag("web"): "503"}), OLD_GOES, cannot_untag=CANNOT)
        assert decision.gone == set()

    def test_a_tag_that_points_at_nothing_is_no_obstacle(self) -> None:
        decision = decide(repository({"old": "app"}, dangling={Tag("web"): "404"}), OLD_GOES)
        assert decision.gone == {"old", "@app"}
        assert decision.notes == ("registry.example/acme/shop:web is listed but not there: 404",)


class TestWhatWasNeverLookedAt:
    """A digest that something kept needs, and of which the registry said neither what it is nor that it is not there."""

    def test_a_child(self) -> None:
        here = repository({"new": "index", "old": "app"}, image("index", "inner"), lists_untagged=False)
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old"}
        assert decision.why("@app") == TestWhatCouldNotBeRead.MAY_BE_NEEDED
        assert decision.notes == (
            f"registry.example/acme/shop@{digest('inner')} is needed here, and it is not known what it leads to",
        )

    def test_an_image_in_use(self) -> None:
        claims = Claims(keep_digests={digest("index"): because("runs in pod web-1")})
        here = repository({"old": "app"}, lists_untagged=False)
        assert decide(here, OLD_GOES, claims).gone == {"old"}

    def test_a_registry_that_lists_everything_would_have_listed_it(self) -> None:
        here = repository({"new": "index", "old": "app"}, image("index", "inner"))
        assert decide(here, OLD_GOES).gone == {"old", "@app"}

    def test_but_not_where_a_tag_says_that_it_is_there(self) -> None:
        here = repository({"old-index": "index", "old": "app"}, unlisted=[digest("index")])
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old"}
        assert decision.why("old-index") == "unreadable: its manifest was not read"

    def test_what_only_something_deleted_needs_does_not_matter(self) -> None:
        here = repository({"old": "index"}, image("index", "inner"), lists_untagged=False)
        assert decide(here, OLD_GOES).gone == {"old", "@index"}
