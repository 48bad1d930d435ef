"""Whole cleanups by git: a real clone, a registry with what was published, and what is left of it afterwards."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.calling import Called, call, config_in
from tests.history import History, git
from tests.images import image, layer, push

from moorage.commands.cleanup import CleanupResult, cleanup
from moorage.commands.record_home import Home
from moorage.commands.records import Publication, write_record
from moorage.commands.world import World
from moorage.errors import ConfigurationError
from moorage.oci import labels
from moorage.oci.records import RecordTag, is_record
from moorage.oci.reference import Registry, Repository, Tag
from moorage.oci.tagging import TagStrategy
from moorage.oci.werf_tag import commit_tag, recorded_commit
from moorage.option import duration
from moorage.policy.plan import Action, Kind
from moorage.policy.rules import Guards, Policy
from moorage.policy.tag_strategies import StrategyLimit, StrategyLimits
from moorage.registries.addressing import resolve
from moorage.registries.layout.registry import LayoutRegistry
from moorage.settings.settings import Access, CleanupSettings, GitCleanup, Project, Storage

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CASES = yaml.safe_load(Path(__file__).parents[1].joinpath("data/cleanup_scenarios.yaml").read_text("utf-8"))
PROJECT = "shop"


@dataclass
class Story:
    """One case, set up in a directory. `by` says whose labels and records the images have."""

    case: Mapping[str, Any]
    folder: Path
    by: str

    def __post_init__(self) -> None:
        self.registry = Registry(f"oci:{self.folder / 'registry'}")
        self.history = History(self.folder / "clone", NOW)
        self.strategies = self.case.get("algorithm") == "strategies"

    def set_up(self) -> None:
        if "commits" in self.case:
            self._make_history()
        else:
            self.history.path.mkdir()
        for name, tags in self.images.items():
            for tag, said in tags.items():
                self._publish(name, tag, str(said))
        if not self.strategies:
            for commit, content in self.case.get("records", {}).items():
                self._record(commit, content)

    @property
    def images(self) -> Mapping[str, Mapping[str, str]]:
        images = self.case["images"]
        nested = all(isinstance(value, dict) for value in images.values())
        return images if nested else {"app": images}

    def clean(self) -> CleanupResult:
        config = self.folder / "moorage.yaml"
        config.write_text(yaml.safe_dump({"cleanup": {"keepPolicies": self.case.get("policies", [])}}), "utf-8")
        keep_list = self.folder / "in-use"
        keep_list.write_text("\n".join(self._in_use()), "utf-8")
        settings = CleanupSettings(
            access=Access(),
            storage=Storage(resolve(self.registry.name)),
            project=Project(PROJECT, self.history.path),
            images=tuple(self.images),
            policy=Policy(young=timedelta()),
            guards=Guards(None, None),
            dry_run=self.case.get("dry_run", False),
            keep_lists=(keep_list,),
            journal=self.folder / "journal.jsonl",
            git=GitCleanup(
                by_history=not self.strategies, keep_policies=config_in(config).cleanup.keep_policies, limits=self._limits()
            ),
        )
        return cleanup(settings, World(now=lambda: NOW, environ={}))

    def left(self) -> set[str]:
        """Tags that are still there, `NAME:TAG` where there are several images; commits are called by their names."""
        names = {self.history[name]: name for name in self.case.get("commits", {})}
        registry = LayoutRegistry(self.registry)
        return {
            self._title(name, names.get(tag.text, tag.text))
            for name in self.images
            for tag in registry.tag_names(Repository(self.registry, name))
            if not is_record(tag)
        }

    def published(self) -> set[str]:
        return {self._title(name, tag) for name, tags in self.images.items() for tag in tags}

    def recorded(self) -> set[str]:
        names = {self.history[name]: name for name in self.case.get("commits", {})}
        tags = LayoutRegistry(self.registry).tag_names(Repository(self.registry, "app"))
        ours = {record.commit for tag in tags if (record := RecordTag.parse(tag))}
        theirs = {commit for tag in tags if (commit := recorded_commit(tag.text))}
        return {names[commit] for commit in ours | theirs}

    def _title(self, name: str, tag: str) -> str:
        return f"{name}:{tag}" if len(self.images) > 1 else tag

    def _make_history(self) -> None:
        for name, said in self.case["commits"].items():
            self.history.commit(name, *str(said).split())
        for key, remote in (("branches", "origin"), ("upstream", "upstream"), ("local", "")):
            for name, commit in self.case.get(key, {}).items():
                self.history.branch(name, commit, remote)
        for name, commit in self.case.get("tags", {}).items():
            self.history.tag(name, commit)
        self.history.build()

    def _publish(self, name: str, tag: str, said: str) -> None:
        strategy, _, age = said.partition(" ") if self.strategies else ("", "", "")
        content = f"{name} {tag}" if self.strategies else said
        actual = self.history[tag] if tag in self.case.get("commits", {}) else tag
        words = self._werf_words(name, actual, content, strategy) if self.by == "werf" else self._own_words(name, content)
        when = NOW - duration(age or "1m")
        registry = LayoutRegistry(self.registry, clock=lambda: when)
        push(registry, Repository(self.registry, name), image(layer(content), labels=words), actual)
        if self.by == "moorage" and strategy in set(TagStrategy):
            commit = self.history[next(iter(self.case["commits"]))]
            self._write(name, commit, content, {actual: TagStrategy(strategy)})

    def _record(self, commit: str, content: str) -> None:
        """Of the image `app`, the only one that has records in these cases."""
        if self.by == "moorage":
            self._write("app", self.history[commit], content, {})
            return
        record = image(layer("nothing"), labels={"ContentSignature": content, "of": commit}, docker=True)
        registry = LayoutRegistry(self.registry)
        push(registry, Repository(self.registry, "app"), record, commit_tag("app", self.history[commit]))

    def _write(self, name: str, commit: str, content: str, tags: Mapping[str, TagStrategy]) -> None:
        home = Home(LayoutRegistry(self.registry), Repository(self.registry, name))
        write_record(home, Publication(name, commit, content, NOW - timedelta(minutes=1), tags, PROJECT))

    @staticmethod
    def _own_words(name: str, content: str) -> dict[str, str]:
        return {labels.IMAGE: name, labels.CONTENT: content, labels.PROJECT: PROJECT}

    @staticmethod
    def _werf_words(name: str, tag: str, content: str, strategy: str) -> dict[str, str]:
        words = {"werf": PROJECT, "werf-image": "true", "werf-image-name": name, "werf-image-tag": tag}
        words |= {"werf-content-signature": content}
        return words | ({"werf-tag-strategy": strategy} if strategy in set(TagStrategy) else {})

    def _in_use(self) -> list[str]:
        registry = LayoutRegistry(self.registry)
        return [
            registry.resolve(Repository(self.registry, "app"), Tag(text[1:])).text if text.startswith("@") else text
            for text in self.case.get("in_use", [])
        ]

    def _limits(self) -> StrategyLimits:
        said = self.case.get("limits", {})

        def limit(kind: str) -> StrategyLimit:
            days = said.get(f"{kind}_days")
            return StrategyLimit(said.get(f"{kind}_last"), None if days is None else timedelta(days=days))

        return StrategyLimits(limit("git_tag"), limit("git_commit"))


@pytest.mark.parametrize("by", ["moorage", "werf"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_cleanup_leaves_what_git_wants(case: Mapping[str, Any], by: str, tmp_path: Path) -> None:
    story = Story(case, tmp_path, by)
    story.set_up()
    if "error" in case:
        with pytest.raises(ConfigurationError, match=case["error"]) as caught:
            story.clean()
        assert caught.value.exit_code == 2
        assert story.left() == story.published()
        return
    result = story.clean()
    assert result.failure is None
    planned = {item.tag.text for item in result.plan.items if item.kind is Kind.TAG and item.action is Action.DELETE and item.tag}
    assert len(planned) == len(case["goes"])
    assert story.left() == story.published() - (set() if case.get("dry_run") else set(case["goes"]))
    if "recorded" in case:
        assert story.recorded() == set(case["recorded"])
    assert not [note for note in result.plan.notes if "could not" in note]
    if not case.get("dry_run"):
        assert not story.clean().plan.deletions, "a second run right after finds nothing to do"


# Published by `moorage publish`


@dataclass
class Workshop:
    """A user's clone whose origin is another repository, and a registry next to it."""

    folder: Path

    def __post_init__(self) -> None:
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", "shop.git")
        git(self.folder, "clone", "--quiet", "shop.git", "clone")
        self.clone = self.folder / "clone"
        self.registry = Registry(f"oci:{self.folder / 'registry'}")
        self.content = 0

    def commit(self, branch: str, content: str, *, age: str = "1h") -> str:
        """A commit on a branch, pushed; the image that belongs to it is built next to the clone. Returns the hash."""
        here = git(self.clone, "branch", "--list", branch).strip()
        git(self.clone, *(["checkout", "--quiet", branch] if here else ["checkout", "--quiet", "-B", branch]))
        date = (datetime.now(UTC) - duration(age)).isoformat()
        environ = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
        git(self.clone, "commit", "--quiet", "--allow-empty", "-m", content, environ=environ)
        git(self.clone, "push", "--quiet", "origin", branch)
        source = Registry(f"oci:{self.folder / 'built'}")
        push(LayoutRegistry(source), Repository(source, "app"), image(layer(content)), "built")
        return git(self.clone, "rev-parse", "HEAD").strip()

    def drop(self, branch: str, *, fetch: bool = True) -> None:
        """Delete a branch at origin, and with `fetch` let the clone know."""
        git(self.folder / "shop.git", "update-ref", "-d", f"refs/heads/{branch}")
        if fetch:
            git(self.clone, "fetch", "--quiet", "--prune")

    def publish(self, *tags: str) -> Called:
        called = self.call("publish", "--image", f"app=oci:{self.folder / 'built'}/app:built", *tags)
        assert called.code == 0, called.err
        return called

    def cleanup(self, *argv: str) -> Called:
        return self.call("cleanup", "--image", "app", "--keep-images-built-within-last-n-hours", "0", "--without-kube", *argv)

    def call(self, command: str, *argv: str) -> Called:
        where = ("--images-repo", self.registry.name, "--dir", str(self.clone))
        return call(command, *where, *argv, environ={"HOME": str(self.folder), "PATH": os.environ["PATH"]})

    def age(self, pushed: str) -> None:
        """As if everything that is there had been pushed at that moment, and has only been recorded since."""
        index = self.folder / "registry" / "app" / "index.json"
        document = json.loads(index.read_text("utf-8"))
        for entry in document["manifests"]:
            entry["annotations"]["dev.moorage.pushed"] = pushed
        index.write_text(json.dumps(document), "utf-8")

    def tags(self) -> set[str]:
        names = LayoutRegistry(self.registry).tag_names(Repository(self.registry, "app"))
        return {tag.text for tag in names if not is_record(tag)}

    def records(self) -> list[str]:
        names = LayoutRegistry(self.registry).tag_names(Repository(self.registry, "app"))
        return sorted(record.commit for tag in names if (record := RecordTag.parse(tag)))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_a_branch_that_is_merged_and_deleted_keeps_nothing_more(workshop: Workshop) -> None:
    workshop.commit("main", "first")
    workshop.publish("--tag-git-branch", "main")
    workshop.commit("feature", "second")
    workshop.publish("--tag-git-branch", "feature")
    assert workshop.cleanup().code == 0
    assert workshop.tags() == {"main", "feature"}
    workshop.drop("feature", fetch=False)
    called = workshop.cleanup("--git-history-synchronization", "--output", "json")
    assert called.code == 0, called.err
    assert workshop.tags() == {"main"}
    (gone,) = (item for item in called.document["items"] if item["tag"] == "feature")
    assert gone["outcome"] == "deleted"
    assert "no branch or tag that a keep policy selects leads there" in gone["reasons"][0]["detail"]


