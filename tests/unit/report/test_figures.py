"""Numbers for people: three digits, one unit, no surprise at the borders between units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from moorage.report.figures import age, counted, moment, size

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1_234_567, "1.23 MB"),
        (9_996_000, "10.0 MB"),
        (99_960_000, "100 MB"),
        (999_600_000, "1.00 GB"),
        (4_847_338_233, "4.85 GB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=59), "59m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=89, hours=23), "89d"),
        (timedelta(days=100), "3mo"),
        (timedelta(days=729), "23mo"),
        (timedelta(days=2600), "7y"),
        (timedelta(days=-3), "0m"),
    ],
)
def test_ages(span: timedelta, text: str) -> None:
    assert age(NOW - span, NOW) == text


def test_nouns_follow_their_number() -> None:
    assert [counted(1, "tag"), counted(20_000, "tag"), counted(2, "repository")] == ["1 tag", "20,000 tags", "2 repositories"]


def test_moments_are_said_in_utc() -> None:
    assert moment(datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31 23:30 UTC"
