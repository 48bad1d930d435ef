"""The rule for a missing part: its tests fail, unless the person running them said it would be missing."""

from __future__ import annotations

import os

import pytest

GROUPS = ("docker", "registry", "chromium", "gitlab")
REMEDY = "run `make test`, or `python -m tests.provision` as root on Debian"

# Read once, at import: these variables are removed from the environment before each test.
_NAMED = frozenset(word.strip() for word in os.environ.get("MOORAGE_TESTS_WITHOUT", "").split(",") if word.strip())
IN_CI = os.environ.get("CI", "").lower() in {"true", "1"}
DECLARED = frozenset[str]() if IN_CI else _NAMED
UNKNOWN = _NAMED - set(GROUPS)


def need(group: str, found: object, what: str) -> None:
    """Let the test go on only when the part is there; fail it otherwise, so that no hole goes unseen."""
    if group in DECLARED:
        pytest.skip(f"MOORAGE_TESTS_WITHOUT names {group}")
    if not found:
        pytest.fail(f"{what} is missing on this machine: {REMEDY}", pytrace=False)


def summary() -> str:
    """The line printed at the end of the run, "" when there is nothing to say."""
    if DECLARED:
        return f"Declared missing, their tests did not run: {', '.join(sorted(DECLARED))}"
    if _NAMED:
        return "MOORAGE_TESTS_WITHOUT is ignored in CI: everything runs or fails"
    return ""