def test_the_same_content_at_another_commit_lives_on_with_it(workshop: Workshop) -> None:
    """The image's own label names a commit that a force push took away; the record of the later publish keeps it."""
    workshop.commit("old", "same")
    workshop.publish("--tag-custom", "v1")
    git(workshop.clone, "checkout", "--quiet", "--orphan", "main")
    latest = workshop.commit("main", "same")
    assert workshop.publish("--tag-custom", "v1", "--output", "json").document["images"][0]["status"] == "up-to-date"
    workshop.drop("old")
    assert workshop.cleanup().code == 0
    assert workshop.tags() == {"v1"}
    assert latest in workshop.records()


def test_what_was_published_again_just_now_stays_however_old_the_image_is(workshop: Workshop) -> None:
    """A clone of a few minutes ago knows no commit of a publish meanwhile, and old layers make no new date."""
    workshop.commit("main", "first")
    workshop.publish("--tag-custom", "v1")
    workshop.commit("feature", "second")
    workshop.publish("--tag-custom", "v2", "--tag-custom", "v3")
    workshop.age("2025-01-01T00:00:00Z")
    workshop.drop("feature")
    called = workshop.call("cleanup", "--image", "app", "--without-kube", "--output", "json")
    assert called.code == 0, called.err
    told = {item["tag"]: item["reasons"][0] for item in called.document["items"] if item["kind"] == "tag"}
    assert {tag: reason["code"] for tag, reason in told.items()} == {"v1": "keep-policy", "v2": "too-young", "v3": "too-young"}
    assert re.fullmatch(r"published \d+[ms]( \d+s)? ago, the grace for new images is 2h", told["v2"]["detail"])
    assert workshop.cleanup().code == 0
    assert workshop.tags() == {"v1"}


