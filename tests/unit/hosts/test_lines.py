import io
import re
from collections.abc import Callable

import pytest

from moorage.auth.secret import Secret
from moorage.commands.world import Progress
from moorage.errors import ConfigurationError, PartialFailure, Unreachable
from moorage.hosts.gitlab import GitlabLines
from moorage.hosts.lines import Lines
from moorage.hosts.terminal import MovingLine, say_failure


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(work: Callable[[Progress, Clock], None], level: str = "info") -> list[str]:
    stream, clock = io.StringIO(), Clock()
    work(Lines(stream, level, clock), clock)
    return stream.getvalue().splitlines()


def reading(progress: Progress, clock: Clock) -> None:
    progress.start("Reading", 40)
    for number in range(40):
        clock.now += 0.7
        progress.advance(f"repository {number}")
    progress.done()


def test_long_work_is_told_now_and_then_and_at_its_end() -> None:
    assert told(reading) == [
        "Reading: 15 of 40, repository 14, 10 s",
        "Reading: 30 of 40, repository 29, 21 s",
        "Reading: 40 of 40, 28 s",
    ]


def test_short_work_is_one_line() -> None:
    def work(progress: Progress, clock: Clock) -> None:
        progress.start("Reading")
        progress.advance()
        progress.advance(count=2)
        clock.now += 1.24
        progress.done()
        progress.done()

    assert told(work) == ["Reading: 3, 1.2 s"]


@pytest.mark.parametrize(("level", "lines"), [("info", 3), ("warning", 1), ("error", 0)])
def test_levels(level: str, lines: int) -> None:
    def work(progress: Progress, _clock: Clock) -> None:
        progress.note("note")
        progress.warn("warning")
        with progress.group("group"):
            pass

    assert len(told(work, level)) == lines


def test_the_level_may_change() -> None:
    stream = io.StringIO()
    lines = Lines(stream, "error")
    lines.note("no")
    lines.set_level("info")
    lines.note("yes")
    assert stream.getvalue() == "yes\n"


def test_secrets_are_blanked() -> None:
    Secret("hunter2hunter2")
    assert told(lambda progress, _clock: progress.warn("it is hunter2hunter2")) == ["warning: it is ***"]


def test_a_moving_line_is_rewritten_and_steps_aside() -> None:
    stream, clock = io.StringIO(), Clock()
    line = MovingLine(stream, "info", clock, columns=30)
    line.start("Reading", 3)
    line.advance("a" * 50)
    clock.now += 0.01
    line.advance("too soon to be drawn")
    line.note("something else")
    line.done()
    clear = "\r\x1b[2K"
    assert stream.getvalue() == f"{clear}{('Reading: 1 of 3  ' + 'a' * 50)[:29]}{clear}something else\nReading: 2 of 3, 0.0 s\n"


def test_a_moving_line_keeps_still_when_only_warnings_are_wanted() -> None:
    stream = io.StringIO()
    line = MovingLine(stream, "warning", Clock(), columns=30)
    line.start("Reading", 3)
    line.advance("a")
    line.done()
    assert stream.getvalue() == ""


def test_sections_of_gitlab_open_and_close_by_one_name_of_their_own() -> None:
    stream = io.StringIO()
    lines = GitlabLines(stream, clock=lambda: 1700000000.4)
    with lines.group("Build: web / api"):
        lines.note("step")
    with pytest.raises(ZeroDivisionError), lines.group("Build: web / api"):
        raise ZeroDivisionError
    text = stream.getvalue()
    names = re.findall(r"\x1b\[0Ksection_(start|end):1700000000:([a-z0-9_.-]+)(?:\[collapsed=true\])?\r\x1b\[0K", text)
    assert names == [
        ("start", "moorage_1_build_web_api"), ("end", "moorage_1_build_web_api"),
        ("start", "moorage_2_build_web_api"), ("end", "moorage_2_build_web_api"),
    ]  # fmt: skip
    assert "Build: web / api\nstep\n" in text


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (Unreachable("no answer", remedy="Look."), ["moorage: no answer", "  Look."]),
        (ConfigurationError("one", "two", remedy="Fix."), ["moorage: 2 problems", "  - one", "  - two", "  Fix."]),
        (PartialFailure("2 remain", items=["a", "b"], remedy="Again."), ["moorage: 2 remain", "  - a", "  - b", "  Again."]),
    ],
)
def test_failures_say_what_and_what_next(failure: Unreachable, lines: list[str]) -> None:
    stream = io.StringIO()
    say_failure(Lines(stream, "error"), "moorage", failure)
    assert stream.getvalue().splitlines() == lines
