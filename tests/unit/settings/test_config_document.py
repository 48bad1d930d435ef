import pytest

from moorage.errors import ConfigurationError
from moorage.settings.config.document import Items, Scalar, Section, load


def one(text: str) -> Section:
    (document,) = load(text, "m.yaml")
    assert isinstance(document, Section)
    return document


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(text, "m.yaml")
    return caught.value.problems


def test_scalars_are_what_was_written() -> None:
    texts = {"a": "1.0", "b": "yes", "c": "0123456", "d": "2024-01-01", "e": "1e3", "f": "null-ish", "g": "=", "h": "0x1f"}
    document = one("".join(f"{key}: {text}\n" for key, text in texts.items()))
    assert {key: value.text for key, value in document.entries.items() if isinstance(value, Scalar)} == texts


@pytest.mark.parametrize(
    ("text", "is_null"), [("~", True), ("null", True), ("", True), ("'~'", False), ('""', False), ("nil", False)]
)
def test_only_plain_nothing_is_nothing(text: str, is_null: bool) -> None:
    value = one(f"a: {text}").entries["a"]
    assert isinstance(value, Scalar)
    assert value.is_null is is_null


def test_every_value_knows_its_place() -> None:
    document = one("a:\n  b:\n  - x\n  - c: y\n")
    a = document.entries["a"]
    assert isinstance(a, Section)
    b = a.entries["b"]
    assert isinstance(b, Items)
    last = b.items[1]
    assert isinstance(last, Section)
    assert str(last.entries["c"].place) == "m.yaml:4: a.b[1].c"


def test_keys_given_twice_are_all_told() -> None:
    assert problems_of("a: 1\nb: {c: 1, c: 2}\na: 2\n") == (
        "m.yaml:2: b.c is given twice, first in line 2",
        "m.yaml:3: a is given twice, first in line 1",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1\n", "m.yaml:2: expected ',' or ']'"),
        ("a:\n\t- b", "m.yaml:2: found character '\\t'"),
        ("a: *x\n", "m.yaml:1: found undefined alias 'x'"),
        ("x: &a {b: 1}\ny:\n  <<: *a\n", "m.yaml:3: y: a key is plain text"),
        ("? [a]\n: b", "m.yaml:1: a key is plain text"),
        ("a: !!python/object/apply:os.system [x]", "m.yaml:1: a: YAML tags such as !!python/object/apply:os.system are not read"),
        ("a: !x y", "m.yaml:1: a: YAML tags such as !x"),
        ("a: \x00", "m.yaml: unacceptable character"),
        ("a: &a [*a]", "m.yaml:1 nests deeper"),
        ("[" * 5000, "m.yaml nests deeper"),
        ("a: " + "[" * 60 + "]" * 60, "m.yaml:1 nests deeper"),
        ("a: " + "x" * 1024 * 1024, "m.yaml is larger than 1024 KiB"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    assert problems_of(text)[0].startswith(problem)


def test_aliases_are_fine_until_they_multiply() -> None:
    assert len(load("x: &a [1, 2]\ny: *a\n", "m.yaml")) == 1
    row = ",".join(["1"] * 100)
    bomb = f"x: &a [{row}]\ny: &b [{','.join(['*a'] * 100)}]\nz: [{','.join(['*b'] * 100)}]\n"
    assert problems_of(bomb) == ("m.yaml holds more than 100000 values, aliases counted each time",)


def test_a_file_with_nothing_in_it_has_no_document() -> None:
    assert load("", "m.yaml") == []
    assert load("# only a comment\n", "m.yaml") == []
