"""Any sequence of publishing, moving and deleting tags, cleaning up, being killed and restoring: what is kept can be pulled.

The stories themselves run, over a directory of layouts; what they left is read without Moorage's code.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests import layout_reading
from tests.images import Image, artifact, cosign, image, index, layer, push

from moorage.commands.cleanup import CleanupResult, conclude
from moorage.commands.in_use import Running
from moorage.commands.journal import read_journal
from moorage.commands.planning import fresh_plan
from moorage.commands.restore import Back, RestoreSettings, restore
from moorage.commands.world import World
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Outcome
from moorage.policy.rules import Guards, Policy, Rule
from moorage.registries.addressing import resolve
from moorage.registries.layout.registry import LayoutRegistry
from moorage.settings.settings import Access, CleanupSettings, Project, Storage

NOW = datetime(2026, 6, 1, tzinfo=UTC)

# Few and closely related, so that what goes and what stays share layers, children and subjects all the time.
LAYERS = [layer(str(number)) for number in range(3)]
SINGLE = [image(LAYERS[0]), image(LAYERS[0], LAYERS[1]), image(LAYERS[2], platform="linux/arm64"), image(LAYERS[1], docker=True)]
INDEXES = [index(SINGLE[0], SINGLE[2]), index(SINGLE[1], SINGLE[2]), index(index(SINGLE[0], SINGLE[2]), SINGLE[1])]
CONTENTS = [*SINGLE, *INDEXES, artifact(SINGLE[0]), artifact(INDEXES[0])]
SIGNATURES = [cosign(SINGLE[1]), cosign(INDEXES[0], ".att")]

names = st.sampled_from(["v1", "v2", "pr-1", "pr-2", "pr-3", "keep"])
policies = st.builds(
    lambda rules, protect, young: Policy(
        tuple(rules), TagSelector.parse(["keep"]) if protect else None, young=young, delete_unknown_age=True
    ),
    st.lists(
        st.sampled_from(
            [
                Rule("pr", TagSelector.parse(["pr-*"])),
                Rule("old", older_than=timedelta(days=10)),
                Rule("some", keep_newest=1),
                Rule("two", TagSelector.parse(["v*"]), keep_newest=1, older_than=timedelta(days=5)),
                Rule("untagged", tagged=False, untagged=True),
            ]
        ),
        min_size=1, max_size=2, unique=True,
    ),
    st.booleans(),
    st.sampled_from([timedelta(0), timedelta(days=2)]),
)  # fmt: skip


class Killed(BaseException):
    """The end of a process, as far as everything that it still wanted to do is concerned."""


class Mortal(LayoutRegistry):
    """Ends the process with the n-th deletion from now: right before it, or right after."""

    left: int | None = None
    after = False

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        self._die(after=False)
        super().delete_manifest(repository, digest)
        self._die(after=True)

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        self._die(after=False)
        super().delete_tag(repository, tag)
        self._die(after=True)

    def _die(self, *, after: bool) -> None:
        if self.left is None or after is not self.after:
            return
        if self.left == 0:
            raise Killed
        self.left -= 1


class Story(RuleBasedStateMachine):
    """The model: where each tag points. `journals` are those of all runs so far."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="moorage-test-"))
        self.storage = Storage(resolve(f"oci:{self.root}/registry"))
        self.repository = Repository(self.storage.repo.registry, "app")
        self.folder = self.root / "registry/app"
        self.age = timedelta(days=30)
        self.registry = Mortal(self.storage.repo.registry, clock=lambda: NOW - self.age)
        self.world = World(now=lambda: NOW, environ={"HOME": str(self.root)})
        self.tags: dict[str, str] = {}
        self.journals: list[Path] = []

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(what=st.sampled_from(CONTENTS), tags=st.lists(names, max_size=2, unique=True), days=st.sampled_from([1, 7, 30]))
    def publish(self, what: Image, tags: list[str], days: int) -> None:
        self.age = timedelta(days=days)
        push(self.registry, self.repository, what, *tags)
        self.tags |= dict.fromkeys(tags, what.digest.text)

    @rule(signature=st.sampled_from(SIGNATURES))
    def sign(self, signature: tuple[Tag, Image]) -> None:
        self.publish(signature[1], [signature[0].text], 7)

    @precondition(lambda self: self.tags)
    @rule(data=st.data(), name=names)
    def retag(self, data: st.DataObject, name: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.tags)))
        content, kind = self.registry.manifest(self.repository, Digest(self.tags[old]))
        self.registry.put_manifest(self.repository, Tag(name), content, kind)
        self.tags[name] = self.tags[old]

    @precondition(lambda self: self.tags)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """By hand: somebody else's business, and no journal knows."""
        name = data.draw(st.sampled_from(sorted(self.tags)))
        self.registry.delete_tag(self.repository, Tag(name))
        del self.tags[name]

    @precondition(lambda self: self.folder.exists())
    @rule(policy=policies)
    def cleanup(self, policy: Policy) -> None:
        result, going = self._clean(policy)
        assert result.failure is None, result.failure
        assert all(item.outcome is Outcome.DELETED for item in result.plan.deletions), result.plan.deletions
        self.tags = {tag: digest for tag, digest in self.tags.items() if tag not in going}
        again, rest = self._clean(policy)
        assert not rest, "a second run right after finds something to do"
        assert not again.plan.deletions

    @precondition(lambda self: self.folder.exists())
    @rule(policy=policies, deletions=st.integers(0, 4), after=st.booleans())
    def crash(self, policy: Policy, deletions: int, after: bool) -> None:
        self.registry.left, self.registry.after = deletions, after
        try:
            _, going = self._clean(policy)
        except Killed:
            going = self.going
        finally:
            self.registry.left = None
        left = layout_reading.tags(self.folder)
        gone = self.tags.keys() - left.keys()
        assert gone <= going
        assert gone <= self._journalled()
        self.tags = {tag: digest for tag, digest in self.tags.items() if tag not in gone}

    @precondition(lambda self: self.journals)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.journals))
        there = layout_reading.blobs(self.folder)
        for item in restore(RestoreSettings(Access(), self.storage, path), self.world).items:
            if item.tag is not None and item.outcome in (Back.RESTORED, Back.THERE):
                assert self.tags.get(item.tag.text, item.digest.text) == item.digest.text, "a tag that moved on was moved back"
                self.tags[item.tag.text] = item.digest.text
            elif item.tag is None and item.outcome in (Back.RESTORED, Back.THERE):
                assert item.digest.text in layout_reading.blobs(self.folder)
        assert there <= layout_reading.blobs(self.folder)

    @invariant()
    def what_is_kept_can_be_pulled(self) -> None:
        if self.folder.exists():
            assert dict(layout_reading.tags(self.folder)) == self.tags
            layout_reading.whole(self.folder)

    def _clean(self, policy: Policy) -> tuple[CleanupResult, set[str]]:
        """One cleanup, and the tags that its plan lets go of."""
        asked = CleanupSettings(
            Access(parallel=2), self.storage, Project("shop", self.root), (), policy, Guards(None, None), ("app",),
            journal=self.root / f"journal-{len(self.journals)}",
        )  # fmt: skip
        plan, views = fresh_plan(asked, self.world, self.registry, Running(), None)
        self.going = {item.tag.text for item in plan.deletions if item.tag is not None}
        assert asked.journal is not None
        try:
            return conclude(asked, self.world, self.registry, None, plan, views, Running()), self.going
        finally:
            if asked.journal.exists():
                self.journals.append(asked.journal)

    def _journalled(self) -> set[str]:
        return {tag.text for path in self.journals for entry in read_journal(path)[1] for tag in entry.tags}


Story.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestStory = Story.TestCase
