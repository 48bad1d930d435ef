"""Foreign text is tamed once, for every format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.policy.plan import Outcome
from moorage.policy.reason import Code
from moorage.report.wording import MEANINGS, OUTCOMES, plain


@given(st.text(st.characters()))
def test_what_is_left_is_one_line_that_can_be_printed_and_encoded(text: str) -> None:
    shown = plain(text)
    assert shown.encode().decode() == shown
    assert len(shown.splitlines()) <= 1
    assert not any(character in shown for character in "\x1b\x9b\r\n\t\u202e\u2066\u200b\x00")


@pytest.mark.parametrize("text", ["Grüße, 世界", "cleanup.rules[0]: matches pr-*", "5 % of 20"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_nothing_is_without_words() -> None:
    assert set(MEANINGS) == set(Code)
    assert set(OUTCOMES) == set(Outcome)
