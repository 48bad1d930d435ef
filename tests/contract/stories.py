"""Whole cleanups: what is kept stays whole, what should go goes, and a second run finds nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.cleaning import MONTH, WEEK, clean, outcomes, plan_of, policy
from tests.images import artifact, attestation, cosign, image, index, layer

from moorage.commands.journal import read_journal
from moorage.oci.reference import Digest
from moorage.policy.claims import Claims
from moorage.policy.plan import Kind, Outcome
from moorage.policy.reason import Code, Reason
from moorage.registries.interface import Restorer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.abilities import Abilities
    from tests.contract.scene import Scene


class CleanupStories:
    abilities: Abilities

    def test_a_busy_repository_is_cleaned_and_what_is_kept_stays_whole(self, scene: Scene, tmp_path: Path) -> None:
        kept, gone = _busy(scene, self.abilities)
        run = clean(scene, policy(older_than=WEEK), tmp_path)
        scene.settle()
        assert set(outcomes(run).values()) <= {Outcome.DELETED, Outcome.ALREADY_GONE}, run.outcomes
        assert {tag: problems for tag, digest in scene.tags().items() if (problems := scene.broken(digest))} == {}
        missing = [name for name, digest in kept.items() if scene.broken(digest)]
        assert missing == []
        left = set(scene.tags())
        assert {"keep-v2", "keep-both", "keep-nested", "young"} <= left
        assert not {name for name in left if name.startswith("old")}
        assert [name for name, digest in gone.items() if scene.has(digest)] == []

    def test_a_second_run_finds_nothing_to_do(self, scene: Scene, tmp_path: Path) -> None:
        _busy(scene, self.abilities)
        wanted = policy(older_than=WEEK)
        clean(scene, wanted, tmp_path)
        scene.settle()
        again = [item for item in plan_of(scene, wanted) if item.goes]
        assert again == []
        assert clean(scene, wanted, tmp_path).outcomes == {}

    def test_a_protected_tag_on_a_child_keeps_the_child_and_not_its_index(self, scene: Scene, tmp_path: Path) -> None:
        child, other = image(layer("child")), image(layer("other"))
        parent = index(child, other)
        scene.push(parent, "old-index", age=MONTH)
        scene.push(child, "keep-child", age=MONTH)
        scene.push(image(layer("young"), created=None), "keep-young")
        clean(scene, policy("old*"), tmp_path)
        scene.settle()
        assert scene.tags().keys() == {"keep-child", "keep-young"}
        assert not scene.broken(child.digest)
        assert not scene.has(parent.digest)

    def test_an_sbom_with_a_tag_stays_with_its_image_whatever_covers_it(self, scene: Scene, tmp_path: Path) -> None:
        kept, gone = image(layer("kept")), image(layer("gone"))
        scene.push(kept, "keep", age=MONTH)
        scene.push(gone, "old", age=MONTH)
        stays = scene.push(artifact(kept, payload=b"of what stays"), "old-sbom-of-keep", age=MONTH)
        scene.push(artifact(gone, payload=b"of what goes"), "old-sbom-of-old", age=MONTH)
        clean(scene, policy("old*"), tmp_path)
        scene.settle()
        assert scene.tags() == {"keep": kept.digest, "old-sbom-of-keep": stays}
        assert not scene.broken(stays)

    def test_a_part_that_runs_somewhere_by_its_digest_stays(self, scene: Scene, tmp_path: Path) -> None:
        used, other = image(layer("used"), platform="linux/arm64"), image(layer("other"))
        parent = index(used, other)
        scene.push(parent, "old-index", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        running = Claims(keep_digests={used.digest: (Reason(Code.IN_USE, "runs in production"),)})
        clean(scene, policy("old*"), tmp_path, claims=running)
        scene.settle()
        assert not scene.broken(used.digest)
        assert "keep" in scene.tags()
        assert scene.has(parent.digest) is self.abilities.takes_children
        assert scene.has(other.digest) is self.abilities.takes_children

    def test_the_journal_can_put_back_whatever_went(self, scene: Scene, tmp_path: Path) -> None:
        _, gone = _busy(scene, self.abilities)
        registry = scene.open()
        clean(scene, policy(older_than=WEEK), tmp_path, registry)
        (file,) = tmp_path.glob("journal-*.jsonl")
        _, entries = read_journal(file)
        whole = {entry.digest: entry for entry in entries if not entry.manifest_stays}
        assert [name for name, digest in gone.items() if digest not in whole] == []
        for digest in gone.values():
            undone_by_vendor = isinstance(registry, Restorer) and whole[digest].vendor_id
            assert undone_by_vendor or Digest.of(whole[digest].content) == digest

    def test_one_of_two_tags_goes_or_says_why_it_stays(self, scene: Scene, tmp_path: Path) -> None:
        both = image(layer("both"))
        scene.push(both, "old-name", "keep-name")
        items = {str(item.tag): item for item in plan_of(scene, policy("old*")) if item.kind is Kind.TAG}
        assert items["old-name"].goes is self.abilities.untags
        if not self.abilities.untags:
            assert "cannot-untag" in {reason.code.value for reason in items["old-name"].reasons}
        clean(scene, policy("old*"), tmp_path)
        scene.settle()
        assert ("old-name" in scene.tags()) is not self.abilities.untags
        assert scene.tags().get("keep-name") == both.digest
        assert not scene.broken(both.digest)

    def test_a_damaged_manifest_protects_what_it_might_need_and_stops_nothing_else(self, scene: Scene, tmp_path: Path) -> None:
        inside = image(layer("inside"))
        damaged = index(inside)
        scene.push(damaged, "keep-damaged", age=MONTH)
        scene.push(inside, "old-inside", age=MONTH)
        scene.push(image(layer("fine")), "old-fine", "keep-fine", age=MONTH)
        scene.unreadable(damaged.digest)
        run = clean(scene, policy("old*"), tmp_path)
        scene.settle()
        assert run.halted is None
        assert not scene.broken(damaged.digest)
        assert ("old-fine" in scene.tags()) is not self.abilities.untags

    def test_a_tag_that_moves_after_the_plan_is_left_alone(self, scene: Scene, tmp_path: Path) -> None:
        scene.push(image(layer("before")), "old-moved", "old-other", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        after = image(layer("after"))
        run = clean(scene, policy("old*"), tmp_path, meanwhile=lambda: scene.push(after, "old-moved"))
        scene.settle()
        assert outcomes(run)["old-moved"] is Outcome.CHANGED
        assert scene.tags().get("old-moved") == after.digest
        assert not scene.broken(after.digest)


def _busy(scene: Scene, abilities: Abilities) -> tuple[dict[str, Digest], dict[str, Digest]]:
    """A repository with everything in it; the digests that have to stay, and those that have to go, by what they are."""
    amd, arm, shared = (image(layer(name), platform=f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
    old_only = image(layer("old only"))
    keep_index, old_index = index(amd, shared, attestation(amd)), index(arm, shared, old_only)
    nested = index(index(arm, image(layer("deep"))), image(layer("beside")))
    signed, old_signed = image(layer("signed")), image(layer("old signed"))
    both = image(layer("both"))
    scene.push(keep_index, "keep-v2", age=MONTH)
    scene.push(old_index, "old-v1", "old-again", age=MONTH)
    scene.push(nested, "keep-nested", age=MONTH)
    scene.push(signed, "keep-signed", age=MONTH)
    scene.push(old_signed, "old-signed", age=MONTH)
    scene.push(both, "keep-both", age=MONTH)
    if abilities.untags:
        scene.push(both, "old-both", age=MONTH)
    scene.push(image(layer("young"), created=_moment(scene)), "young")
    signatures = {}
    for one in (signed, old_signed):
        tag, signature = cosign(one)
        scene.push(signature, tag.text, age=MONTH)
        signatures[one.digest] = signature.digest
    sbom = scene.push(artifact(signed, payload=b"sbom"), "keep-sbom", age=MONTH)
    kept = {
        "index": keep_index.digest, "nested": nested.digest, "shared child": shared.digest, "arm64": arm.digest,
        "signed": signed.digest, "its signature": signatures[signed.digest], "both": both.digest, "sbom": sbom,
    }  # fmt: skip
    gone = {
        "old index": old_index.digest, "its own child": old_only.digest, "old signed": old_signed.digest,
        "its signature": signatures[old_signed.digest],
    }  # fmt: skip
    return kept, gone


def _moment(scene: Scene) -> str:
    return scene.now().strftime("%Y-%m-%dT%H:%M:%SZ")
