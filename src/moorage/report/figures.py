"""Numbers as people read them. The exact ones are in the JSON document."""

from datetime import UTC, datetime, timedelta

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_DAY = timedelta(days=1)
_MONTH = timedelta(days=30.44)
_YEAR = timedelta(days=365.25)


def size(count: int) -> str:
    """Bytes with three digits and a decimal unit, as docker and the registries show them: 1234567 is "1.23 MB"."""
    value = float(count)
    for unit in _UNITS:
        # 999.5 would print as 1000: it belongs to the next unit.
        if value < 999.5 or unit == _UNITS[-1]:
            return f"{count} B" if unit == "B" else f"{value:.{max(0, 2 - _places(value))}f} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes everything")


def _places(value: float) -> int:
    """Digits after the first, before the point, once rounded to three digits."""
    return 0 if value < 9.995 else 1 if value < 99.95 else 2


def age(then: datetime, now: datetime) -> str:
    """How long ago, in one unit that fits a column: "5h", "23d", "7mo", "2y"; "0m" for what is dated in the future."""
    span = max(now - then, timedelta())
    if span < timedelta(hours=1):
        return f"{span // timedelta(minutes=1)}m"
    if span < 2 * _DAY:
        return f"{span // timedelta(hours=1)}h"
    if span < 90 * _DAY:
        return f"{span // _DAY}d"
    return f"{span // _MONTH}mo" if span < 2 * _YEAR else f"{span // _YEAR}y"


def number(count: int) -> str:
    """With commas between thousands."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """The number and its noun: "1 tag", "20,000 tags", "2 repositories"."""
    if count == 1:
        return f"1 {noun}"
    return f"{number(count)} {noun[:-1]}ies" if noun.endswith("y") else f"{number(count)} {noun}s"


def moment(then: datetime) -> str:
    """To the minute, in UTC, and saying so."""
    return then.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
