"""Tag patterns against a second reading of globs, and against Python's own regular expressions where the two dialects agree."""

import re

from hypothesis import given
from hypothesis import strategies as st

from moorage.policy.patterns import TagPattern, TagSelector

LETTERS = "ab1_.-"
tags = st.text(LETTERS, min_size=1, max_size=8)
globs = st.lists(
    st.one_of(
        st.sampled_from([*LETTERS, "*", "?"]),
        st.tuples(st.sampled_from(["", "!", "^"]), st.text("ab1_.", min_size=1, max_size=3)).map(
            lambda parts: f"[{parts[0]}{parts[1]}]"
        ),
    ),
    min_size=1,
    max_size=6,
)
regexes = st.recursive(
    st.sampled_from([r"a", r"b", r"[ab]", r"[^a]", r"\d", r"\w", r"\.", r"."]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}"])).map(lambda parts: f"(?:{parts[0]}){parts[1]}"),
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
    ),
    max_leaves=6,
)


def globbed(tokens: list[str], tag: str) -> bool:
    """Whether a glob, token by token, matches a tag, by its definition."""
    if not tokens:
        return not tag
    first, *rest = tokens
    if first == "*":
        return any(globbed(rest, tag[taken:]) for taken in range(len(tag) + 1))
    if not tag:
        return False
    if first.startswith("["):
        negated, members = first[1] in "!^", first.strip("[]!^")
        return (tag[0] in members) != negated and globbed(rest, tag[1:])
    return first in ("?", tag[0]) and globbed(rest, tag[1:])


@given(globs, tags)
def test_globs_match_as_defined(tokens: list[str], tag: str) -> None:
    assert TagPattern("".join(tokens)).matches(tag) == globbed(tokens, tag)


@given(regexes, tags)
def test_regular_expressions_match_in_full(regex: str, tag: str) -> None:
    assert TagPattern(f"/{regex}/").matches(tag) == (re.fullmatch(regex, tag, re.ASCII) is not None)


@given(st.one_of(st.text(max_size=8), st.text("ab*?[]!^-/.1|\\(){}+", max_size=8)), tags)
def test_any_text_is_a_pattern_or_says_why_not(text: str, tag: str) -> None:
    """ValueError with a sentence, and nothing else, whatever the text."""
    try:
        pattern = TagPattern(text)
    except ValueError as error:
        problem = str(error)
    else:
        problem = "none, so matches" if pattern.matches(tag) in (True, False) else ""
    assert "matches" in problem or "bad regular expression" in problem


@given(st.text(LETTERS, min_size=1, max_size=8))
def test_a_tag_matches_itself_alone(tag: str) -> None:
    assert TagPattern(tag).matches(tag)
    assert not TagPattern(tag).matches(tag + "a")


@given(st.lists(globs.map("".join), max_size=3), st.lists(globs.map("".join), max_size=3), tags)
def test_excluding_always_wins(include: list[str], exclude: list[str], tag: str) -> None:
    selector = TagSelector.parse([*include, *(f"!{text}" for text in exclude)])
    excluded = any(TagPattern(text).matches(tag) for text in exclude)
    included = not include or any(TagPattern(text).matches(tag) for text in include)
    assert selector.selects(tag) == (included and not excluded)
