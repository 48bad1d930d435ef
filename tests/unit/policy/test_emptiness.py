"""Whether a repository in which nothing is left goes, too: never one that others may need, or somebody may be pushing to."""

from datetime import datetime, timedelta

import pytest
from tests.unit.policy.shelf import NOW, decide, image, policy, repository, rule

from moorage.oci.inventory import Inventory
from moorage.oci.records import LedgerTag, RecordTag, image_tag
from moorage.oci.reference import Digest, Tag
from moorage.policy.emptiness import Surroundings, repository_item
from moorage.policy.plan import Action
from moorage.policy.reason import Code
from moorage.policy.rules import Policy

HOUR = timedelta(hours=1)
OLD_GOES = policy(rule("old*"), delete_empty=True)
OWN = frozenset({"app"})


def record(image_name: str, age: timedelta) -> Tag:
    return RecordTag.of(image_name, "a" * 40, "sha256:" + "b" * 64, int((NOW - age).timestamp())).tag


def fate(inventory: Inventory, wanted: Policy = OLD_GOES, **known: object) -> Code | None:
    """The deciding reason; None where there is no question of it."""
    items = decide(inventory, wanted).items
    item = repository_item(inventory, items, wanted, NOW, Surroundings(**known))  # type: ignore[arg-type]
    if item is None:
        return None
    assert (item.action is Action.DELETE) is (item.reasons[0].code is Code.NOTHING_LEFT)
    return item.reasons[0].code


def test_where_something_stays_there_is_no_question() -> None:
    assert fate(repository({"old": "app", "new": "web"})) is None
    assert fate(repository({"old": "app"}, image("web"))) is None
    assert fate(repository({"old": "app"}, dangling={Tag("ghost"): "404"})) is None
    assert fate(repository({"old": "app"}, unreadable={Digest.of(b"x"): "500"})) is None


def test_where_everything_goes_it_goes() -> None:
    assert fate(repository({"old": "app"})) is Code.NOTHING_LEFT


@pytest.mark.parametrize(
    ("date", "code"),
    [
        (NOW - 3 * HOUR, Code.NOTHING_LEFT),
        (NOW - HOUR, Code.TOO_YOUNG),
        (NOW + HOUR, Code.TOO_YOUNG),
        (None, Code.UNKNOWN_AGE),
    ],
)
def test_one_that_holds_nothing_has_to_be_old_enough(date: datetime | None, code: Code) -> None:
    assert fate(repository({}), date=date) is code


def test_of_unknown_age_it_goes_where_that_is_allowed() -> None:
    assert fate(repository({}), policy(delete_empty=True, delete_unknown_age=True)) is Code.NOTHING_LEFT


def test_what_the_registry_cannot_is_said_first() -> None:
    assert fate(repository({}), cannot="it is locked") is Code.CANNOT_DELETE_REPOSITORY


class TestRecords:
    def test_those_of_its_own_images_go_with_it(self) -> None:
        ledger = LedgerTag(Digest.of(b"ledger")).tag
        records = frozenset({record("app", 3 * HOUR), image_tag("app"), ledger})
        assert fate(repository({"old": "app"}, records=records), images=OWN) is Code.NOTHING_LEFT
        assert fate(repository({}, records=records), images=OWN) is Code.NOTHING_LEFT

    @pytest.mark.parametrize("tag", [record("web", 3 * HOUR), image_tag("web"), Tag("managed-image-web")])
    def test_those_of_others_and_werfs_keep_it(self, tag: Tag) -> None:
        assert fate(repository({"old": "app"}, records=frozenset({image_tag("app"), tag})), images=OWN) is Code.HOLDS_RECORDS

    def test_without_their_project_all_of_them_keep_it(self) -> None:
        assert fate(repository({}, records=frozenset({image_tag("app")})), date=NOW - 9 * HOUR) is Code.HOLDS_RECORDS

    def test_one_of_a_publish_just_now_keeps_it(self) -> None:
        assert fate(repository({"old": "app"}, records=frozenset({record("app", HOUR)})), images=OWN) is Code.TOO_YOUNG

    def test_names_alone_say_nothing_of_its_age(self) -> None:
        named = repository({}, records=frozenset({image_tag("app")}))
        assert fate(named, images=OWN, date=NOW - HOUR) is Code.TOO_YOUNG
        assert fate(named, images=OWN, date=NOW - 3 * HOUR) is Code.NOTHING_LEFT
