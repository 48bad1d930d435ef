"""The alphabet of slugs: which characters survive, and how each is written in lower-case ASCII.

It is werf 1.1's table of 971 characters, unchanged: slugs made by either tool have to be equal, or tags published before a move
would not be found again. Most of it follows from Unicode, so only the rule, its ranges and the deviations are written down here;
tests/data/slug.yaml spells out every single character. A character that is not in the table has no place in a slug.
"""

# ruff: noqa: RUF001 (look-alikes are what this file is about)

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

SEPARATORS = " -_.,;:=+&~/<>()[]{}\N{FULLWIDTH LOW LINE}\N{FULLWIDTH TILDE}"

# First and last character of each range in which a character becomes the ASCII letters and digits of its compatibility
# decomposition (NFKD), in lower case. Deviations inside these ranges are listed below.
_RANGES = "09 AZ az ²³ Àö ùſ Ơơ Ưư Ǆǭ ǰǵ Ǹț Ȟȟ Ȧȳ Ḁẚ Ạệ Ọỹ ₐₓ ℀℆ ℉ℎ ℕℕ ℙ™ ℤℤ \N{KELVIN SIGN}ℬ ℯℯ ⒐⓪ ＡＺ ａｚ"

# Odd at first sight (ß is b, İ is l, ð is o), and kept for the sake of equal slugs.
_LATIN = {
    "a": "Ⱥɑᴀ", "aa": "Ꜳꜳ", "ae": "ÆæǢǣǼǽᴁᴂ", "af": "ꜺꜻꜼꜽ", "aj": "Ꜷꜷ", "ao": "Ꜵꜵ", "av": "Ꜹꜹ", "b": "ßƀƁƄƅɃᴃ", "c": "ƇƈȻȼᴄ℄",
    "d": "ÐĐđƉƊɗᴅᴆ", "db": "ȸ", "e": "ƐǝɆɇᴇ℮", "f": "Ƒƒꜰ", "g": "ƓǤǥɠɡɢ", "h": "Ħħℏ", "i": "ƖƗ", "j": "ȷɈɉᴊ", "k": "ĸƘƙᴋ",
    "l": "İıŁłȽȾᴌ", "m": "ɱᴍ", "n": "ŊŋƝƞȠᴎ", "nd": "Ƌƌ", "o": "ØðøƟǾǿɵᴏ", "oe": "Œœɶ", "p": "Ƥƥ℗", "px": "℞", "q": "ƼƽɊɋ",
    "qp": "ȹ", "r": "ƦɌɍ℟", "s": "ƧƨƩȿꜱ", "t": "ŦŧƪƫƬƭƮ", "th": "Þþ", "u": "\N{MICRO SIGN}ƱƲɄ", "v": "Ʌ", "w": "Ɯɯ", "x": "×",
    "y": "Ɏɏ", "z": "ƵƶƷȤȥɀ",
}  # fmt: skip

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "ye", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "j",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip


@cache
def alphabet() -> Mapping[int, str]:
    """Code point → its text in a slug, for the whole table; separators become `-`, the hard and soft sign nothing."""
    table = {ord(character): text for character, text in _by_rule()}
    table |= {ord(character): text for text, characters in _LATIN.items() for character in characters}
    for character, text in _CYRILLIC.items():
        table[ord(character)] = table[ord(character.upper())] = text
    return table | dict.fromkeys(map(ord, SEPARATORS), "-")


def _by_rule() -> Iterator[tuple[str, str]]:
    for ends in _RANGES.split():
        for character in map(chr, range(ord(ends[0]), ord(ends[1]) + 1)):
            decomposed = unicodedata.normalize("NFKD", character).lower()
            yield character, "".join(part for part in decomposed if part.isascii() and part.isalnum())
