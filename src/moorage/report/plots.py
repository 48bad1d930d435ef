"""Plots as inline SVG, drawn here so that the page needs no script for them.

Lengths along the page are percentages, so that bars follow its width while their labels keep their size. Colours come from the
page's style sheet by class, since its content policy allows no style attributes.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.policy.plan import Item, Kind, Plan
from moorage.report.figures import number
from moorage.report.headline import goes

_AGES: tuple[tuple[str, timedelta], ...] = (
    ("1d", timedelta(days=1)),
    ("1w", timedelta(days=7)),
    ("1mo", timedelta(days=30.44)),
    ("3mo", timedelta(days=91.3)),
    ("6mo", timedelta(days=182.6)),
    ("1y", timedelta(days=365.25)),
    ("2y", timedelta(days=730.5)),
)
_HEIGHT, _TOP, _BOTTOM, _LEFT = 208, 20, 24, 9  # pixels, but for the last: percent of the width


@dataclass(frozen=True, slots=True)
class Bar:
    """How many stay and go, of one age."""

    label: str
    stays: int = 0
    goes: int = 0

    @property
    def total(self) -> int:
        return self.stays + self.goes


def ages(plan: Plan) -> tuple[Bar, ...]:
    """The tags by age, each bar up to the age of its label; the youngest first, those of unknown age ("?") last."""
    tags = [item for item in plan.items if item.kind is Kind.TAG]
    limits = [limit for _, limit in _AGES]
    counts = [[0, 0] for _ in range(len(limits) + 2)]
    for tag in tags:
        counts[_place(tag, plan.created, limits)][goes(tag, applied=plan.applied)] += 1
    labels = [*(label for label, _ in _AGES), "older", "?"]
    bars = [Bar(label, stays, gone) for label, (stays, gone) in zip(labels, counts, strict=True)]
    return tuple(bars if bars[-1].total else bars[:-1])


def _place(tag: Item, now: datetime, limits: Sequence[timedelta]) -> int:
    if tag.pushed_at is None:
        return len(limits) + 1
    return sum(1 for limit in limits if now - tag.pushed_at >= limit)


def histogram(bars: Sequence[Bar], *, gone: str) -> str:
    """Upright bars, what goes on top of what stays, with a scale. `gone` is the word for what goes."""
    ceiling = _ceiling(max((bar.total for bar in bars), default=0))
    step = (100 - _LEFT) / len(bars)
    said = "; ".join(f"{bar.label}: {number(bar.stays)} stay, {number(bar.goes)} {gone}" for bar in bars)
    parts = [
        f'<svg class="histogram" width="100%" height="{_HEIGHT}" role="img" aria-label="{html.escape(f"Tags by age. {said}")}">'
    ]
    parts += _scale(ceiling)
    for place, bar in enumerate(bars):
        parts += _upright(bar, _LEFT + place * step, step, ceiling, gone)
    return "".join([*parts, "</svg>"])


def _scale(ceiling: int) -> Iterable[str]:
    for part in (0, 1, 2):
        y = _y(ceiling * part / 2, ceiling)
        yield f'<line class="grid" x1="{_LEFT}%" x2="100%" y1="{y}" y2="{y}"/>'
        yield f'<text class="scale" x="{_LEFT - 1}%" y="{y + 4}" text-anchor="end">{number(ceiling * part // 2)}</text>'


def _upright(bar: Bar, left: float, step: float, ceiling: int, gone: str) -> Iterable[str]:
    middle = f"{left + step / 2:.2f}%"
    x, width = f"{left + step * 0.18:.2f}%", f"{step * 0.64:.2f}%"
    base, shoulder, top = _y(0, ceiling), _y(bar.stays, ceiling), _y(bar.total, ceiling)
    label = html.escape(bar.label)
    yield f"<g><title>{label}: {number(bar.stays)} stay, {number(bar.goes)} {gone}</title>"
    if bar.stays:
        yield f'<rect class="stays" x="{x}" width="{width}" y="{shoulder}" height="{base - shoulder:.1f}"/>'
    if bar.goes:
        yield f'<rect class="goes" x="{x}" width="{width}" y="{top}" height="{shoulder - top:.1f}"/>'
    if bar.total:
        yield f'<text class="count" x="{middle}" y="{top - 6}" text-anchor="middle">{number(bar.total)}</text>'
    yield f'<text class="label" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{label}</text></g>'


def _y(value: float, ceiling: int) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / ceiling, 1)


def _ceiling(highest: int) -> int:
    """The end of the scale: round, at or above the highest bar, and with a half that is a whole number."""
    power = 1
    while 10 * power < highest:
        power *= 10
    factors = (2, 4, 6, 8, 10) if power == 1 else (2, 3, 4, 5, 6, 8, 10)
    return power * next(factor for factor in factors if factor * power >= highest)


def share(stays: int, gone: int, longest: int) -> str:
    """A lying bar for a table cell, beside numbers that say the same; `longest` is what the whole width stands for."""
    first, second = (100 * value / longest if longest else 0 for value in (stays, gone))
    return (
        '<svg class="share" width="100%" height="10" aria-hidden="true">'
        f'<rect class="stays" width="{first:.2f}%" height="10"/>'
        f'<rect class="goes" x="{first:.2f}%" width="{second:.2f}%" height="10"/></svg>'
    )


def legend(gone: str) -> str:
    """What the two colours stand for."""
    return f'<p class="legend"><span class="stays">stays</span> <span class="goes">{html.escape(gone)}</span></p>'
