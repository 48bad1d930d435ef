"""Fixtures for the contract tests, and assertions that explain themselves in the suite's own modules."""

from __future__ import annotations

import pytest

_SUITE = (
    "cleaning",
    "command",
    "counting_costs",
    "deletion",
    "emptying",
    "listing",
    "many",
    "network",
    "refusals",
    "scene",
    "secrecy",
    "stories",
)
pytest.register_assert_rewrite("tests.simulators", *(f"tests.contract.{name}" for name in _SUITE))

from tests.simulators.fixtures import vendor_network  # noqa: E402 -- after the rewriting is registered

__all__ = ["vendor_network"]
