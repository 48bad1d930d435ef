"""Tag lists: globs, /regular expressions/ matched in full, ! for what is excluded (docs: patterns)."""

import pytest

from moorage.policy.patterns import TagPattern, TagSelector, regular_expression


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("v1", ["v1"], ["v10", "xv1", "V1"]),
        ("v*", ["v", "v1", "v1.2-rc"], ["xv"]),
        ("v?", ["v1"], ["v", "v10"]),
        ("v[0-9]", ["v1"], ["va"]),
        ("[!v]*", ["a", "1v"], ["v1", ""]),
        ("[^v]*", ["a", "1v"], ["v1", ""]),
        ("pr-[!0]?", ["pr-12"], ["pr-02"]),
        ("v1.2", ["v1.2"], ["v1x2"]),
        ("/v[0-9]+/", ["v1", "v10"], ["v", "xv1", "v1x"]),
        ("/a|b/", ["a", "b"], ["ab", "ax", "xb"]),
        ("/^v1$/", ["v1"], ["v1\n", "xv1"]),
        ("/(?i)latest/", ["latest", "LATEST"], ["latest-1"]),
        (r"/\d+/", ["10"], ["٣"]),
        ("/a{1000}/", ["a" * 1000], ["a"]),
    ],
)
def test_patterns_match_whole_tags(pattern: str, matching: list[str], other: list[str]) -> None:
    found = TagPattern(pattern)
    assert [tag for tag in matching if not found.matches(tag)] == []
    assert [tag for tag in other if found.matches(tag)] == []


@pytest.mark.parametrize("pattern", ["", "/", "//"])
def test_an_empty_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="an empty pattern matches nothing; leave it out"):
        TagPattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("v1, v2", "'v1, v2' matches no tag, since no tag holds ' ' or ',' (one glob each, for tags alone)"),
        ("shop:latest", "'shop:latest' matches no tag, since no tag holds ':' (one glob each, for tags alone)"),
        ("{a,b}", "'{a,b}' matches no tag, since no tag holds ',' or '{' or '}' (one glob each, for tags alone)"),
        ("a[b", "'a[b' matches no tag, since no tag holds '[' (one glob each, for tags alone)"),
        ("ü*", r"'\xfc*' matches no tag, since no tag holds '\xfc' (one glob each, for tags alone)"),
        ("\udcff", r"'\udcff' matches no tag, since no tag holds '\udcff' (one glob each, for tags alone)"),
        (
            "tags/v*",
            "'tags/v*' matches no tag, since no tag holds '/' (a regular expression stands between two slashes, /like this/)",
        ),
        ("/v1", "'/v1' matches no tag, since no tag holds '/' (a regular expression stands between two slashes, /like this/)"),
    ],
)
def test_a_glob_that_no_tag_can_match_is_refused(pattern: str, problem: str) -> None:
    """It would protect nothing, and nobody would notice until the image is gone."""
    with pytest.raises(ValueError, match="matches no tag") as error:
        TagPattern(pattern)
    assert str(error.value) == problem


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("/(?=v)/", "bad regular expression /(?=v)/: invalid perl operator: (?= (RE2: no look-around, no back-references)"),
        (r"/(a)\1/", r"bad regular expression /(a)\1/: invalid escape sequence: \1 (RE2: no look-around, no back-references)"),
        ("/[/", "bad regular expression /[/: missing ]: [ (RE2: no look-around, no back-references)"),
        ("/\udcff/", r"bad regular expression '\udcff': it is not UTF-8"),
    ],
)
def test_a_bad_regular_expression_is_explained(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match="bad regular expression") as error:
        TagPattern(pattern)
    assert str(error.value) == problem


def test_regular_expressions_run_in_linear_time() -> None:
    """What takes other engines longer than the universe will last."""
    assert regular_expression("(a*)*(a*)*(a*)*b").fullmatch("a" * 5000) is None
    assert not TagPattern("*a" * 30 + "b").matches("a" * 128)


class TestSelector:
    def test_what_is_included_and_not_excluded_is_selected(self) -> None:
        selector = TagSelector.parse(["pr-*", "/sha-[0-9a-f]{7}/", "!pr-keep-*"])
        assert [tag for tag in ("pr-1", "sha-0a1b2c3", "pr-keep-1", "v1") if selector.selects(tag)] == ["pr-1", "sha-0a1b2c3"]
        assert str(selector) == "pr-*, /sha-[0-9a-f]{7}/, !pr-keep-*"

    def test_the_order_does_not_matter(self) -> None:
        assert not TagSelector.parse(["!v1", "v*"]).selects("v1")

    def test_a_list_that_only_excludes_selects_the_rest(self) -> None:
        selector = TagSelector.parse(["!keep-*"])
        assert selector.selects("v1")
        assert not selector.selects("keep-1")

    def test_an_empty_list_selects_everything(self) -> None:
        assert TagSelector().selects("v1")
        assert TagSelector().selects_everything()

    def test_the_first_bad_pattern_is_named(self) -> None:
        with pytest.raises(ValueError, match="an empty pattern"):
            TagSelector.parse(["v1", "!", "/[/"])
        with pytest.raises(ValueError, match="'!v1' matches no tag"):
            TagSelector.parse(["!!v1"])

    @pytest.mark.parametrize("texts", [["*"], ["?*"], ["v1", "*"], ["/.*/"], ["/.+/"], ["[a-z]*", "[!a-z]*"]])
    def test_what_tells_no_tag_from_another_selects_everything(self, texts: list[str]) -> None:
        assert TagSelector.parse(texts).selects_everything()

    @pytest.mark.parametrize("texts", [["v*"], ["*", "!v1"], ["!v1"], ["[a-z]*"], ["/[^v].*/"], ["*.*"], ["??*"]])
    def test_what_leaves_something_out_does_not(self, texts: list[str]) -> None:
        assert not TagSelector.parse(texts).selects_everything()

    def test_equal_lists_are_equal(self) -> None:
        assert TagSelector.parse(["v*", "/a/"]) == TagSelector.parse(["v*", "/a/"])
        assert len({TagSelector.parse(["v*", "/a/"]), TagSelector.parse(["v*", "/a/"])}) == 1
