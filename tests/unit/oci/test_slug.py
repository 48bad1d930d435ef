import re
import sys
from collections.abc import Callable
from functools import partial

import pytest
from tests.data.cases import cases

from moorage.oci.slug import SlugFormat, limited, slug, transliterated
from moorage.oci.slug_alphabet import alphabet

CASES = cases("slug")
FUNCTIONS: dict[str, Callable[[str], str]] = {
    **{str(each): partial(slug, format=each) for each in SlugFormat},
    "limited 42": limited,
    "limited 48": partial(limited, limit=48),
    "slugify": transliterated,
}


def spelled_out(text: str) -> str:
    return re.sub(r"\{(.+?)\*(\d+)\}", lambda found: found[1] * int(found[2]), text)


@pytest.mark.parametrize(("function", "text", "expected"), [(name, *case) for name in FUNCTIONS for case in CASES[name]])
def test_slugs_are_those_of_werf(function: str, text: str, expected: str) -> None:
    assert FUNCTIONS[function](spelled_out(text)) == spelled_out(expected)


def test_the_alphabet_is_exactly_that_of_werf() -> None:
    whole = {ord(character): text for text, characters in CASES["alphabet"].items() for character in characters}
    assert len(whole) == 971
    assert alphabet() == whole


def test_characters_outside_the_alphabet_are_dropped() -> None:
    assert transliterated(f"a{CASES['dropped']}b") == "ab"


def test_composed_and_decomposed_accents_have_different_slugs() -> None:
    assert slug("\N{LATIN SMALL LETTER E WITH ACUTE}t") != slug("e\N{COMBINING ACUTE ACCENT}t")
    assert transliterated("e\N{COMBINING ACUTE ACCENT}t") == "et"


def test_no_character_at_all_becomes_anything_but_letters_digits_and_dashes() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert re.fullmatch("[a-z0-9-]+", transliterated(everything))


def test_bytes_that_are_no_utf8_are_hashed_as_they_came() -> None:
    text = b"feature/\xff".decode(errors="surrogateescape")
    assert re.fullmatch("feature-[0-9a-f]{1,8}", slug(text))


def test_the_empty_text_stays_empty() -> None:
    assert [slug("", each) for each in SlugFormat] == ["", "", ""]
    assert limited("") == ""


def test_the_short_words_of_werf_name_formats_too() -> None:
    assert [SlugFormat(word) for word in ("tag", "r", "ns")] == list(SlugFormat)
    with pytest.raises(ValueError, match="helm"):
        SlugFormat("helm")