def test_records_are_no_tags_in_plans_and_go_with_their_image(workshop: Workshop) -> None:
    workshop.commit("main", "first")
    workshop.publish("--tag-custom", "v1", "--tag-custom", "v2")
    assert len(workshop.records()) == 1
    called = workshop.cleanup("--dry-run", "--output", "json")
    assert {item["tag"] for item in called.document["items"] if item["kind"] == "tag"} == {"v1", "v2"}
    assert called.document["totals"]["kept_tags"] == 2
    assert called.document["totals"]["kept_manifests"] == 1
    workshop.drop("main")
    called = workshop.cleanup("--output", "json")
    assert called.document["totals"]["deleted_tags"] == 2
    assert workshop.tags() == set()
    assert workshop.records() == []


def test_a_shallow_clone_is_refused_before_anything_is_deleted(workshop: Workshop) -> None:
    workshop.commit("main", "first")
    workshop.publish("--tag-custom", "v1")
    workshop.commit("main", "second")
    shallow = workshop.folder / "shallow"
    git(workshop.folder, "clone", "--quiet", "--depth", "1", f"file://{workshop.folder / 'shop.git'}", str(shallow))
    workshop.clone = shallow
    called = workshop.cleanup()
    assert called.code == 2
    assert "is a shallow clone" in called.err
    assert "fetch-depth: 0" in called.err
    assert workshop.cleanup("--git-history-synchronization").code == 0
    assert workshop.tags() == {"v1"}


