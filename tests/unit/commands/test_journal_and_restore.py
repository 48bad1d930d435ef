"""The journal is true, and a restore puts back what the registry still can."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from tests.images import cosign, image, index, layer, push
from tests.unit.commands.harbourside import NOW, Shore

from moorage.commands.carry_out import Run
from moorage.commands.emptied import emptied_in_journal
from moorage.commands.journal import Entry, Journal, entries_to_undo, read_journal
from moorage.commands.recorded import recorded_in_journal
from moorage.commands.restore import Back, RestoreSettings, restore
from moorage.errors import ConfigurationError, PartialFailure
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.patterns import TagSelector
from moorage.policy.plan import Outcome
from moorage.policy.rules import Policy, Rule
from moorage.registries.addressing import resolve
from moorage.settings.settings import Access, Storage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.images import Image

OLD = Policy(rules=(Rule("old", tags=TagSelector.parse(["old*"]), older_than=timedelta(days=1)),))
SOMEWHERE = Repository(Registry("registry.example.com"), "shop/app")


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


def put(shore: Shore, what: Image, *tags: str) -> Image:
    push(shore.registry, shore.repository, what, *tags)
    return what


def clean(shore: Shore) -> Path:
    planner = shore.planner(OLD)
    with shore.journal() as journal:
        Run(shore.registry, planner.inventory, [item for item in planner.plan().items if item.goes], journal).carry_out()
    return journal.path


def entry(number: int = 0, **changes: object) -> Entry:
    content = f'{{"number":{number}}}'.encode()
    fields = {"repository": SOMEWHERE, "digest": Digest.of(content), "tags": (Tag("v1"),), "content": content, **changes}
    return Entry(**fields)  # type: ignore[arg-type]


class TestJournal:
    def test_reads_back_what_was_written(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "deep" / "j.jsonl", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry(1))
            journal.happened(entry(1), Outcome.DELETED)
            journal.about_to(entry(2, media_type="application/x", vendor_id="77", manifest_stays=True))
        registry, entries = read_journal(journal.path)
        assert registry == SOMEWHERE.registry
        assert entries == (
            entry(1, outcome=Outcome.DELETED),
            entry(2, media_type="application/x", vendor_id="77", manifest_stays=True),
        )

    def test_is_private_and_only_there_when_something_was_deleted(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            assert not journal.path.exists()
            journal.about_to(entry())
        assert journal.path.stat().st_mode & 0o777 == 0o600

    def test_goes_on_in_the_same_file(self, tmp_path: Path) -> None:
        for number in (1, 2):
            with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
                journal.about_to(entry(number))
        assert len(read_journal(tmp_path / "j")[1]) == 2

    def test_passes_over_a_last_line_that_was_cut_off(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry(1))
            journal.about_to(entry(2))
        content = journal.path.read_bytes()
        journal.path.write_bytes(content[:-7])
        assert read_journal(journal.path)[1] == (entry(1),)

    def test_goes_on_in_a_file_whose_last_line_was_cut_off(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry(1))
            journal.emptied(SOMEWHERE)
        journal.path.write_bytes(journal.path.read_bytes()[:-7])
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry(2))
            journal.emptied(SOMEWHERE)
        assert read_journal(journal.path)[1] == (entry(1), entry(2))
        assert recorded_in_journal(journal.path) == ()
        assert emptied_in_journal(journal.path, SOMEWHERE.registry) == (SOMEWHERE,)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "empty"),
            ("no json\n", "line 1"),
            ('{"event":"about-to"}\n', "first line"),
            ('{"schema":"moorage.journal/1","registry":"r.io"}\n[]\n', "line 2"),
            (
                '{"schema":"moorage.journal/1","registry":"r.io"}\n{"event":"deleted","repository":"r.io/x","digest":"x"}\n',
                "line 2",
            ),
        ],
    )
    def test_refuses_what_is_no_journal(self, tmp_path: Path, content: str, said: str) -> None:
        (tmp_path / "j").write_text(content)
        with pytest.raises(ConfigurationError, match=said):
            read_journal(tmp_path / "j")

    def test_refuses_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_journal(tmp_path / "none")

    def test_refuses_a_manifest_that_is_not_its_digest(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry(1, digest=Digest.of(b"another")))
        with pytest.raises(ConfigurationError, match="its manifest is not"):
            read_journal(journal.path)

    def test_nothing_is_deleted_where_it_cannot_be_written(self, shore: Shore) -> None:
        put(shore, image(), "old")
        (shore.folder / "occupied").write_text("a file where a folder is needed")
        planner = shore.planner(OLD)
        with (
            Journal(shore.folder / "occupied" / "j", shore.registry_name, NOW) as journal,
            pytest.raises(ConfigurationError, match="nothing is deleted without it"),
        ):
            Run(shore.registry, planner.inventory, [i for i in planner.plan().items if i.goes], journal).carry_out()
        assert shore.tags() == {"old"}

    def test_undoes_last_things_first_and_only_what_happened_or_may_have(self) -> None:
        entries = tuple(
            entry(number, outcome=outcome)
            for number, outcome in enumerate([Outcome.DELETED, None, Outcome.ALREADY_GONE, Outcome.FAILED])
        )
        assert list(entries_to_undo(entries)) == [entries[3], entries[1], entries[0]]


def settings(shore: Shore, journal: Path, **changes: object) -> RestoreSettings:
    return RestoreSettings(Access(), Storage(resolve(str(shore.registry_name))), journal, **changes)  # type: ignore[arg-type]


class TestRestore:
    def test_brings_a_single_tag_back(self, shore: Shore) -> None:
        put(shore, image(), "old", "kept")
        journal = clean(shore)
        assert shore.tags() == {"kept"}
        result = restore(settings(shore, journal), shore.world)
        assert [(str(item.tag), item.outcome) for item in result.items] == [("old", Back.RESTORED)]
        assert result.failure is None
        assert shore.tags() == {"kept", "old"}

    def test_brings_manifests_back_whose_blobs_others_keep(self, shore: Shore) -> None:
        """The layout frees what only deleted images used; what others share survives."""
        base = layer("base")
        kept = put(shore, image(base), "kept")
        old = put(shore, index(kept, docker=True), "old")
        journal = clean(shore)
        assert old.digest not in shore.inventory().manifests
        result = restore(settings(shore, journal), shore.world)
        assert {(str(item.tag), item.outcome) for item in result.items} == {("None", Back.RESTORED), ("old", Back.RESTORED)}
        assert shore.registry.manifest(shore.repository, Tag("old"))[0] == old.content

    def test_names_what_is_lost(self, shore: Shore) -> None:
        old = put(shore, image(layer("only here")), "old")
        tag, signature = cosign(old)
        put(shore, signature, tag.text)
        result = restore(settings(shore, clean(shore)), shore.world)
        assert {item.outcome for item in result.items} == {Back.LOST}
        assert isinstance(result.failure, PartialFailure)
        assert any("let go of blob" in problem for problem in result.failure.problems)
        assert "Publish anew" in result.failure.remedy
        assert shore.tags() == set()

    def test_an_index_is_lost_with_its_children(self, shore: Shore) -> None:
        put(shore, index(image(layer("only here"))), "old")
        result = restore(settings(shore, clean(shore)), shore.world)
        assert any("let go of manifest" in (item.error or "") for item in result.items)

    def test_leaves_a_tag_that_moved_on(self, shore: Shore) -> None:
        put(shore, image(layer("a")), "old", "kept")
        journal = clean(shore)
        new = put(shore, image(layer("b")), "old")
        result = restore(settings(shore, journal), shore.world)
        assert [item.outcome for item in result.items] == [Back.TAKEN]
        assert shore.registry.resolve(shore.repository, Tag("old")) == new.digest
        assert isinstance(result.failure, PartialFailure)

    def test_a_second_restore_finds_everything_there(self, shore: Shore) -> None:
        put(shore, image(), "old", "kept")
        journal = clean(shore)
        restore(settings(shore, journal), shore.world)
        result = restore(settings(shore, journal), shore.world)
        assert [item.outcome for item in result.items] == [Back.THERE]
        assert result.failure is None

    def test_a_dry_run_changes_nothing(self, shore: Shore) -> None:
        put(shore, image(), "old", "kept")
        result = restore(settings(shore, clean(shore), dry_run=True), shore.world)
        assert [item.outcome for item in result.items] == [Back.PLANNED]
        assert shore.tags() == {"kept"}

    def test_refuses_a_journal_of_another_registry(self, shore: Shore) -> None:
        with Journal(shore.folder / "j", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry())
        with pytest.raises(ConfigurationError, match=r"registry\.example\.com"):
            restore(settings(shore, journal.path), shore.world)

    def test_says_it_as_json(self, shore: Shore) -> None:
        put(shore, image(), "old", "kept")
        result = restore(settings(shore, clean(shore)), shore.world)
        [item] = json.loads(json.dumps(result.as_json()))["items"]
        assert (item["kind"], item["tag"], item["outcome"], item["error"]) == ("tag", "old", "restored", None)

    def test_what_the_journal_could_not_hold_is_lost(self, shore: Shore) -> None:
        put(shore, image(), "kept")
        with Journal(shore.folder / "j", shore.registry_name, NOW) as journal:
            journal.about_to(Entry(shore.repository, Digest.of(b"never there"), (Tag("x"),)))
        result = restore(settings(shore, journal.path), shore.world)
        assert [item.outcome for item in result.items] == [Back.LOST, Back.LOST]
        assert journal.path.exists()


class TestWhatIsRecorded:
    ROW: ClassVar[dict[str, Any]] = {
        "image": "app", "content": "0123456789abcdef", "repository": str(SOMEWHERE), "digests": ["sha256:" + "a" * 64],
        "home": str(SOMEWHERE), "names": str(SOMEWHERE), "project": "shop", "commits": {"c" * 40: 7},
        "tags": {"v1": ["git-tag", 8]},
    }  # fmt: skip

    def test_reads_back_what_was_written(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.recorded([])
            assert not journal.path.exists()
            journal.recorded([self.ROW])
            journal.about_to(entry(1))
        (found,) = recorded_in_journal(journal.path)
        assert found.as_json() == self.ROW
        assert read_journal(journal.path)[1] == (entry(1),)

    @pytest.mark.parametrize("wrong", [{"commits": []}, {"tags": {"v1": "git-tag"}}, {"digests": 1}, {"image": ...}])
    def test_refuses_what_was_not_written_so(self, tmp_path: Path, wrong: dict[str, Any]) -> None:
        row = {name: value for name, value in {**self.ROW, **wrong}.items() if value is not ...}
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.recorded([row])
        with pytest.raises(ConfigurationError, match="not told as Moorage tells it"):
            recorded_in_journal(journal.path)

    def test_records_are_no_images_to_put_back_wherever_they_were(self, tmp_path: Path) -> None:
        here, there = (Tag("moorage-image.app"),), Repository(Registry("stages.example.com"), "shop")
        with Journal(tmp_path / "j", SOMEWHERE.registry, NOW) as journal:
            journal.about_to(entry(1))
            for record in (entry(2, tags=here), entry(3, tags=here, repository=there)):
                journal.about_to(record)
                journal.happened(record, Outcome.DELETED)
        _, entries = read_journal(journal.path)
        assert list(entries_to_undo(entries)) == [entry(1)]
