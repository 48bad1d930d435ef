"""Where a registry deletes parts and signatures along with an image, nothing goes that would take along what stays."""

from tests.unit.policy.shelf import because, decide, digest, image, policy, repository, rule

from moorage.policy.claims import Claims

OLD_GOES = policy(rule("old*"), protect=["keep*"])
IN_USE = because("runs in production")


def using(word: str) -> Claims:
    return Claims(keep_digests={digest(word): IN_USE})


class TestParts:
    def test_an_index_stays_while_a_part_without_tag_is_in_use(self) -> None:
        here = repository(
            {"old": "index", "new": "web"}, image("index", "arm", "amd"), image("arm"), image("amd"), takes_along=True
        )
        decision = decide(here, OLD_GOES, using("arm"))
        assert decision.gone == {"old"}
        assert decision.why("@index") == f"takes-along: this registry would delete {digest('arm').short} with it, which stays"
        assert decision.why("@amd").startswith("reachable: part of")

    def test_an_index_goes_where_the_part_has_a_tag_that_stays(self) -> None:
        here = repository({"old": "index", "keep-arm": "arm"}, image("index", "arm"), image("arm"), takes_along=True)
        assert decide(here, OLD_GOES).gone == {"old", "@index"}

    def test_an_index_goes_where_another_one_that_stays_holds_the_part(self) -> None:
        here = repository(
            {"old": "index", "new": "bundle"}, image("index", "arm"), image("bundle", "arm"), image("arm"), takes_along=True
        )
        assert decide(here, OLD_GOES, using("arm")).gone == {"old", "@index"}

    def test_whatever_leads_there_stays_at_any_depth(self) -> None:
        here = repository(
            {"old": "index", "new": "web"}, image("index", "inner"), image("inner", "arm"), image("arm"), takes_along=True
        )
        decision = decide(here, OLD_GOES, using("arm"))
        assert decision.gone == {"old"}
        assert decision.why("@inner").startswith("takes-along") or decision.why("@inner").startswith("reachable")

    def test_other_registries_delete_what_they_are_told_to(self) -> None:
        here = repository({"old": "index", "new": "web"}, image("index", "arm", "amd"), image("arm"), image("amd"))
        assert decide(here, OLD_GOES, using("arm")).gone == {"old", "@index", "@amd"}


class TestWhatBelongsToAnImage:
    def test_an_image_stays_while_its_sbom_has_a_tag_that_stays(self) -> None:
        here = repository({"old": "app", "keep-sbom": "sbom", "new": "web"}, image("sbom", subject="app"), takes_along=True)
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old"}
        assert "keep-sbom" in decision.why("@app")

    def test_an_image_goes_with_what_belongs_to_it(self) -> None:
        here = repository({"old": "app", "new": "web"}, image("sbom", subject="app"), takes_along=True)
        assert decide(here, OLD_GOES).gone == {"old", "@app", "@sbom"}


class TestWhatLivesByItsTags:
    """A manifest goes with its last tag, and takes along the parts that nothing else holds; what belongs to it stays."""

    def test_an_index_keeps_its_tags_while_a_part_is_in_use(self) -> None:
        here = repository(
            {"old": "index", "old-too": "index", "new": "web"}, image("index", "arm"), image("arm"), lives_by_tags=True
        )
        decision = decide(here, OLD_GOES, using("arm"))
        assert decision.gone == set()
        assert decision.why("old").startswith(f"takes-along: this registry would delete {digest('arm').short} with it")

    def test_an_index_goes_where_its_parts_are_held_by_others(self) -> None:
        here = repository(
            {"old": "index", "new": "bundle"}, image("index", "arm"), image("bundle", "arm"), image("arm"), lives_by_tags=True
        )
        assert decide(here, OLD_GOES, using("arm")).gone == {"old", "@index"}

    def test_a_part_gives_up_its_tags_while_its_index_has_some(self) -> None:
        here = repository({"old": "arm", "new": "index"}, image("index", "arm"), image("arm"), lives_by_tags=True)
        assert decide(here, OLD_GOES).gone == {"old"}

    def test_an_image_goes_though_its_sbom_has_a_tag_that_stays(self) -> None:
        here = repository({"old": "app", "keep-sbom": "sbom", "new": "web"}, image("sbom", subject="app"), lives_by_tags=True)
        assert decide(here, OLD_GOES).gone == {"old", "@app"}

    def test_where_something_cannot_be_read_the_last_tag_stays_too(self) -> None:
        here = repository(
            {"old": "app", "old-both": "both", "keep-both": "both", "keep": "broken"},
            lives_by_tags=True,
            unreadable={digest("broken"): "no JSON"},
        )
        decision = decide(here, OLD_GOES)
        assert decision.gone == {"old-both"}
        assert decision.why("old").startswith("may-be-needed")
