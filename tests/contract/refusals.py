"""What happens when the vendor says no: the right error, with what to grant to whom, nothing lost, and the others go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.cleaning import MONTH, WEEK, clean, complaints, outcomes, policy
from tests.images import image, layer

from moorage.errors import Denied, ItemRefused, RegistryError, Unauthorized, Unsupported
from moorage.oci.reference import Tag
from moorage.policy.plan import Kind, Outcome
from moorage.registries.interface import Examiner, TagDeleter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.abilities import Abilities
    from tests.contract.scene import Scene

    from moorage.registries.interface import Registry


class RefusalPromises:
    abilities: Abilities

    def test_a_login_that_may_only_read_says_what_to_grant(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1", "v2")
        registry = scene.open(scene.reader)
        assert registry.inventory(scene.repository).tags[Tag("v1")] == digest
        for attempt in self._deletions(scene, registry):
            with pytest.raises(RegistryError) as refused:
                attempt()
            assert isinstance(refused.value, Denied | Unauthorized)
            assert not isinstance(refused.value, ItemRefused)
            assert refused.value.exit_code == 3
            assert self.names_the_right(refused.value), f"{refused.value.message} / {refused.value.remedy}"
        assert scene.tags() == {"v1": digest, "v2": digest}

    def test_a_cleanup_that_may_only_read_stops_and_loses_nothing(self, scene: Scene, tmp_path: Path) -> None:
        digests = {f"old-{n}": scene.push(image(layer(f"{n}")), f"old-{n}", age=MONTH) for n in range(24)}
        run = clean(scene, policy("old*"), tmp_path, scene.open(scene.reader))
        assert run.halted is not None
        assert Outcome.DELETED not in outcomes(run).values()
        method, route = self.abilities.deletes
        asked = sum(count for key, count in scene.simulator.counts.items() if key[0] == method and route in key[1])
        # Eight are under way when the first refusal comes, each asked twice where a token has to be fetched first.
        assert 0 < asked < len(digests), "it goes on although the vendor refuses everything"
        assert scene.tags() == digests

    def test_a_wrong_password_is_said_to_be_wrong(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(RegistryError) as refused:
            scene.open(scene.stranger).inventory(scene.repository)
        assert isinstance(refused.value, Unauthorized | Denied)
        assert refused.value.exit_code == 3
        assert scene.tags().keys() == {"v1"}

    def test_deletion_that_is_switched_off_is_said_and_changes_nothing(self, scene: Scene) -> None:
        if not self.abilities.switches_deletion_off:
            self._the_server_has_no_such_switch(scene)
            return
        digest = scene.push(image(), "v1", "v2")
        scene.simulator.faults.deletion_disabled = True
        for attempt in self._deletions(scene, scene.open()):
            with pytest.raises(RegistryError) as refused:
                attempt()
            assert isinstance(refused.value, Unsupported | Denied)
            assert refused.value.exit_code == 3
        assert scene.tags() == {"v1": digest, "v2": digest}
        assert not scene.broken(digest)

    def _the_server_has_no_such_switch(self, scene: Scene) -> None:
        """The flag is then a promise that the simulator knows no such setting: deletions go through."""
        digest = scene.push(image(), "v1")
        scene.push(image(layer("stays")), "keep")
        scene.simulator.faults.deletion_disabled = True
        scene.open().delete_manifest(scene.repository, digest)
        scene.settle()
        assert scene.tags().keys() == {"keep"}

    def test_a_server_that_is_read_only_is_said_to_be(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1", "v2")
        scene.simulator.faults.read_only = True
        for attempt in self._deletions(scene, scene.open()):
            with pytest.raises(RegistryError) as refused:
                attempt()
            assert refused.value.exit_code == 3
        scene.simulator.faults.read_only = False
        assert scene.tags() == {"v1": digest, "v2": digest}

    def test_a_locked_tag_stays_and_the_others_go(self, scene: Scene, tmp_path: Path) -> None:
        digests = {name: scene.push(image(layer(name)), name, age=MONTH) for name in ("old-1", "old-locked", "old-3", "keep")}
        if self.abilities.locks:
            self._locked(scene, digests["old-locked"])
        run = clean(scene, policy("old*"), tmp_path)
        scene.settle()
        assert run.halted is None
        assert scene.tags().keys() == ({"keep", "old-locked"} if self.abilities.locks else {"keep"})

    def _locked(self, scene: Scene, digest: object) -> None:
        """Locked behind the back of a run that has listed it already, the vendor's refusal is about this item alone."""
        registry = scene.open()
        registry.inventory(scene.repository)
        scene.simulator.lock(scene.path, "old-locked")
        with pytest.raises(ItemRefused):
            registry.delete_manifest(scene.repository, registry.resolve(scene.repository, Tag("old-locked")))

    def test_a_tag_that_is_locked_after_the_plan_fails_alone(self, scene: Scene, tmp_path: Path) -> None:
        for name in ("old-1", "old-locked", "old-3", "keep"):
            scene.push(image(layer(name)), name, age=MONTH)
        lock = (lambda: scene.simulator.lock(scene.path, "old-locked")) if self.abilities.locks else lambda: None
        run = clean(scene, policy("old*"), tmp_path, meanwhile=lock)
        scene.settle()
        assert run.halted is None
        expected = Outcome.FAILED if self.abilities.locks else Outcome.DELETED
        assert outcomes(run) == {"old-1": Outcome.DELETED, "old-locked": expected, "old-3": Outcome.DELETED}
        assert scene.tags().keys() == ({"keep", "old-locked"} if self.abilities.locks else {"keep"})

    def test_a_deletion_that_is_accepted_and_not_done_has_failed(self, scene: Scene, tmp_path: Path) -> None:
        digest = scene.push(image(layer("stubborn")), "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        scene.simulator.faults.forgetful = True
        run = clean(scene, policy("old"), tmp_path)
        assert scene.tags().get("old") == digest
        assert outcomes(run)["old"] is Outcome.FAILED
        assert outcomes(run, Kind.MANIFEST)[str(digest)] is Outcome.FAILED
        assert complaints(run)

    def test_a_deletion_that_takes_its_time_is_waited_for(self, scene: Scene, tmp_path: Path) -> None:
        if not self.abilities.late:
            return  # the story above holds: what is still there has failed
        scene.push(image(layer("slow")), "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        scene.simulator.faults.deletes_late = 5
        run = clean(scene, policy("old"), tmp_path)
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep"}

    def test_the_doctor_tells_the_truth_about_each_login(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        before = scene.changes()
        for login, may in ((scene.writer, True), (scene.reader, False)):
            registry = scene.open(login)
            if isinstance(registry, Examiner):
                found = {ability.name: ability for ability in registry.examine(scene.repository)}
                assert found["list"].possible is True
                assert found["delete"].possible in {may, None}
                assert all(ability.detail for ability in found.values() if ability.possible is not True)
        assert scene.changes() == before

    def test_young_images_are_not_asked_to_go(self, scene: Scene, tmp_path: Path) -> None:
        scene.push(image(layer("new"), created=f"{scene.now():%Y-%m-%dT%H:%M:%SZ}"), "old-by-name")
        before = scene.changes()
        assert clean(scene, policy("old*", older_than=WEEK), tmp_path).outcomes == {}
        assert scene.changes() == before

    def names_the_right(self, error: RegistryError) -> bool:
        """Whether an error says which scope or role is missing; a vendor with other words than these overrides it."""
        return any(word in f"{error.message} {error.remedy}" for word in ("delete", "DELETE", "write", "admin"))

    def _deletions(self, scene: Scene, registry: Registry) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        if isinstance(registry, TagDeleter) and self.abilities.untags:
            found.append(lambda: registry.delete_tag(scene.repository, Tag("v1")))
        found.append(lambda: registry.delete_manifest(scene.repository, scene.tags()["v1"]))
        return found
