"""Whole cleanups by git: a real clone, a registry with what was published, and what is left of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.history import History
from tests.images import image, layer, push

from moorage.commands.cleanup import CleanupResult, cleanup
from moorage.commands.records import Home, Publication, write_record
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
from moorage.settings.config.file import read_config
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
                by_history=not self.strategies, keep_policies=read_config(config).cleanup.keep_policies, limits=self._limits()
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
