"""How the code is cut: small files, small functions, names that say something, and exceptions to a rule that say why."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for room in ("src", "entrypoint")
    for path in sorted((ROOT / room).rglob("*.py"))
}
EMPTY_NAMES = {"util", "utils", "helpers", "common", "base", "manager", "core", "misc"}
LONGEST_FILE = 300  # lines
LONGEST_FUNCTION = 60  # lines without the docstring
SILENCED = re.compile(r"# (?:noqa: (?P<rules>[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)|type: ignore\[[a-z, -]+\])(?P<why>.*)")
SILENCED_WHOLESALE = re.compile(r"# (?:noqa|type: ?ignore)(?![:\[])|# (?:pylint|mypy):")
EXPLAINED = {"ARG002"}  # an argument of a protocol's signature that one implementation has no use for


def definitions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    described = ast.get_docstring(function) is not None
    return lines_of(function) - (lines_of(function.body[0]) if described else 0)


def test_there_is_code_to_judge() -> None:
    assert len(FILES) > 200


def test_no_file_is_longer_than_can_be_read_in_one_go() -> None:
    assert [path for path, text in FILES.items() if len(text.splitlines()) > LONGEST_FILE] == []


def test_no_function_is_longer_than_a_screen() -> None:
    functions = ((path, node) for path, text in FILES.items() for node in definitions(text) if not isinstance(node, ast.ClassDef))
    assert [f"{path}:{node.lineno} {node.name}" for path, node in functions if length(node) > LONGEST_FUNCTION] == []


def test_nothing_has_a_name_that_says_nothing() -> None:
    for path, text in FILES.items():
        words = {word for part in path.with_suffix("").parts for word in part.split("_")}
        classes = (node.name for node in definitions(text) if isinstance(node, ast.ClassDef))
        words |= {word.lower() for name in classes for word in re.findall(r"[A-Z]?[a-z]+", name)}
        assert not words & EMPTY_NAMES, path


def test_every_module_says_what_it_is_for() -> None:
    assert [path for path, text in FILES.items() if text.strip() and not ast.get_docstring(ast.parse(text))] == []


def test_every_exception_to_a_rule_argues_its_case() -> None:
    unexplained = []
    for path, text in FILES.items():
        for number, line in enumerate(text.splitlines(), 1):
            found = SILENCED.search(line)
            reason = re.findall(r"[A-Za-z]{2,}", found["why"]) if found else ["not", "needed"]
            known = found is not None and found["rules"] in EXPLAINED
            if SILENCED_WHOLESALE.search(line) or (len(reason) < 2 and not known):
                unexplained.append(f"{path}:{number}")
    assert unexplained == []
