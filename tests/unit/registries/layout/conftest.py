from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from moorage.oci.reference import Registry, Repository
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


class SteppingClock:
    """Every look is a minute later."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def layouts(root: Path) -> LayoutRegistry:
    return LayoutRegistry(Registry(f"oci:{root}"), SteppingClock())


@pytest.fixture
def named(root: Path) -> Callable[[str], Repository]:
    return lambda path: Repository(Registry(f"oci:{root}"), path)


@pytest.fixture
def app(named: Callable[[str], Repository]) -> Repository:
    return named("team/app")


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "team/app"