def test_without_a_repository_history_is_refused_and_strategies_need_none(workshop: Workshop) -> None:
    workshop.commit("main", "first")
    workshop.publish("--tag-git-branch", "gone", "--tag-custom", "v1")
    workshop.clone = workshop.folder / "elsewhere"
    workshop.clone.mkdir()
    called = workshop.cleanup()
    assert called.code == 2
    assert "lies in no git repository" in called.err
    called = workshop.cleanup("--git-history-based-cleanup=false", "--project", "shop", "--output", "json")
    assert called.code == 0
    assert workshop.tags() == {"gone", "v1"}
    assert any("nobody knows which git tags" in note for note in called.document["notes"])


def test_tag_strategies_are_remembered_tag_by_tag(workshop: Workshop) -> None:
    """All tags of an image share one digest, so that no label could tell which of them was made from a branch."""
    workshop.commit("main", "first")
    workshop.publish("--tag-git-branch", "gone", "--tag-custom", "v1", "--tag-git-branch", "gone")
    workshop.publish("--tag-git-branch", "main")
    called = workshop.cleanup("--git-history-based-cleanup=false", "--output", "json")
    assert called.code == 0, called.err
    assert workshop.tags() == {"main", "v1"}
    (gone,) = (item for item in called.document["items"] if item["tag"] == "gone")
    assert gone["reasons"] == [{"code": "not-kept", "detail": "no branch of origin is called gone"}]


def test_an_image_that_is_no_longer_configured_is_cleaned_and_then_forgotten(workshop: Workshop) -> None:
    workshop.commit("main", "first")
    workshop.publish("--tag-custom", "v1")
    workshop.drop("main")
    (workshop.clone / "moorage.yaml").write_text("images: [{image: other}]\n", "utf-8")
    assert workshop.call("managed-images", "ls").out == "app\n"
    called = workshop.call("cleanup", "--keep-images-built-within-last-n-hours", "0")
    assert called.code == 0, called.err
    assert workshop.tags() == set()
    assert workshop.call("managed-images", "ls").out == ""
