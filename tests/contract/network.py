"""What a bad day of the network or the vendor may cost: time, and never an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.images import image, index, layer
from tests.simulators.faults import ALWAYS

from moorage.errors import Throttled, Unreachable
from moorage.oci.reference import Tag
from moorage.policy.plan import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.abilities import Abilities
    from tests.contract.scene import Scene


class NetworkPromises:
    abilities: Abilities

    def test_small_pages_are_read_to_the_last(self, scene: Scene) -> None:
        for number in range(5):
            scene.push(image(layer(f"{number}")), f"v{number}")
        scene.push(index(image(layer("in an index"))), "an-index")
        scene.simulator.faults.page_size = 2
        inventory = scene.open().inventory(scene.repository)
        assert {tag.text: digest for tag, digest in inventory.tags.items()} == scene.tags()

    def test_a_limit_is_waited_for(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        self._throttle(scene, times=3)
        inventory = scene.open().inventory(scene.repository)
        assert inventory.tags == {Tag("v1"): digest}
        assert sum(scene.clock.slept) >= 7, "the vendor asked for 7 seconds"

    def test_a_limit_on_deletions_is_waited_for_and_everything_goes(self, scene: Scene, tmp_path: Path) -> None:
        for number in range(6):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")  # GitHub lets no package be left without a tag
        self._throttle(scene, times=4, only=self.abilities.deletes)
        run = clean(scene, policy("old*"), tmp_path)
        scene.settle()
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep"}

    def test_a_limit_without_end_is_throttled(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = scene.open()
        self._throttle(scene, times=ALWAYS)
        with pytest.raises(Throttled) as refused:
            registry.inventory(scene.repository)
        assert refused.value.exit_code == 3
        scene.simulator.faults.bursts.clear()
        assert scene.tags() == {"v1": digest}

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_server_errors_are_tried_again(self, scene: Scene, status: int) -> None:
        digest = scene.push(image(), "v1")
        scene.simulator.faults.burst(status, times=2)
        assert scene.open().inventory(scene.repository).tags == {Tag("v1"): digest}
        assert scene.clock.slept, "there is a pause between two attempts"

    def test_server_errors_without_end_are_unreachable(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open()
        scene.simulator.faults.burst(503, times=ALWAYS)
        with pytest.raises(Unreachable):
            registry.inventory(scene.repository)

    def test_a_connection_that_breaks_is_tried_again(self, scene: Scene, tmp_path: Path) -> None:
        for number in range(4):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        scene.simulator.faults.reset(times=2)
        registry = scene.open()
        registry.inventory(scene.repository)
        method, route = self.abilities.deletes
        scene.simulator.faults.reset(times=2, method=method, route=route)
        run = clean(scene, policy("old*"), tmp_path, registry)
        scene.settle()
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep"}

    def test_trouble_with_a_deletion_is_not_taken_for_success(self, scene: Scene, tmp_path: Path) -> None:
        digest, stays = scene.push(image(layer("first")), "old-1", age=MONTH), scene.push(image(layer("stays")), "keep")
        method, route = self.abilities.deletes
        scene.simulator.faults.burst(500, times=ALWAYS, method=method, route=route)
        run = clean(scene, policy("old*"), tmp_path)
        assert set(outcomes(run).values()) == {Outcome.FAILED}
        assert scene.tags() == {"old-1": digest, "keep": stays}
        assert not scene.broken(digest)

    def test_tokens_that_expire_in_the_middle_are_renewed(self, scene: Scene, tmp_path: Path) -> None:
        for number in range(4):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        registry = scene.open()
        registry.inventory(scene.repository)
        issued = len(scene.simulator.secrets())
        scene.simulator.expire_tokens()
        run = clean(scene, policy("old*"), tmp_path, registry, meanwhile=scene.simulator.expire_tokens)
        scene.settle()
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep"}
        assert (len(scene.simulator.secrets()) > issued) is self.abilities.tokens

    def _throttle(self, scene: Scene, *, times: int, only: tuple[str, str] = ("", "")) -> None:
        (status, headers), (method, route) = self.abilities.throttles, only
        scene.simulator.faults.burst(status, times=times, method=method, route=route, headers=dict(headers))
