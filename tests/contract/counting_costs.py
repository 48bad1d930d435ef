"""What a vendor costs in requests: counted in every run on a few images, and on as many as bench/ asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.costs import costs
from tests.images import image, layer

from moorage.registries.interface import TagFinder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.contract.abilities import Abilities
    from tests.contract.least import Least
    from tests.contract.scene import Scene

A_FEW = (40, 20)  # so that one request too many for each that goes is more than any `Least.once`


class CostPromises:
    """No request more than the vendor's API makes necessary, beside those that each run makes once."""

    abilities: Abilities
    least: Least

    def test_what_it_costs(self, scene: Scene, tmp_path: Path, pytestconfig: pytest.Config) -> None:
        tags, going = pytestconfig.getoption("costs") or A_FEW
        found, least = costs(scene, tmp_path, tags=tags, going=going), self.least
        if place := pytestconfig.getoption("costs_to"):
            pairs = (
                (found.inventory, least.inventory(tags)),
                (found.deletions, least.changing(going)),
                (found.cleanup, least.cleanup(tags, going)),
            )
            row = [type(self).__name__.removeprefix("Test"), *(str(number) for pair in pairs for number in pair), least.why]
            with open(place, "a", encoding="utf-8") as table:  # noqa: PTH123 -- appended to by several workers
                table.write("\t".join(row) + "\n")
        assert least.inventory(tags) <= found.inventory <= least.inventory(tags) + least.once
        assert least.changing(going) <= found.deletions <= least.changing(going) + least.once
        assert least.cleanup(tags, going) <= found.cleanup <= least.cleanup(tags, going) + least.once

    def test_a_repository_that_was_not_listed_may_be_too_large_for_a_list_of_its_tags(self, scene: Scene) -> None:
        digests = [scene.push(image(layer(f"{number}")), f"v{number}") for number in range(3)]
        registry, truth, counts = scene.open(), scene.tags(), scene.simulator.counts
        if not isinstance(registry, TagFinder):
            assert not self.abilities.finds_tags
            return
        registry.resolve(scene.repository, digests[0])  # logs in
        before = sum(counts.values())
        for digest, tags in registry.tags_on(scene.repository, digests[:2]).items():
            assert {tag.text for tag in tags} == {tag for tag, target in truth.items() if target == digest}
        assert sum(counts.values()) - before <= 3, "a look at each of two, and a login for that"
