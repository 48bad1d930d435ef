"""For any option and any set of sources, the first source that says something wins."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from moorage.option import Option, Shape, text
from moorage.settings.problems import Problems
from moorage.settings.resolve import resolve
from moorage.settings.sources import Flags, ForeignVariables, Given, Inputs, Listed, Variables

ONE = Option(name="some-option", help="One.", parse=text, default="the default", variables=("THEIRS", "OLDER"))
MANY = Option(name="some-option", help="Many.", parse=text, shape=Shape.MANY, variables=("THEIRS", "OLDER"))
VALUES = st.one_of(st.none(), st.just(""), st.text("abc", min_size=1, max_size=3))
LEVELS = ("flag", "INPUT_SOME-OPTION", "INPUT_SOME_OPTION", "MOORAGE_SOME_OPTION", "config", "THEIRS", "OLDER", "ci")


def sources(said: dict[str, str | None]) -> list[Any]:
    environ = {name: value for name, value in said.items() if value is not None and name.isupper()}

    def listed(name: str) -> Listed:
        value = said[name]
        return Listed({} if value is None else {"some-option": Given((value,) if value else (), name)})

    flags = Flags({} if said["flag"] is None else {"some-option": [said["flag"]]})
    return [flags, Inputs(environ), Variables(environ), listed("config"), ForeignVariables(environ), listed("ci")]


@given(st.fixed_dictionaries(dict.fromkeys(LEVELS, VALUES)))
def test_one_value(said: dict[str, str | None]) -> None:
    expected = next((said[level] for level in LEVELS if said[level]), "the default")
    resolved = resolve([ONE], sources(said), Problems())
    assert resolved.value(ONE) == expected
    assert resolved.is_given(ONE) is any(said.values())


@given(st.fixed_dictionaries(dict.fromkeys(LEVELS, VALUES)))
def test_many_values_are_never_mixed(said: dict[str, str | None]) -> None:
    """Only a repeated flag hands on an empty value: it is a mistake that its reader has to tell."""
    first = next((level for level in LEVELS if said[level] or (level == "flag" and said[level] is not None)), None)
    expected = (said[first],) if first else ()
    assert resolve([MANY], sources(said), Problems()).values(MANY) == expected
