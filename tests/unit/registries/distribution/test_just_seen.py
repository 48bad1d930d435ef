"""What was seen just now is believed once, and not for long."""

from __future__ import annotations

from moorage.registries.distribution.just_seen import BELIEVED_FOR, JustSeen


def test_it_is_believed_once() -> None:
    seen: JustSeen[str, str] = JustSeen(lambda: 0.0)
    seen.note("v1", "digest")
    assert seen.take("v2") is None
    assert seen.take("v1") == "digest"
    assert seen.take("v1") is None


def test_it_is_believed_for_seconds() -> None:
    now = [100.0]
    seen: JustSeen[str, str] = JustSeen(lambda: now[0])
    seen.note("v1", "digest")
    now[0] += BELIEVED_FOR
    assert seen.take("v1") == "digest"
    seen.note("v1", "digest")
    now[0] += BELIEVED_FOR + 0.1
    assert seen.take("v1") is None


def test_an_answer_is_as_old_as_its_question() -> None:
    now = [100.0]
    seen: JustSeen[str, str] = JustSeen(lambda: now[0])
    asked = seen.moment()
    now[0] += BELIEVED_FOR + 0.1  # limits, or a list of many pages
    seen.note("v1", "digest", asked)
    assert seen.take("v1") is None
