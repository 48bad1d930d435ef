"""docs/plan.md describes the document that is really written: its keys, its words, and an example that can be read back."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.unit.report.plans import realistic

from moorage.policy.document import to_document
from moorage.policy.plan import Action, Kind, Outcome

PAGE = (Path(__file__).resolve().parents[2] / "docs/plan.md").read_text()
EXAMPLE = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
DOCUMENT = to_document(realistic(applied=True))


def test_the_example_has_the_keys_of_a_real_document() -> None:
    assert list(EXAMPLE) == list(DOCUMENT)
    assert list(EXAMPLE["items"][0]) == list(DOCUMENT["items"][0])
    assert list(EXAMPLE["totals"]) == list(DOCUMENT["totals"])


def test_every_key_and_every_word_is_explained() -> None:
    rows = re.findall(r"^\| `([a-z_-]+)` \|", PAGE, re.MULTILINE)
    assert rows == [*EXAMPLE, *EXAMPLE["items"][0], *Outcome]
    assert all(f"`{word}`" in PAGE for word in [*Kind, *Action, *EXAMPLE["totals"]])
