"""Repositories in which nothing is left: deleted on request where the vendor can, never with anything in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.contract.abilities import Emptying
from tests.contract.cleaning import MONTH, WEEK, clean, empty, policy
from tests.images import cosign, image, index, layer

from moorage.errors import ItemRefused, NotFound, Unsupported
from moorage.policy.plan import Outcome
from moorage.policy.reason import Code
from moorage.registries.interface import RepositoryDeleter, RepositoryLister, WholeDeleter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.abilities import Abilities
    from tests.contract.scene import Scene

ALL_OLD = replace(policy("*", "!keep*", older_than=WEEK), delete_empty=True)


class EmptyingPromises:
    abilities: Abilities

    def test_a_repository_goes_with_its_last_image_or_says_why_not(self, scene: Scene, tmp_path: Path) -> None:
        _old_images(scene)
        done = empty(scene, ALL_OLD, tmp_path).plan
        scene.settle()
        assert scene.tags() == {}
        assert {item.outcome for item in done.deletions} <= {Outcome.DELETED, Outcome.ALREADY_GONE}
        if self.abilities.deletes_repositories is Emptying.NEVER:
            assert any("no call that deletes a repository" in note for note in done.notes) or _kept(done.empties)
            return
        [item] = done.empties
        assert item.outcome is Outcome.DELETED
        assert not self._is_there(scene)

    def test_a_repository_in_which_anything_stays_is_not_deleted(self, scene: Scene, tmp_path: Path) -> None:
        _old_images(scene)
        kept = scene.push(image(layer("kept")), "keep", age=MONTH)
        done = empty(scene, ALL_OLD, tmp_path).plan
        scene.settle()
        assert done.empties == ()
        assert scene.tags() == {"keep": kept}
        assert not scene.broken(kept)

    def test_what_is_pushed_after_the_plan_keeps_its_repository(self, scene: Scene, tmp_path: Path) -> None:
        _old_images(scene)
        new = image(layer("new"))
        done = empty(scene, ALL_OLD, tmp_path, meanwhile=lambda: scene.push(new, "new")).plan
        scene.settle()
        assert {item.outcome for item in done.empties} <= {Outcome.CHANGED, Outcome.PLANNED}
        assert scene.tags()["new"] == new.digest
        assert not scene.broken(new.digest)

    def test_the_ability_itself_refuses_what_holds_something(self, scene: Scene) -> None:
        kept = scene.push(image(layer("kept")), "keep", age=MONTH)
        registry = scene.open()
        able = isinstance(registry, RepositoryDeleter | WholeDeleter) and not registry.cannot_delete(scene.repository)
        assert able is (self.abilities.deletes_repositories is not Emptying.NEVER)
        if isinstance(registry, RepositoryDeleter):
            with pytest.raises((ItemRefused, Unsupported)):
                registry.delete_repository(scene.repository)
        if isinstance(registry, WholeDeleter):
            with pytest.raises((ItemRefused, Unsupported)):
                registry.delete_whole(scene.repository, {})
        assert scene.tags() == {"keep": kept}
        assert not scene.broken(kept)

    @pytest.mark.parametrize("age", [MONTH, timedelta(minutes=5)])
    def test_one_that_is_empty_already_goes_unless_it_is_new(self, scene: Scene, tmp_path: Path, age: timedelta) -> None:
        """A new one may be waiting for its first push."""
        if self.abilities.deletes_repositories is Emptying.WHOLE:
            return  # it is never empty
        scene.push(image(layer("only")), "old", age=age)
        clean(scene, replace(policy("old"), young=timedelta(0)), tmp_path)
        scene.settle()
        try:
            done = empty(scene, replace(ALL_OLD, young=timedelta(hours=2), delete_unknown_age=False), tmp_path).plan
        except NotFound:
            return  # this vendor has let go of it together with its image
        if self.abilities.deletes_repositories is Emptying.NEVER:
            assert not done.doomed
            return
        [item] = done.empties
        new = Code.TOO_YOUNG if age < timedelta(hours=2) else Code.NOTHING_LEFT
        assert item.reasons[0].code is (new if self.abilities.dates_repositories else Code.UNKNOWN_AGE)
        assert self._is_there(scene) is not item.goes

    def _is_there(self, scene: Scene) -> bool:
        """By a new run's eyes."""
        registry = scene.open()
        try:
            if isinstance(registry, RepositoryLister) and self.abilities.lists_repositories:
                return scene.repository in registry.repositories(scene.path.rpartition("/")[0])
            return bool(registry.inventory(scene.repository).manifests)
        except NotFound:
            return False


def _kept(found: object) -> bool:
    return bool(found) and all(item.reasons[0].code is Code.CANNOT_DELETE_REPOSITORY for item in found)  # type: ignore[attr-defined]


def _old_images(scene: Scene) -> None:
    signed = image(layer("signed"))
    scene.push(index(image(layer("amd64")), image(layer("arm64"))), "old-1", "old-again", age=MONTH)
    scene.push(signed, "old-signed", age=MONTH)
    tag, signature = cosign(signed)
    scene.push(signature, tag.text, age=MONTH)
