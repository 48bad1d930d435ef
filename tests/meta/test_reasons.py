"""docs/reasons.md explains every reason, in the words that reports use, and says what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from moorage.policy.reason import Code
from moorage.report.wording import MEANINGS

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = dict(
    re.findall(r"^### `([a-z-]+)`\n(.*?)(?=^##|\Z)", (ROOT / "docs/reasons.md").read_text(), re.DOTALL | re.MULTILINE)
)


def test_each_code_has_its_section_and_no_section_outlives_its_code() -> None:
    assert list(SECTIONS) == [code.value for code in Code]


@pytest.mark.parametrize("code", Code)
def test_a_section_opens_with_the_sentence_of_the_reports_and_ends_with_a_way_out(code: Code) -> None:
    explained, way_out = " ".join(SECTIONS[code].split()).split("**If you disagree:**")
    assert explained.startswith(MEANINGS[code])
    assert len(way_out.split()) >= 3
