"""Ledgers: many records in one file, and only whole ones are believed."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.oci.ledger import BadLedger, ImageRecords, Ledger, parse_ledger, united
from moorage.oci.reference import Digest

commits = st.sampled_from([f"{number:040x}" for number in range(6)])
keys = st.sampled_from([f"{number:020x}" for number in range(4)])
said = st.lists(st.tuples(commits, keys, st.integers(0, 100)), max_size=12)
tags = st.lists(st.tuples(st.sampled_from(["v1", "main"]), st.sampled_from(["git-tag", "git-branch"]), st.integers(0, 100)))


@st.composite
def image_records(draw: st.DrawFn) -> ImageRecords:
    found = ImageRecords()
    for commit, key, seconds in draw(said):
        found.add(commit, key, seconds)
    for tag, strategy, seconds in draw(tags):
        found.say(tag, strategy, seconds)
    return found


ledgers = st.builds(
    Ledger,
    st.dictionaries(st.sampled_from(["", "app", "team/web"]), image_records()),
    st.sets(st.binary(max_size=3).map(Digest.of), max_size=2).map(frozenset),
)


@given(ledgers)
def test_what_is_written_is_read(ledger: Ledger) -> None:
    assert parse_ledger(ledger.content()) == ledger


@given(st.lists(ledgers, max_size=4))
def test_together_they_say_all_that_each_says(several: list[Ledger]) -> None:
    everything = united(several)
    assert everything == united(reversed(several)) or any(image.tags for image in everything.values())  # equal times: either
    for ledger in several:
        for name, image in ledger.images.items():
            for commit, contents in image.commits.items():
                assert all(everything[name].has(commit, key, seconds) for key, seconds in contents.items())


def test_the_order_in_which_records_came_does_not_show() -> None:
    one, other = ImageRecords(), ImageRecords()
    for records, order in ((one, (1, 2)), (other, (2, 1))):
        for number in order:
            records.add(f"{number:040x}", "a" * 20, number)
    assert Ledger({"app": one}).content() == Ledger({"app": other}).content()


def test_the_latest_word_on_a_tag_counts() -> None:
    records = ImageRecords()
    records.say("main", "git-branch", 5)
    records.say("main", "custom", 3)
    assert records.tags == {"main": ("git-branch", 5)}
    records.say("main", "custom", 7)
    assert records.tags == {"main": ("custom", 7)}


def document(**changes: object) -> bytes:
    return gzip.compress(json.dumps({"schema": "moorage.ledger/1", "replaces": [], "images": {}, **changes}).encode())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "damaged"),
        (b"no gzip", "no ledger"),
        (document()[:-4], "damaged"),
        (gzip.compress(b"[1]"), "no ledger"),
        (gzip.compress(b"{}"), "no ledger"),
        (document(schema="moorage.ledger/2"), "does not know"),
        (document(images=[]), "no ledger"),
        (document(images={"app": {"records": [["c", "k"]], "tags": {}}}), "no ledger"),
        (document(images={"app": {"records": [], "tags": {"v1": 3}}}), "no ledger"),
    ],
)
def test_half_a_ledger_is_none(content: bytes, why: str) -> None:
    with pytest.raises(BadLedger, match=why):
        parse_ledger(content)
