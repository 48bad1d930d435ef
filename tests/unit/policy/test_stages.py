"""Which stages may go. The table is what werf 1.1 does with stages that lead to each other by image ID (but for the circle)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.unit.policy.shelf import NOW, because, digest, image, repository

from moorage.oci import labels
from moorage.oci.reference import Tag
from moorage.policy.claims import Claims, merged
from moorage.policy.plan import Kind
from moorage.policy.planner import Planner
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy
from moorage.policy.stages import Ancestry, made_from, settle, stages_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from moorage.oci.inventory import Inventory, Stored
    from moorage.oci.reference import Digest
    from moorage.policy.plan import Item

UNUSED = Reason(Code.STAGE_UNUSED, "no image that stays was made from it")
OLD = timedelta(days=100)


@dataclass
class Storage:
    """A stages storage of the project `shop` in a few words: stages by the names that lead to them."""

    tags: dict[str, str] = field(default_factory=dict)
    images: list[Stored] = field(default_factory=list)
    ancestry: dict[Digest, Ancestry] = field(default_factory=dict)

    def werf(self, name: str, parent: str = "", *, imports: str = "", age: timedelta | None = OLD, project: str = "shop") -> str:
        """A stage that werf built; returns its tag."""
        said = {"werf": project, "werf-image": "false", "werf-stage-signature": digest(name).hex[:56]}
        tag = f"{digest(name).hex[:56]}-1700000000000"
        self.put(tag, name, said | ({f"werf-import-{imports}": imports} if imports else {}), age)
        self.ancestry[digest(name)] = Ancestry(name, parent)
        return tag

    def own(self, name: str, *below: str, age: timedelta | None = OLD, kept: str = "2026-01-01T00:00:00+00:00") -> str:
        said = {labels.PROJECT: "shop", labels.SIGNATURE: name, labels.STAGES: " ".join(below), labels.KEPT: kept}
        self.put(name, name, said, age)
        return name

    def put(self, tag: str, word: str, said: Mapping[str, str], age: timedelta | None = OLD) -> None:
        self.tags[tag] = word
        self.images.append(image(word, age=age, labels=dict(said)))

    @property
    def inventory(self) -> Inventory:
        return repository(self.tags, *self.images)

    def plan(
        self,
        *needed: str,
        young: timedelta = timedelta(hours=2),
        claims: Claims | None = None,
        cannot_untag: str = "",
        **seen: object,
    ) -> Mapping[str, Item]:
        """By tag; `needed` are the names that an image which stays was made from."""
        inventory = replace(self.inventory, **seen)  # type: ignore[arg-type]
        stages = stages_in(inventory, "shop", self.ancestry)

        def planner(found: Claims) -> Planner:
            return Planner(stages.dated(inventory), Policy(young=young), NOW, merged([found, claims or Claims()]), cannot_untag)

        items = settle(stages, dict.fromkeys(needed, "app:v1"), UNUSED, planner).plan().items
        return {item.tag.text if item.tag else f"@{self.word(item.digest)}": item for item in items}

    def gone(self, *needed: str, young: timedelta = timedelta(hours=2), claims: Claims | None = None) -> set[str]:
        """The words of the tags that go."""
        items = self.plan(*needed, young=young, claims=claims).values()
        return {self.word(item.digest) for item in items if item.kind is Kind.TAG and item.goes}

    def word(self, found: Digest | None) -> str:
        return next((word for word in self.tags.values() if digest(word) == found), "?")


# Each row: stages as NAME, or NAME<PARENT, or NAME+IMPORT, or NAME@HOURS; what images were made from; what goes.
CASES = {
    "the chain of an image stays": ("from install<from setup<install", "setup", ""),
    "what was built on the same goes": ("from install<from setup<install old<install", "setup", "old"),
    "a base that is shared stays": (
        "from install<from setup<install install2<from setup2<install2",
        "setup",
        "install2 setup2",
    ),
    "what files were copied from stays, with its chain": ("a1 a2<a1 from setup<from+a2", "setup", ""),
    "a copy that only a lower stage tells of does not count": ("a1 a2<a1 from+a2 setup<from", "setup", "a1 a2"),
    "copies of copies are followed": ("x y+x top+y", "top", ""),
    "copies in a circle end": ("x+y y+x", "x x", ""),
    "what is two hours old may go": ("new@1 old@3", "", "old"),
    "without a grace all may go": ("new@1 old@3", "", "new old"),
    "a parent that is not here keeps nothing": ("from install<from setup<install", "other", "from install setup"),
}


@pytest.mark.parametrize("case", CASES)
def test_werf_s_stages(case: str) -> None:
    stages, needed, gone = CASES[case]
    storage = Storage()
    for text in stages.split():
        name, _, hours = text.partition("@")
        name, _, imports = name.partition("+")
        name, _, parent = name.partition("<")
        storage.werf(name, parent, imports=imports, age=timedelta(hours=int(hours)) if hours else OLD)
    grace = timedelta(0) if case.startswith("without") else timedelta(hours=2)
    assert storage.gone(*needed.split(), young=grace) == set(gone.split())


def signed(names: Iterable[str]) -> list[str]:
    return [digest(name).hex[:56] for name in names]


def test_our_own_lead_to_each_other_by_signature() -> None:
    base, app, other, alone = signed(["base", "app", "other", "alone"])
    storage = Storage()
    storage.own(base)
    storage.own(app, base)
    storage.own(other, base, "not-here")
    storage.own(alone)
    assert storage.gone(app) == {other, alone}
    assert storage.gone(other) == {app, alone}
    assert storage.gone() == {base, app, other, alone}
    kept = storage.plan(app)[app]
    assert kept.reasons == because("app:v1 was made from it", Code.STAGE_OF_KEPT_IMAGE)
    assert storage.plan()[app].reasons == (UNUSED,)


def test_what_a_stage_that_stays_was_built_on_stays() -> None:
    base, young = signed(["base", "young"])
    storage = Storage()
    storage.own(base)
    storage.own(young, base, age=timedelta(hours=1))
    found = storage.plan()
    assert not any(item.goes for item in found.values())
    assert found[young].reasons[0].code is Code.TOO_YOUNG
    assert found[base].reasons == because(f"the stage {young}, which stays, was made from it", Code.STAGE_OF_KEPT_IMAGE)
    deeper = signed(["deep"])[0]
    storage.own(deeper, young)
    assert storage.gone(claims=Claims(keep_tags={Tag(deeper): because("a pod runs it")})) == set()


def test_only_what_is_labelled_as_this_project_s_stage_goes() -> None:
    storage = Storage()
    own, base = signed(["own", "base"])
    storage.own(own)
    storage.put(f"{own}-1700000000000", "looks-like-werf-s", {})
    storage.put("app-123", "a foreign image", {"werf": "shop", "werf-image": "true"})
    storage.put(signed(["no labels"])[0], "no labels", {})
    storage.put("v1", "a copy", {labels.PROJECT: "shop", labels.SIGNATURE: own})
    said = {labels.PROJECT: "shop", labels.SIGNATURE: base, labels.IMAGE: "app"}
    storage.put(base, "published", said)
    storage.tags["by-hand"] = own
    theirs = storage.werf("theirs", project="other")
    storage.put(digest("others").hex, "others", {labels.PROJECT: "other", labels.SIGNATURE: digest("others").hex})
    assert storage.gone() == {own}
    found = storage.plan()
    assert [tag for tag, item in found.items() if item.goes] == [own], "its manifest has another tag"
    assert found[theirs].reasons[0].code is Code.NOT_COVERED
    assert stages_in(storage.inventory, "shop", storage.ancestry).others == {"other": 2}
    storage.images[-1] = replace(storage.images[-1], labels={labels.PROJECT: "shop", labels.SIGNATURE: digest("others").hex})
    assert "others" in storage.gone()


def test_a_stage_that_was_built_from_a_published_image_is_one_and_what_was_published_from_a_stage_is_none() -> None:
    stage, image_ = signed(["stage", "image"])
    said = {labels.PROJECT: "shop", labels.IMAGE: "base", labels.CONTENT: "sha256:0"}
    storage = Storage()
    storage.put(stage, stage, said | {labels.SIGNATURE: stage, labels.KEPT: "2026-01-01T00:00:00Z"})
    storage.put(image_, image_, said | {labels.SIGNATURE: image_, labels.KEPT: ""})
    assert storage.gone() == {stage}


def test_a_stage_is_as_old_as_its_time_in_the_storage() -> None:
    reproducible, cached = signed(["reproducible", "cached"])
    storage = Storage()
    storage.own(reproducible, age=None)
    storage.own(cached, kept="2026-11-25T11:00:00+00:00")
    assert storage.gone() == {reproducible}
    assert storage.plan()[cached].reasons[0].code is Code.TOO_YOUNG


def test_a_stage_of_unknown_age_stays() -> None:
    storage = Storage()
    (undated,) = signed(["undated"])
    storage.put(undated, undated, {labels.PROJECT: "shop", labels.SIGNATURE: undated}, None)
    storage.werf("theirs", age=None)
    assert storage.gone() == set()


def test_a_mark_goes_with_its_stage_alone() -> None:
    storage = Storage()
    gone, kept, young = storage.werf("gone"), storage.werf("kept"), storage.werf("young", age=timedelta(hours=1))
    for name in (gone, kept, young, f"{'0' * 56}-1700000000000", "v1"):
        storage.put(f"{name}-rejected", f"mark of {name}", {})
    found = storage.plan("kept")
    assert {tag for tag, item in found.items() if item.goes and item.tag} == {gone, f"{gone}-rejected"}
    assert found[f"{gone}-rejected"].reasons == because(f"says that {gone} is rejected, which goes", Code.SUBJECT_GONE)
    storage.images = [
        one if one.digest != digest(f"mark of {gone}") else replace(one, labels={"a": "b"}) for one in storage.images
    ]
    assert not storage.plan("kept")[f"{gone}-rejected"].goes, "an image with the name of a mark"


def test_a_mark_stays_where_its_stage_cannot_go() -> None:
    storage = Storage()
    stage = storage.werf("stage")
    storage.put(f"{stage}-rejected", "mark", {})
    assert not any(item.goes for item in storage.plan(locked_tags={Tag(stage): "immutable"}).values())


def test_what_could_not_be_read_is_no_stage() -> None:
    storage = Storage()
    stage = storage.werf("stage")
    del storage.ancestry[digest("stage")]
    assert storage.gone() == set()
    assert not storage.plan(manifests={}, unreadable={digest("stage"): "500"})[stage].goes


def test_what_an_image_was_made_from() -> None:
    said = {labels.SIGNATURE: "own", labels.STAGES: "arm base"}
    assert made_from(image("one", labels=said)) == ("own", "arm", "base")
    assert made_from(image("one", labels={}), Ancestry("sha256:1", "sha256:0")) == ("sha256:0",)
    assert made_from(image("one", labels=None), Ancestry("sha256:1")) == ()
