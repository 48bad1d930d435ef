"""The clones that CI systems make, as their own commands make them, and what a cleanup by git history makes of those."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.calling import Called, call
from tests.history import git
from tests.images import image, layer, push

from moorage.oci.records import is_record
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {"from-main", "from-feature", "from-tag"}


@dataclass
class Site:
    """An origin with two branches and a tag, from each of which an image was published."""

    folder: Path

    def __post_init__(self) -> None:
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", "shop.git")
        git(self.folder, "clone", "--quiet", "shop.git", "work")
        self.publish("main", "from-main")
        self.publish("feature", "from-feature")
        git(self.work, "checkout", "--quiet", "--detach")
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", "release")
        git(self.work, "tag", "v1")
        git(self.work, "push", "--quiet", "origin", "v1")
        self._put("from-tag")

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def origin(self) -> str:
        return f"file://{self.folder}/shop.git"

    def publish(self, branch: str, tag: str) -> None:
        git(self.work, "checkout", "--quiet", "-B", branch)
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", branch)
        git(self.work, "push", "--quiet", "origin", branch)
        self._put(tag)

    def _put(self, tag: str) -> None:
        source = Registry(f"oci:{self.folder / 'built'}")
        push(LayoutRegistry(source), Repository(source, "image"), image(layer(tag)), "built")
        argv = ("--image", f"app=oci:{self.folder / 'built'}/image:built", "--tag-custom", tag)
        called = self.call("publish", self.work, *argv)
        assert called.code == 0, called.err

    def call(self, command: str, clone: Path, *argv: str) -> Called:
        where = ("--images-repo", f"oci:{self.folder / 'registry'}", "--dir", str(clone), "--project", "shop")
        return call(command, *where, *argv, environ={"HOME": str(self.folder), "PATH": os.environ["PATH"]})

    def cleanup(self, clone: Path, *argv: str) -> Called:
        young = ("--keep-images-built-within-last-n-hours", "0")
        return self.call("cleanup", clone, "--image", "app", *young, "--without-kube", "--output", "json", *argv)

    def left(self) -> set[str]:
        registry = Registry(f"oci:{self.folder / 'registry'}")
        return {
            tag.text for tag in LayoutRegistry(registry).tag_names(Repository(registry, "app")) if not is_record(Tag(tag.text))
        }

    def init(self) -> Path:
        clone = self.folder / "ci"
        git(self.folder, "init", "--quiet", "ci")
        git(clone, "remote", "add", "origin", self.origin)
        return clone

    def of_github(self, *fetch: str) -> Path:
        """As actions/checkout 4 does it on a push to main."""
        clone = self.init()
        head = git(self.folder / "shop.git", "rev-parse", "main").strip()
        refspec = (
            ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            if not fetch
            else (f"+{head}:refs/remotes/origin/main",)
        )
        git(
            clone,
            "-c",
            "protocol.version=2",
            "fetch",
            "--quiet",
            "--prune",
            "--no-recurse-submodules",
            *fetch,
            "origin",
            *refspec,
        )
        git(clone, "checkout", "--quiet", "--force", "-B", "main", "refs/remotes/origin/main")
        return clone

    def of_gitlab(self, *depth: str, branch: bool = True) -> Path:
        """As gitlab-runner 17 does it: of a branch, or of a tag or merge request, where no branch of origin is fetched."""
        clone = self.init()
        head = git(self.folder / "shop.git", "rev-parse", "main").strip()
        refspecs = [f"+{head}:refs/pipelines/7", *(["+refs/heads/main:refs/remotes/origin/main"] if branch else [])]
        git(clone, "fetch", "--quiet", "--prune", *depth, "origin", *refspecs)
        git(clone, "checkout", "--quiet", "--force", head)
        return clone


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_github_with_the_whole_history(site: Site) -> None:
    assert site.cleanup(site.of_github()).code == 0
    assert site.left() == IMAGES


@pytest.mark.parametrize("depth", ["--depth=1", "--depth=20"])
def test_what_is_shallow_says_so(site: Site, depth: str) -> None:
    for _ in range(25):
        site.publish("main", "from-main")
    clone = site.of_github("--no-tags", depth)
    called = site.cleanup(clone)
    assert called.code == 2
    assert "is a shallow clone" in called.problems[0]
    assert site.left() == IMAGES
    assert site.cleanup(clone, "--git-history-synchronization").code == 0
    assert site.left() == IMAGES


def test_a_short_history_is_whole_at_any_depth_and_still_one_branch(site: Site) -> None:
    clone = site.of_gitlab("--depth=20")
    assert not (clone / ".git/shallow").exists()
    called = site.cleanup(clone)
    assert called.code == 6
    assert "knows one branch of origin (main) and lacks branch feature, tag v1" in called.problems[0]
    assert "--git-history-synchronization fetches them" in called.problems[0]
    assert called.document["totals"]["deleted_tags"] == 0
    assert site.left() == IMAGES
    assert site.cleanup(clone, "--git-history-synchronization").code == 0
    assert site.left() == IMAGES


def test_no_branch_of_origin_at_all(site: Site) -> None:
    called = site.cleanup(site.of_gitlab(branch=False))
    assert called.code == 6
    assert "knows no branch of origin and lacks branch feature, branch main, tag v1" in called.problems[0]
    assert site.left() == IMAGES


def test_a_dry_run_shows_the_plan_all_the_same(site: Site) -> None:
    called = site.cleanup(site.of_gitlab(branch=False), "--dry-run")
    assert called.code == 0
    assert called.document["totals"]["planned_tags"] == 3
    assert "knows no branch of origin" in called.document["objections"][0]
    explained = site.call(
        "explain", site.folder / "ci", "--image", "app", "--without-kube", f"oci:{site.folder}/registry/app:from-main"
    )
    assert "knows no branch of origin" in explained.out


def test_one_branch_is_enough_where_policies_ask_for_no_other(site: Site) -> None:
    clone = site.of_gitlab()
    (clone / "moorage.yaml").write_text("cleanup: {keepPolicies: [{references: {branch: main}}], guards: {maxDeletePercent: -1}}")
    assert site.cleanup(clone).code == 0
    assert site.left() == {"from-main"}


def test_who_says_so_goes_on_with_what_is_there(site: Site) -> None:
    assert site.cleanup(site.of_gitlab(), "--allow-git-shallow-clone").code == 0
    assert site.left() == {"from-main"}


@pytest.mark.parametrize(("branch", "code"), [(True, 0), (False, 6)])
def test_an_origin_that_does_not_answer(site: Site, branch: bool, code: int) -> None:
    """Where nothing at all is known, everything would go; else it is noted."""
    clone = site.of_gitlab(branch=branch)
    git(clone, "remote", "set-url", "origin", f"file://{site.folder}/moved.git")
    called = site.cleanup(clone)
    assert called.code == code
    if code:
        assert "asking origin failed" in called.problems[0]
        assert site.left() == IMAGES
    else:
        assert any("whether origin has more branches" in note for note in called.document["notes"])


def test_by_tag_strategies_too(site: Site) -> None:
    assert (
        site.call(
            "publish", site.work, "--image", f"app=oci:{site.folder / 'built'}/image:built", "--tag-git-branch", "feature"
        ).code
        == 0
    )
    clone = site.of_gitlab(branch=False)
    called = site.cleanup(clone, "--git-history-based-cleanup=false")
    assert called.code == 6
    assert "feature" in site.left()
    assert site.cleanup(clone, "--git-history-based-cleanup=false", "--git-history-synchronization").code == 0
    assert "feature" in site.left()


def test_an_origin_that_has_nothing_keeps_nothing(site: Site) -> None:
    clone = site.of_github()
    for name in ("heads/main", "heads/feature", "tags/v1"):
        git(site.folder / "shop.git", "update-ref", "-d", f"refs/{name}")
    git(clone, "fetch", "--quiet", "--prune", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    assert site.cleanup(clone).code == 0
    assert site.left() == set()
