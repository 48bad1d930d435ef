"""Keep policies against an oracle that asks every branch for every record, on random histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from moorage.policy.git_selection import GitReference, Met, Selected, judge
from moorage.policy.keep_policies import KeepPolicy, Limit, NamePattern, Operator, ReferenceKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMMITS = [f"c{number}" for number in range(12)]
CONTENTS = [f"content {number}" for number in range(8)]

limits = st.builds(
    Limit,
    last=st.none() | st.integers(-1, 4),
    within=st.none() | st.integers(0, 10).map(lambda hours: timedelta(hours=hours)),
    operator=st.sampled_from(Operator),
).filter(lambda limit: limit.last is not None or limit.within is not None)
references = st.builds(
    lambda kind, commit, images: Selected(
        GitReference(kind, f"at-{commit}", commit, NOW), KeepPolicy(kind, NamePattern("x"), images=images)
    ),
    st.sampled_from(ReferenceKind),
    st.sampled_from(COMMITS),
    limits,
)
records_of = st.dictionaries(st.sampled_from(COMMITS), st.sets(st.sampled_from(CONTENTS), min_size=1, max_size=3).map(frozenset))


@st.composite
def meetings(draw: st.DrawFn) -> tuple[list[Selected], dict[str, Met]]:
    """References, and some of the commits with dates, which may be equal or out of order."""
    selected = draw(st.lists(references, max_size=6))
    bits = st.integers(0, 2 ** len(selected) - 1)
    ages = st.integers(0, 10).map(lambda hours: NOW - timedelta(hours=hours))
    branches = sum(1 << place for place, one in enumerate(selected) if one.reference.kind is ReferenceKind.BRANCH)
    met = st.builds(lambda date, reached: Met(date, reached & branches), ages, bits)
    return selected, draw(st.dictionaries(st.sampled_from(COMMITS), met))


@given(meetings(), records_of)
def test_the_same_is_kept_as_by_asking_every_branch_for_every_record(
    history: tuple[list[Selected], dict[str, Met]], records: dict[str, frozenset[str]]
) -> None:
    selected, met = history
    found = judge(selected, records, met, NOW)
    expected = {content for one, place in zip(selected, range(9), strict=False) for content in kept_by(one, place, records, met)}
    everything = {content for contents in records.values() for content in contents}
    assert set(found.kept) == expected
    assert set(found.let_go) == everything - expected
    assert all(found.kept.values())
    assert all(found.let_go.values())


@given(meetings(), records_of)
def test_what_shares_a_commit_shares_its_fate(
    history: tuple[list[Selected], dict[str, Met]], records: dict[str, frozenset[str]]
) -> None:
    selected, met = history
    found = judge(selected, records, met, NOW)
    for commit, contents in records.items():
        if commit in met:
            assert contents <= set(found.kept) or contents <= set(found.let_go)


@given(meetings(), records_of, references)
def test_another_reference_never_lets_go_of_anything(
    history: tuple[list[Selected], dict[str, Met]], records: dict[str, frozenset[str]], more: Selected
) -> None:
    selected, met = history
    assert set(judge(selected, records, met, NOW).kept) <= set(judge([*selected, more], records, met, NOW).kept)


def kept_by(one: Selected, place: int, records: dict[str, frozenset[str]], met: dict[str, Met]) -> set[str]:
    """The straightforward way: all groups that the reference meets, each with its newest date there, and then the limit."""
    if one.reference.kind is ReferenceKind.TAG:
        here = [one.reference.commit] if one.reference.commit in records.keys() & met.keys() else []
    else:
        here = [commit for commit in records if commit in met and met[commit].branches >> place & 1]
    dates: dict[str, datetime] = {}
    for commit in here:
        group = min(together(min(records[commit]), records, met))
        dates[group] = max(met[commit].date, dates.get(group, met[commit].date))
    chosen = newest(dates, one.images)
    return {content for group in chosen for content in together(group, records, met)}


def together(content: str, records: dict[str, frozenset[str]], met: dict[str, Met]) -> set[str]:
    found, size = {content}, 0
    while len(found) > size:
        size = len(found)
        found |= {other for commit, contents in records.items() if commit in met and contents & found for other in contents}
    return found


def newest(dates: dict[str, datetime], limit: Limit) -> set[str]:
    ranked = sorted(dates, key=lambda key: (dates[key], key), reverse=True)
    counted = set(ranked) if limit.last in (None, -1) else set(ranked[: limit.last])
    young = {key for key in ranked if limit.within is None or dates[key] > NOW - limit.within}
    if limit.last is not None and limit.within is not None and limit.operator is Operator.OR:
        return counted | young
    return counted & young
