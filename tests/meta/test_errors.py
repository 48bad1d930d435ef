"""The error tree keeps its promises: a drawing that is true, one exit code per branch, and a way out beside each class."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import TYPE_CHECKING

import pytest

import moorage
from moorage import errors
from moorage.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def everywhere() -> Iterator[type[Failure]]:
    """Every failure that any module of Moorage declares."""
    for module in pkgutil.walk_packages(moorage.__path__, "moorage."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[type[Failure]] = [Failure]
    for kind in waiting:  # grows while it is walked
        yield kind
        waiting += kind.__subclasses__()


FAILURES = [kind for kind in everywhere() if kind.__module__.startswith("moorage.")]
PUBLIC = [kind for kind in FAILURES if kind.__module__ == errors.__name__]
DRAWN = re.findall(r"^ +[│├└─ ]*([A-Z][A-Za-z]+)(?: |$)", errors.__doc__ or "", re.MULTILINE)


def test_the_drawing_names_every_class_and_no_other() -> None:
    assert sorted(DRAWN) == sorted(kind.__name__ for kind in PUBLIC)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_each_says_what_to_do_next_in_words_of_its_own(kind: type[Failure]) -> None:
    assert kind.__dict__["default_remedy"].endswith(".")
    assert kind.__doc__
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)


def test_branches_are_told_apart_by_exit_code_and_json_code() -> None:
    branches = {kind.exit_code: kind for kind in (Failure, *Failure.__subclasses__()) if kind in PUBLIC}
    assert sorted(branches) == list(range(1, 7))
    for kind in PUBLIC:
        assert issubclass(kind, branches[kind.exit_code])
    declared = [kind.code for kind in PUBLIC if "code" in kind.__dict__ and kind is not errors.RegistryError]
    assert len(set(declared)) == len(declared)


def test_elsewhere_a_failure_only_refines_one_of_these() -> None:
    for kind in set(FAILURES) - set(PUBLIC):
        assert "exit_code" not in kind.__dict__, kind
        assert issubclass(kind, tuple(set(PUBLIC) - {Failure})), kind
