"""A project's own images and their records, through any sequence of publishing, moving branches, cleaning, dying and restoring.

What was published at a commit that a branch reaches stays, and what came back from a journal stays for the same reasons as before
it went: each image itself names only a commit that no branch has, so nothing but its records can keep it.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests import layout_reading
from tests.history import History, git
from tests.images import Image, image, layer
from tests.properties.test_story import Killed, Mortal

from moorage.commands.cleanup import CleanupResult, conclude
from moorage.commands.in_use import Running
from moorage.commands.planning import fresh_plan
from moorage.commands.project_images import project_images
from moorage.commands.record_home import Home
from moorage.commands.records import Publication, write_record
from moorage.commands.restore import Back, RestoreSettings, restore
from moorage.commands.world import World
from moorage.oci import labels, media_type
from moorage.oci.manifest import Blob
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.oci.tagging import TagStrategy
from moorage.policy.keep_policies import KeepPolicy, NamePattern, ReferenceKind
from moorage.policy.plan import Outcome
from moorage.policy.rules import Guards, Policy
from moorage.registries.addressing import resolve
from moorage.settings.settings import Access, CleanupSettings, GitCleanup, Project, Storage

START = datetime(2100, 1, 1, tzinfo=UTC)  # a restore dates images by the real clock, and none may lie in the future
PARENTS = {"c0": [], "c1": ["c0"], "c2": ["c1"], "c3": ["c1"], "c4": ["c2", "c3"], "lost": []}
NAMES = st.sampled_from(["v1", "v2", "v3"])
COMMITS = st.sampled_from(sorted(PARENTS.keys() - {"lost"}))
EVERY_BRANCH = KeepPolicy(ReferenceKind.BRANCH, NamePattern("/.*/"))


@dataclass
class Written:
    """A journal, and what the model knew to be recorded of each content when it was written."""

    path: Path
    records: dict[int, set[str]] = field(default_factory=dict)


class ProjectStory(RuleBasedStateMachine):
    """`tags` say which content each tag has, `records` at which commits a content was published since it was last gone for good.

    `ever` are all commits that it ever was published at: more may be recorded than the model knows of, never less.
    """

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="moorage-test-"))
        self.history = History(self.root / "clone", START)
        for commit, parents in PARENTS.items():
            self.history.commit(commit, "1h", *parents)
        self.history.build()
        self.branches: dict[str, str] = {}
        self.storage = Storage(resolve(f"oci:{self.root}/registry"))
        self.repository = Repository(self.storage.repo.registry, "app")
        self.folder = self.root / "registry/app"
        self.now = START
        self.registry = Mortal(self.storage.repo.registry, clock=lambda: START - timedelta(days=30))
        self.world = World(now=self._later, environ={"HOME": str(self.root)})
        self.images = [self._image(number) for number in range(3)]
        self.tags: dict[str, int] = {}
        self.records: dict[int, set[str]] = {number: set() for number in range(3)}
        self.ever: dict[int, set[str]] = {number: set() for number in range(3)}
        self.journals: list[Written] = []
        for number, one in enumerate(self.images):
            self._hold(one, f"holder-{number}")

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(number=st.integers(0, 2), tag=NAMES, commit=COMMITS)
    def publish(self, number: int, tag: str, commit: str) -> None:
        before = self.tags.get(tag)
        one = self.images[number]
        self.registry.put_manifest(self.repository, Tag(tag), one.content, one.media_type)
        self.tags[tag] = number
        when = self._later()
        content = f"sha256:{str(number) * 64}"
        publication = Publication("app", self.history[commit], content, when, {tag: TagStrategy.CUSTOM}, "shop")
        write_record(Home(self.registry, self.repository), publication)
        self.records[number].add(commit)
        self.ever[number].add(commit)
        if before is not None and before not in self.tags.values():
            self.records[before] = set()  # the next cleanup may take them

    @rule(branch=st.sampled_from(["main", "feature"]), commit=COMMITS)
    def move(self, branch: str, commit: str) -> None:
        git(self.history.path, "update-ref", f"refs/remotes/origin/{branch}", self.history[commit])
        self.branches[branch] = commit

    @precondition(lambda self: self.branches)
    @rule(data=st.data())
    def delete_branch(self, data: st.DataObject) -> None:
        branch = data.draw(st.sampled_from(sorted(self.branches)))
        git(self.history.path, "update-ref", "-d", f"refs/remotes/origin/{branch}")
        del self.branches[branch]

    @rule()
    def cleanup(self) -> None:
        wanted, unwanted = self._wanted(), self._unwanted()
        result = self._clean()
        assert result.failure is None, result.failure
        left = self._left()
        assert wanted <= left, "what a branch keeps is gone"
        assert not unwanted & left, "what no branch ever kept is still there"
        assert self._clean().plan.deletions == ()
        self._forget(left)

    @rule(deletions=st.integers(0, 3), after=st.booleans())
    def crash(self, deletions: int, after: bool) -> None:
        wanted = self._wanted()
        self.registry.left, self.registry.after = deletions, after
        try:
            self._clean()
        except Killed:
            pass
        finally:
            self.registry.left = None
        left = self._left()
        assert wanted <= left
        self._forget(left)

    @precondition(lambda self: self.journals)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        journal = data.draw(st.sampled_from(self.journals))
        result = restore(RestoreSettings(Access(), self.storage, journal.path), self.world)
        numbers = {one.digest: number for number, one in enumerate(self.images)}
        for item in result.items:
            assert item.outcome is not Back.LOST, item.error
            if item.tag is not None and item.outcome in (Back.RESTORED, Back.THERE):
                number = numbers[item.digest]
                self.tags[item.tag.text] = number
                self.records[number] |= journal.records.get(number, set())

    @invariant()
    def what_is_there_can_be_pulled(self) -> None:
        there = {tag: digest for tag, digest in layout_reading.tags(self.folder).items() if not is_record(Tag(tag))}
        held = {tag: digest for tag, digest in there.items() if tag.startswith("holder-")}
        assert len(held) == 3
        assert there == held | {tag: self.images[number].digest.text for tag, number in self.tags.items()}
        layout_reading.whole(self.folder)

    def _later(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def _image(self, number: int) -> Image:
        words = {
            labels.IMAGE: "app", labels.PROJECT: "shop", labels.CONTENT: f"sha256:{str(number) * 64}",
            labels.REVISION: self.history["lost"],
        }  # fmt: skip
        return image(layer(str(number)), labels=words)

    def _hold(self, one: Image, tag: str) -> None:
        """Somebody else's artifact that has the same blobs, so that the layout does not free them with the image."""
        for digest, content in {**one.blobs, Digest.of(b"{}"): b"{}"}.items():
            self.registry.put_blob(self.repository, Blob(digest, len(content)), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
        parts = [
            {"mediaType": "application/x", "digest": digest.text, "size": len(content)} for digest, content in one.blobs.items()
        ]
        config = {"mediaType": media_type.OCI_EMPTY, "digest": Digest.of(b"{}").text, "size": 2}
        document = {
            "schemaVersion": 2,
            "mediaType": media_type.OCI_MANIFEST,
            "artifactType": "application/x",
            "config": config,
            "layers": parts,
        }
        self.registry.put_manifest(self.repository, Tag(tag), json.dumps(document).encode(), media_type.OCI_MANIFEST)

    def _reached(self) -> set[str]:
        found: set[str] = set()
        waiting = list(self.branches.values())
        while waiting:
            commit = waiting.pop()
            found.add(commit)
            waiting += [parent for parent in PARENTS[commit] if parent not in found]
        return found

    def _wanted(self) -> set[str]:
        """Tags that have to stay. Contents that share a commit live and die together, so theirs may be more."""
        reached = self._reached()
        return {tag for tag, number in self.tags.items() if self.records[number] & reached}

    def _unwanted(self) -> set[str]:
        """Tags of contents that nothing could keep, whatever was recorded, and however it is shared."""
        reached = self._reached()
        if any(commits & reached for commits in self.ever.values()):
            return set()
        return set(self.tags)

    def _left(self) -> set[str]:
        there = {tag for tag in layout_reading.tags(self.folder) if not is_record(Tag(tag)) and not tag.startswith("holder-")}
        assert there <= self.tags.keys()
        return there

    def _forget(self, left: set[str]) -> None:
        self.tags = {tag: number for tag, number in self.tags.items() if tag in left}
        for number in self.records:
            if number not in self.tags.values():
                self.records[number] = set()

    def _clean(self) -> CleanupResult:
        written = Written(
            self.root / f"journal-{len(self.journals)}", {number: set(found) for number, found in self.records.items()}
        )
        asked = CleanupSettings(
            Access(parallel=2), self.storage, Project("shop", self.history.path), ("app",), Policy(young=timedelta(0)),
            Guards(None, None), journal=written.path, git=GitCleanup(keep_policies=(EVERY_BRANCH,)),
        )  # fmt: skip
        try:
            with project_images(asked, self.world, self.registry) as project:
                plan, views = fresh_plan(asked, self.world, self.registry, Running(), project)
                result = conclude(asked, self.world, self.registry, project, plan, views, Running())
        finally:
            if written.path.exists():
                self.journals.append(written)
        assert all(item.outcome is Outcome.DELETED for item in result.plan.deletions)
        return result


ProjectStory.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # it asks git
)
TestProjectStory = ProjectStory.TestCase
