"""Large repositories, and the bytes that a plan frees."""

import sys
from datetime import timedelta

import pytest
from tests.unit.policy.shelf import NOW, digest, image, policy, repository, rule, signature

from moorage.oci.manifest import Blob
from moorage.policy.order import waves
from moorage.policy.planner import Planner, freed_bytes
from moorage.policy.selection import spell


def calls_for(images: int) -> int:
    """How many functions are called to plan and order a repository of so many signed two-platform images."""
    words = [f"{number}" for number in range(images)]
    tags = {f"old-{word}": word for word in words} | {signature(word): f"sig-{word}" for word in words}
    parts = [image(f"{kind}-{word}") for kind in ("arm", "amd") for word in words]
    here = repository(tags, *(image(word, f"arm-{word}", f"amd-{word}") for word in words), *parts)
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        planned = Planner(here, policy(rule("old-*", keep_newest=images // 2)), NOW)
        planned.needs()
        order = waves(planned.plan().items, here)
    finally:
        sys.setprofile(None)
    assert sum(len(wave) for wave in order) == (images - images // 2) * 4
    return calls


def test_the_work_grows_with_the_repository_and_no_faster() -> None:
    """Counted, not timed. Looking through all tags for each item would make it sixteen times as much."""
    assert calls_for(400) < 6 * calls_for(100)


BLOB, SHARED = Blob(digest("layer"), 10), Blob(digest("shared"), 1000)


def test_only_bytes_that_nothing_kept_uses_are_freed() -> None:
    here = repository(
        {}, image("app", blobs=(BLOB, SHARED), size=1015), image("web", blobs=(BLOB,), size=13), image("new", blobs=(SHARED,))
    )
    assert freed_bytes(here, [digest("app"), digest("web")]) == 10 + (1015 - 1010) + (13 - 10)
    assert freed_bytes(here, [digest("app")]) == 5
    assert freed_bytes(here, []) == 0


def test_where_a_registry_hides_blobs_its_own_sizes_count() -> None:
    here = repository({}, image("app", size=100), image("web", size=None))
    assert freed_bytes(here, [digest("app"), digest("web"), digest("elsewhere")]) == 100


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=59.9), "59s"),
        (timedelta(minutes=45), "45m"),
        (timedelta(hours=2, minutes=5, seconds=7), "2h 5m"),
        (timedelta(days=3, hours=4, minutes=59), "3d 4h"),
        (timedelta(days=1, minutes=5), "1d"),
        (timedelta(days=14), "2w"),
        (timedelta(days=400), "57w 1d"),
    ],
)
def test_durations_are_spelt_as_people_say_them(span: timedelta, words: str) -> None:
    assert spell(span) == words
