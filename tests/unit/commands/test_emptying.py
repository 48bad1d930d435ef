"""Repositories in which a plan leaves nothing: they go last of all, and only when nothing is in them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from tests.calling import Called, call
from tests.history import History
from tests.images import image, index, layer, push
from tests.unit.commands.harbourside import NOW, Moody, Shore

from moorage.commands.applying import Application, Applied, Views, shortfall
from moorage.commands.emptied import emptied_in_journal, made_again
from moorage.commands.emptying import Emptying, empties
from moorage.commands.ending import SECONDS_TO_TELL, Ending
from moorage.commands.journal import Journal, read_journal
from moorage.errors import ConfigurationError, Denied, ItemRefused, NotFound, PartialFailure, RegistryError, Unreachable
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.last_tagged import gone_with_repository
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Action, Outcome, Plan, RepositoryItem
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy, Rule
from moorage.registries.layout.registry import LayoutRegistry
from moorage.settings.settings import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from moorage.errors import Failure
    from moorage.oci.inventory import Inventory

OLD = Policy(rules=(Rule("old", tags=TagSelector.parse(["old*"])),), delete_empty=True)
ELSEWHERE = Repository(Registry("registry.example.com"), "shop/app")


class Whimsical(Moody):
    """A layout registry whose repositories were made a month ago, and that deletes them on its good days.

    `refusal` is raised instead; `forgets` accepts the deletion and does nothing; `arrives` is pushed once images were deleted.
    """

    locked = ""
    refusal: RegistryError | None = None
    dates_fail: RegistryError | None = None
    forgets = False
    age: timedelta | None = timedelta(days=30)
    arrives: tuple[str, ...] = ()

    def inventory(self, repository: Repository) -> Inventory:
        if self.asked and self.arrives:
            push(self, repository, image(layer("new")), *self.arrives)
        return super().inventory(repository)

    def cannot_delete(self, repository: Repository) -> str:
        return self.locked

    def repository_date(self, repository: Repository) -> datetime | None:
        if self.dates_fail is not None:
            raise self.dates_fail
        super().repository_date(repository)
        return None if self.age is None else NOW - self.age

    def delete_repository(self, repository: Repository) -> None:
        if self.refusal is not None:
            raise self.refusal
        if not self.forgets:
            super().delete_repository(repository)


@dataclass
class Story:
    """One repository being cleaned, as the command does it."""

    shore: Shore
    policy: Policy = OLD
    registry: Whimsical = field(init=False)
    failure: Failure | None = None
    images: frozenset[str] = frozenset()  # of the project, that live here
    ending: Ending = field(default_factory=Ending)
    sleep: Callable[[float], None] = lambda _: None

    def __post_init__(self) -> None:
        self.registry = Whimsical(self.shore.registry_name)

    def plan(self) -> tuple[Plan, Views]:
        planner = self.shore.planner(self.policy, self.registry)
        planned, repository = planner.plan(), self.shore.repository
        images = {repository: self.images} if self.images else {}
        found, said = empties(self.registry, {repository: planner}, {repository: planned}, images)
        return Plan(NOW, planned.items, notes=said, empties=found), Views({repository: planner}, {})

    def run(self, *, alarm: RegistryError | None = None) -> Applied:
        plan, views = self.plan()
        world = replace(self.shore.world, ending=self.ending)
        with self.shore.journal() as journal:
            applied = Application(self.registry, journal, Access(), world).apply(plan, views)
            emptying = Emptying(self.registry, journal, Access(), world, self.policy, sleep=self.sleep)
            done = emptying.carry_out(replace(applied, alarm=alarm), views)
        self.failure = shortfall(done, views)
        return done

    def item(self, done: Applied | None = None) -> RepositoryItem:
        [item] = (done.plan if done is not None else self.plan()[0]).empties
        return item

    def code(self) -> Code:
        """Why it is to go, or to stay."""
        item = self.item()
        assert (item.action is Action.DELETE) is (item.reasons[0].code is Code.NOTHING_LEFT)
        return item.reasons[0].code

    def is_there(self) -> bool:
        return self.shore.repository in self.shore.registry.repositories()


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


@pytest.fixture
def story(shore: Shore) -> Story:
    push(shore.registry, shore.repository, index(image(layer("one")), image(layer("two"))), "old-1", "old-2")
    return Story(shore)


@pytest.fixture
def vacant(story: Story) -> Story:
    """The same with nothing in the repository."""
    for digest in story.shore.inventory().tags.values():
        story.shore.registry.delete_manifest(story.shore.repository, digest)
        break
    for digest in story.shore.inventory().manifests:
        story.shore.registry.delete_manifest(story.shore.repository, digest)
    assert not story.shore.inventory().manifests
    return story


class TestGoing:
    def test_it_goes_when_everything_in_it_is_gone(self, story: Story) -> None:
        assert story.code() is Code.NOTHING_LEFT
        done = story.run()
        assert (story.item(done).outcome, story.failure) == (Outcome.DELETED, None)
        assert (done.plan.totals.deleted_repositories, done.plan.totals.remaining) == (1, 0)
        assert not story.is_there()
        assert emptied_in_journal(story.shore.folder / "journal.jsonl", story.shore.registry_name) == (story.shore.repository,)

    def test_it_is_not_asked_for_by_default(self, story: Story) -> None:
        story.policy = replace(OLD, delete_empty=False)
        assert story.plan()[0].empties == ()
        story.run()
        assert story.is_there()

    def test_it_stays_where_anything_stays(self, story: Story) -> None:
        push(story.shore.registry, story.shore.repository, image(layer("kept")), "kept")
        assert story.plan()[0].empties == ()
        story.run()
        assert story.is_there()

    def test_one_that_holds_nothing_goes_as_well(self, vacant: Story) -> None:
        assert vacant.code() is Code.NOTHING_LEFT
        assert vacant.item(vacant.run()).outcome is Outcome.DELETED
        assert not vacant.is_there()

    @pytest.mark.parametrize("age", [timedelta(minutes=5), timedelta(days=-1)])
    def test_one_that_holds_nothing_and_is_new_stays(self, vacant: Story, age: timedelta) -> None:
        """Somebody may have made it to push to it."""
        vacant.registry.age = age
        assert vacant.code() is Code.TOO_YOUNG
        vacant.run()
        assert vacant.is_there()

    def test_one_that_is_touched_between_plan_and_deletion_stays(self, vacant: Story) -> None:
        plan, views = vacant.plan()
        vacant.registry.age = timedelta(minutes=1)
        with vacant.shore.journal() as journal:
            emptying = Emptying(vacant.registry, journal, Access(), vacant.shore.world, vacant.policy)
            done = emptying.carry_out(Applied(plan), views)
        assert vacant.item(done).outcome is Outcome.CHANGED
        assert vacant.is_there()

    def test_of_unknown_age_it_stays_unless_that_is_allowed(self, vacant: Story) -> None:
        vacant.registry.age = None
        assert vacant.code() is Code.UNKNOWN_AGE
        vacant.policy = replace(OLD, delete_unknown_age=True)
        assert vacant.item(vacant.run()).outcome is Outcome.DELETED

    def test_what_the_registry_does_not_do_is_said_in_the_plan(self, story: Story) -> None:
        story.registry.locked = "it is locked"
        assert story.code() is Code.CANNOT_DELETE_REPOSITORY
        story.run()
        assert (story.is_there(), story.failure) == (True, None)

    def test_what_the_registry_does_not_say_keeps_it(self, vacant: Story) -> None:
        vacant.registry.dates_fail = Denied("may not look at it")
        assert vacant.code() is Code.CANNOT_DELETE_REPOSITORY
        assert "may not look" in vacant.item().reasons[0].detail

    def test_one_that_is_gone_by_the_time_of_the_plan_is_not_in_it(self, vacant: Story) -> None:
        planner = vacant.shore.planner(OLD)
        vacant.shore.registry.delete_repository(vacant.shore.repository)
        found, _ = empties(vacant.registry, {vacant.shore.repository: planner}, {vacant.shore.repository: planner.plan()}, {})
        assert found == ()

    def test_records_without_their_project_keep_it(self, story: Story) -> None:
        """`--all-repositories` sees a stages storage as well: that holds nothing but records."""
        push(story.shore.registry, story.shore.repository, image(layer("record")), "moorage-image.app")
        assert story.code() is Code.HOLDS_RECORDS


class TestStaying:
    def test_after_a_failure_it_waits_for_the_next_run(self, story: Story) -> None:
        [digest] = set(story.shore.inventory().tags.values())
        story.registry.refusals[digest] = ItemRefused("held")
        done = story.run()
        assert story.item(done).outcome is Outcome.PLANNED
        assert story.failure is not None
        assert story.is_there()

    def test_what_appears_meanwhile_keeps_it(self, story: Story) -> None:
        story.registry.arrives = ("new",)
        done = story.run()
        assert story.item(done).outcome is Outcome.CHANGED
        assert "new" in str(story.item(done).error)
        assert (story.shore.tags(), story.failure) == ({"new"}, None)

    def test_a_record_that_appears_meanwhile_keeps_it(self, story: Story) -> None:
        story.registry.arrives = ("moorage-image.app",)
        assert story.item(story.run()).outcome is Outcome.CHANGED
        assert story.is_there()

    def test_a_tag_that_moves_meanwhile_keeps_it(self, story: Story) -> None:
        plan, views = story.plan()
        push(story.shore.registry, story.shore.repository, image(layer("moved")), "old-1")
        with story.shore.journal() as journal:
            applied = Application(story.registry, journal, Access(), story.shore.world).apply(plan, views)
            done = Emptying(story.registry, journal, Access(), story.shore.world, OLD).carry_out(applied, views)
        assert story.item(done).outcome is Outcome.CHANGED
        assert story.shore.tags() == {"old-1"}

    def test_a_refusal_is_told_with_what_to_do(self, story: Story) -> None:
        story.registry.refusal = Denied("not yours", remedy="Ask its owner.")
        done = story.run()
        assert (story.item(done).outcome, story.item(done).error) == (Outcome.FAILED, "not yours")
        assert story.failure is not None
        assert story.failure.remedy == "Ask its owner."
        assert done.plan.totals.failed == done.plan.totals.remaining == 1

    def test_what_is_accepted_and_not_done_has_failed(self, story: Story) -> None:
        story.registry.forgets = True
        assert story.item(story.run()).outcome is Outcome.FAILED

    def test_what_somebody_else_deletes_is_gone(self, story: Story) -> None:
        class Beaten(Whimsical):
            def delete_repository(self, repository: Repository) -> None:
                LayoutRegistry.delete_repository(self, repository)
                super().delete_repository(repository)

        story.registry = Beaten(story.shore.registry_name)
        done = story.run()
        assert (story.item(done).outcome, story.failure) == (Outcome.ALREADY_GONE, None)

    def test_nothing_more_happens_after_an_alarm(self, vacant: Story) -> None:
        assert vacant.item(vacant.run(alarm=Unreachable("something else is gone"))).outcome is Outcome.PLANNED
        assert vacant.is_there()

    def test_nothing_more_happens_once_the_time_is_spent(self, vacant: Story) -> None:
        plan, views = vacant.plan()
        with vacant.shore.journal() as journal:
            access = Access(time_budget=timedelta(0))
            done = Emptying(vacant.registry, journal, access, vacant.shore.world, OLD).carry_out(Applied(plan), views)
        assert vacant.item(done).outcome is Outcome.PLANNED

    def test_a_reviewed_plan_whose_repository_is_gone_or_was_not_seen(self, vacant: Story) -> None:
        plan, views = vacant.plan()
        repository = vacant.shore.repository
        with vacant.shore.journal() as journal:
            emptying = Emptying(vacant.registry, journal, Access(), vacant.shore.world, OLD)
            gone = emptying.carry_out(Applied(plan), Views({}, {}))
            unseen = emptying.carry_out(Applied(plan), Views({}, {repository: Unreachable("down")}))
        assert vacant.item(gone).outcome is Outcome.ALREADY_GONE
        assert vacant.item(unseen).outcome is Outcome.PLANNED
        assert views.planners


class Package(Whimsical):
    """A registry like GitHub's: the last image with a tag goes only with all the rest.

    `vanishes` are manifests that cannot be read any more when the journal wants them.
    """

    vanishes: AbstractSet[Digest] = frozenset()
    held: Mapping[Digest, AbstractSet[Tag]] | None = None

    def inventory(self, repository: Repository) -> Inventory:
        return replace(super().inventory(repository), keeps_last_tagged=True)

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        if reference in self.vanishes:
            raise NotFound("it has just gone")
        return super().manifest(repository, reference)

    def delete_whole(self, repository: Repository, holding: Mapping[Digest, AbstractSet[Tag]]) -> None:
        self.held = {digest: set(tags) for digest, tags in holding.items()}
        if self.refusal is not None:
            raise self.refusal
        for digest in (*dict.fromkeys(LayoutRegistry.inventory(self, repository).tags.values()), *holding):
            with suppress(NotFound):
                LayoutRegistry.delete_manifest(self, repository, digest)
        LayoutRegistry.delete_repository(self, repository)


class TestWhole:
    @pytest.fixture
    def story(self, story: Story) -> Story:
        story.registry = Package(story.shore.registry_name)
        push(story.shore.registry, story.shore.repository, image(layer("older"), created="2001-01-01T00:00:00Z"), "old-0")
        return story

    def last(self, story: Story) -> dict[Digest, set[Tag]]:
        """What goes with the repository: the newest image, with its parts."""
        seen = story.registry.inventory(story.shore.repository)
        return {digest: set(seen.tags_of().get(digest, ())) for digest in gone_with_repository(seen)}

    def test_the_last_image_goes_with_the_repository_and_the_others_before(self, story: Story) -> None:
        last = self.last(story)
        done = story.run()
        assert isinstance(story.registry, Package)
        assert story.registry.held == last
        assert {item.outcome for item in done.plan.deletions} == {Outcome.DELETED}
        assert (story.item(done).outcome, story.failure, story.is_there()) == (Outcome.DELETED, None, False)
        _, entries = read_journal(story.shore.folder / "journal.jsonl")
        assert {entry.digest for entry in entries if entry.content and entry.outcome is Outcome.DELETED} >= last.keys()

    def test_without_being_asked_for_it_stays(self, story: Story) -> None:
        story.policy = replace(OLD, delete_empty=False)
        last = self.last(story)
        story.run()
        assert (set(story.shore.inventory().manifests), story.failure) == (set(last), None)

    def test_a_refusal_is_one_of_all_that_was_to_go_with_it(self, story: Story) -> None:
        story.registry.refusal = ItemRefused("too popular")
        last = self.last(story)
        done = story.run()
        assert {item.digest for item in done.plan.deletions if item.outcome is Outcome.FAILED} == last.keys()
        assert story.is_there()

    def test_what_arrives_meanwhile_spares_it(self, story: Story) -> None:
        story.registry.arrives = ("new",)
        last = self.last(story)
        done = story.run()
        assert {item.digest for item in done.plan.deletions if item.outcome is Outcome.CHANGED} == last.keys()
        assert (story.item(done).outcome, story.failure) == (Outcome.CHANGED, None)
        assert last.keys() < story.shore.inventory().manifests.keys()

    def test_what_cannot_be_put_into_the_journal_does_not_go(self, story: Story) -> None:
        assert isinstance(story.registry, Package)
        story.registry.vanishes = self.last(story).keys()
        done = story.run()
        assert (story.registry.held, story.item(done).outcome) == (None, Outcome.CHANGED)
        assert story.is_there()

    def test_its_records_are_held_with_it(self, story: Story) -> None:
        push(story.shore.registry, story.shore.repository, image(layer("record")), "moorage-image.app")
        story.images = frozenset({"app"})
        done = story.run()
        assert isinstance(story.registry, Package)
        assert story.registry.held is not None
        assert {Tag("moorage-image.app")} in story.registry.held.values()
        assert story.item(done).outcome is Outcome.DELETED

    def test_a_record_that_goes_meanwhile_does_not_make_the_package_gone(self, story: Story) -> None:
        class Hasty(Package):
            def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
                if isinstance(reference, Tag) and is_record(reference):
                    raise NotFound("it has just gone")
                return super().resolve(repository, reference)

        story.registry = Hasty(story.shore.registry_name)
        last = self.last(story)
        push(story.shore.registry, story.shore.repository, image(layer("record")), "moorage-image.app")
        story.images = frozenset({"app"})
        done = story.run()
        assert story.item(done).outcome is Outcome.CHANGED
        assert {item.digest for item in done.plan.deletions if item.outcome is Outcome.CHANGED} == last.keys()
        assert story.is_there()


class Plain:
    """A registry without the ability: a layout registry seen through the least that a registry is."""

    def __init__(self, registry: LayoutRegistry) -> None:
        self.inventory, self.resolve = registry.inventory, registry.resolve
        self.tag_names, self.delete_manifest = registry.tag_names, registry.delete_manifest


def test_a_registry_without_the_ability_says_so_before_anything_happens(vacant: Story) -> None:
    plain = Plain(vacant.shore.registry)
    plan, views = vacant.plan()
    repository = vacant.shore.repository
    planned = views.planners[repository].plan()
    assert empties(plain, views.planners, {repository: planned}, {})[0] == ()
    [note] = empties(plain, views.planners, {repository: planned}, {})[1]
    assert "no call that deletes a repository" in note
    with vacant.shore.journal() as journal:
        done = Emptying(plain, journal, Access(), vacant.shore.world, OLD).carry_out(Applied(plan), views)
    assert vacant.item(done).outcome is Outcome.FAILED


def test_a_look_afterwards_that_fails_changes_no_outcome(story: Story) -> None:
    story.registry.dates_fail = Unreachable("down")
    assert (story.item(story.run()).outcome, story.failure, story.is_there()) == (Outcome.DELETED, None, False)


class TestBeingToldToEnd:
    """What was deleted is told in time, whatever a repository takes."""

    @pytest.fixture
    def now(self, story: Story) -> list[float]:
        now = [0.0]
        story.ending = Ending(lambda: now[0])
        story.ending.hold()
        return now

    def test_a_repository_that_was_only_looked_at_stays(self, story: Story, now: list[float]) -> None:
        class Signalled(Whimsical):
            def inventory(self, repository: Repository) -> Inventory:
                if self.asked:
                    story.ending.ask(15, "SIGTERM")
                return super().inventory(repository)

        story.registry = Signalled(story.shore.registry_name)
        done = story.run()
        assert now == [0.0]
        assert {item.outcome for item in done.plan.deletions} == {Outcome.DELETED}
        assert (story.item(done).outcome, type(story.failure), story.is_there()) == (Outcome.PLANNED, PartialFailure, True)

    def test_a_deletion_that_nothing_interrupts_is_not_waited_for(self, story: Story, now: list[float]) -> None:
        told = Event()

        class Endless(Whimsical):
            def delete_repository(self, repository: Repository) -> None:
                story.ending.ask(15, "SIGTERM")
                now[0] = SECONDS_TO_TELL - 1
                told.wait(60)

        story.registry = Endless(story.shore.registry_name)
        done = story.run()
        assert not told.is_set()
        told.set()
        assert {item.outcome for item in done.plan.deletions} == {Outcome.DELETED}
        assert (story.item(done).outcome, type(story.failure)) == (Outcome.PLANNED, PartialFailure)

    def test_looks_afterwards_end_with_it(self, story: Story, now: list[float]) -> None:
        slept = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            story.ending.ask(15, "SIGTERM")

        story.sleep, story.registry.forgets = sleep, True
        assert story.item(story.run()).outcome is Outcome.FAILED
        assert (len(slept), now) == (1, [0.0])


class Short(Journal):
    """The disk under it is full once a repository itself is spoken of, at the beginning or at the end."""

    full_at: str | None = None

    def emptied(self, repository: Repository, outcome: Outcome | None = None) -> None:
        if str(outcome) == str(self.full_at):
            raise ConfigurationError("the disk is full", remedy="Make room.")
        super().emptied(repository, outcome)


class TestFullDisk:
    """The journal takes no more lines: what was done has to be told all the same."""

    @pytest.fixture
    def story(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> Story:
        monkeypatch.setattr(Shore, "journal", lambda shore: Short(shore.folder / "journal.jsonl", shore.registry_name, NOW))
        return story

    def test_before_a_repository_goes_it_stays_and_the_rest_is_told(self, story: Story) -> None:
        done = story.run()
        assert {item.outcome for item in done.plan.deletions} == {Outcome.DELETED}
        assert (story.item(done).outcome, story.item(done).error) == (Outcome.FAILED, "the disk is full")
        assert (type(story.failure), story.failure and story.failure.message) == (PartialFailure, "the disk is full")
        assert story.is_there()

    def test_after_a_repository_went_it_is_told_as_gone(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Short, "full_at", "deleted")
        done = story.run()
        assert story.item(done).outcome is Outcome.DELETED
        assert not story.is_there()


class TestJournal:
    def test_only_what_went_or_may_have_is_made_again(self, tmp_path: Path) -> None:
        there, gone, killed = (Repository(ELSEWHERE.registry, name) for name in ("there", "gone", "killed"))
        with Journal(tmp_path / "j", ELSEWHERE.registry, NOW) as journal:
            for repository, outcome in ((there, Outcome.ALREADY_GONE), (gone, Outcome.DELETED), (killed, None)):
                journal.emptied(repository)
                if outcome is not None:
                    journal.emptied(repository, outcome)
        assert emptied_in_journal(tmp_path / "j", ELSEWHERE.registry) == (gone, killed)

    @pytest.mark.parametrize("row", [{"outcome": None}, {"repository": "elsewhere/a", "outcome": None}, {"repository": 5}])
    def test_lines_that_no_run_has_written_are_told(self, tmp_path: Path, row: dict[str, Any]) -> None:
        (tmp_path / "j").write_text(json.dumps({"event": "emptied", **row}) + "\n")
        with pytest.raises(ConfigurationError, match="which repository was deleted"):
            emptied_in_journal(tmp_path / "j", ELSEWHERE.registry)

    def test_a_registry_that_makes_repositories_is_asked_to_and_a_dry_run_asks_nothing(self, shore: Shore) -> None:
        class Maker(Whimsical):
            creates_repositories = False
            made: ClassVar[list[Repository]] = []

            def create_repository(self, repository: Repository) -> bool:
                if repository.path == "forbidden":
                    raise Denied("not yours")
                self.made.append(repository)
                return True

        maker, forbidden = Maker(shore.registry_name), Repository(shore.registry_name, "forbidden")
        assert len(list(made_again(maker, [shore.repository], dry_run=True))) == 1
        assert maker.made == []
        said = list(made_again(maker, [shore.repository, forbidden], dry_run=False))
        assert maker.made == [shore.repository]
        assert ["not yours" in sentence for sentence in said] == [False, True]

    def test_what_the_registry_brings_back_by_itself_is_not_said_to_be_lost(self, shore: Shore) -> None:
        class Undoing(Whimsical):
            def restore(self, repository: Repository, digest: Digest, vendor_id: str, tags: Sequence[Tag]) -> None:
                """As GitHub has it."""

        [said] = made_again(Undoing(shore.registry_name), [shore.repository], dry_run=False)
        assert "comes back with its images" in said


class TestCommand:
    """By the command line, on a directory of layouts."""

    def cleanup(self, home: Path, *argv: str) -> Called:
        return call(
            "cleanup", "--images-repo", f"oci:{home}/registry", "--all-repositories", "--without-kube", "--output", "json",
            *argv, environ={"HOME": str(home)},
        )  # fmt: skip

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        registry = Registry(f"oci:{tmp_path}/registry")
        layouts = LayoutRegistry(registry, clock=lambda: NOW - timedelta(days=400))
        for name, tags in {"all-old": ("old-1",), "some-old": ("old-1",), "vacant": ("v1",)}.items():
            push(layouts, Repository(registry, name), image(layer(name)), *tags)
        push(layouts, Repository(registry, "some-old"), image(layer("kept")), "kept")
        vacant = Repository(registry, "vacant")
        for digest in layouts.inventory(vacant).manifests:
            layouts.delete_manifest(vacant, digest)
        month_ago = (datetime.now().astimezone() - timedelta(days=30)).timestamp()
        os.utime(tmp_path / "registry" / "vacant" / "index.json", (month_ago, month_ago))
        return tmp_path

    def names(self, home: Path) -> set[str]:
        registry = Registry(f"oci:{home}/registry")
        return {repository.path for repository in LayoutRegistry(registry).repositories()}

    def test_a_dry_run_says_it_and_the_plan_is_carried_out_as_reviewed(self, home: Path) -> None:
        asked = ("--delete-tags", "old*", "--delete-empty-repositories", "--plan-out", str(home / "plan.json"))
        shown = self.cleanup(home, *asked, "--dry-run").document["repositories"]
        assert [(row["repository"].rpartition("/")[2], row["action"], row["outcome"]) for row in shown] == [
            ("all-old", "delete", "planned"), ("vacant", "delete", "planned"),
        ]  # fmt: skip
        assert self.names(home) == {"all-old", "some-old", "vacant"}
        done = call(
            "cleanup", "--images-repo", f"oci:{home}/registry", "--plan", str(home / "plan.json"), "--without-kube",
            "--output", "json", "--journal", str(home / "journal"), environ={"HOME": str(home)},
        )  # fmt: skip
        assert done.code == 0
        assert {row["outcome"] for row in done.document["repositories"]} == {"deleted"}
        assert self.names(home) == {"some-old"}
        back = call("restore", str(home / "journal"), "--images-repo", f"oci:{home}/registry", "--output", "json")
        assert any("all-old was deleted itself" in note for note in back.document["notes"])

    def test_a_new_plan_and_an_old_one_exclude_each_other(self, home: Path) -> None:
        (home / "plan.json").write_text("{}")
        called = self.cleanup(home, "--plan", str(home / "plan.json"), "--delete-empty-repositories")
        assert called.code == 2
        assert any("--delete-empty-repositories" in problem for problem in called.problems)


class TestProject:
    """A project that publishes and is purged: what Moorage recorded of it lies in the same repositories."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        history = History(tmp_path / "clone", NOW)
        history.commit("c1", "3h")
        history.branch("main", "c1")
        history.build()
        source = Registry(f"oci:{tmp_path}/source")
        push(LayoutRegistry(source), Repository(source, "app"), image(layer("app")), "latest")
        return tmp_path

    def call(self, home: Path, command: str, *argv: str) -> Called:
        return call(
            command, "--images-repo", f"oci:{home}/registry", "--dir", str(home / "clone"), "--project", "shop", "--output",
            "json", *argv, environ={"HOME": str(home)},
        )  # fmt: skip

    def purge(self, home: Path, *argv: str) -> Called:
        return self.call(
            home, "purge", "--yes", "--without-kube", "--delete-empty-repositories", "--image", "app",
            "--keep-images-built-within-last-n-hours", "0", *argv,
        )  # fmt: skip

    def test_its_records_go_with_the_repository_and_are_in_the_journal(self, home: Path) -> None:
        assert self.call(home, "publish", "--image", f"app=oci:{home}/source/app:latest", "--tag-custom", "v1").code == 0
        layouts, repository = (
            LayoutRegistry(Registry(f"oci:{home}/registry")),
            Repository(Registry(f"oci:{home}/registry"), "app"),
        )
        assert any(tag.text.startswith("moorage-") for tag in layouts.tag_names(repository))
        purged = self.purge(home, "--journal", str(home / "journal"))
        assert purged.code == 0
        assert [row["outcome"] for row in purged.document["repositories"]] == ["deleted"]
        assert layouts.repositories() == []
        assert "moorage-image.app" in (home / "journal").read_text()


def test_reasons_stand_beside_a_repository() -> None:
    item = RepositoryItem(ELSEWHERE, Action.KEEP, (Reason(Code.TOO_YOUNG, "made 5m ago"),))
    assert (str(item), item.remains, item.goes) == (str(ELSEWHERE), False, False)
