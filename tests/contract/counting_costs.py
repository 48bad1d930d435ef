"""What a vendor costs in requests: counted in every run on a few images, and on as many as bench/ asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.costs import costs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.contract.scene import Scene

A_FEW = (6, 2)


class CostPromises:
    """Every deletion is one that was planned, and a listing does not grow faster than what it lists."""

    def test_what_it_costs(self, scene: Scene, tmp_path: Path, pytestconfig: pytest.Config) -> None:
        tags, going = pytestconfig.getoption("costs") or A_FEW
        found = costs(scene, tmp_path, tags=tags, going=going)
        assert 0 < found.inventory <= 3 * tags + 30
        assert found.deletions <= 2 * going + 2
        if place := pytestconfig.getoption("costs_to"):
            with open(place, "a", encoding="utf-8") as table:  # noqa: PTH123 -- appended to by several workers
                table.write(
                    f"{type(self).__name__.removeprefix('Test')}\t{found.inventory}\t{found.deletions}\t{found.cleanup}\n"
                )
