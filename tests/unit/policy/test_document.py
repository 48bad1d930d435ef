"""`moorage.plan/1`, and what is no such thing (docs: plan)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.unit.policy.shelf import NOW, REPOSITORY, digest

from moorage.errors import ConfigurationError, Refused
from moorage.oci.reference import Registry, Tag
from moorage.policy.document import from_document, read_repository, stamp, to_document
from moorage.policy.plan import Action, Item, Kind, Outcome, Plan, RepositoryItem
from moorage.policy.reason import Code, Reason

REGISTRY = REPOSITORY.registry
WHY = (Reason(Code.RULE, "cleanup.rules[0]: matches pr-*"),)
TAG = Item(REPOSITORY, Kind.TAG, digest("app"), Action.DELETE, WHY, tag=Tag("pr-1"), pushed_at=NOW, size=5, vendor_id="77")
MANIFEST = Item(REPOSITORY, Kind.MANIFEST, digest("app"), Action.DELETE, WHY)
LOST = Item(REPOSITORY, Kind.TAG, None, Action.KEEP, (Reason(Code.UNREADABLE, "503"),), tag=Tag("web"))
GONE = RepositoryItem(REPOSITORY, Action.DELETE, (Reason(Code.NOTHING_LEFT, "everything in it goes"),))
PLAN = Plan(NOW, (TAG, MANIFEST, LOST), notes=("web cannot be resolved",), freed={REPOSITORY: 5})
EMPTIED = replace(PLAN, empties=(GONE,))


def written(plan: Plan = PLAN) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(to_document(plan)))
    return document


def test_the_document_says_everything() -> None:
    document = written()
    assert document["schema"] == "moorage.plan/1"
    assert (document["created"], document["applied"]) == ("2026-11-25T12:00:00Z", False)
    assert document["items"][0] == {
        "repository": "registry.example/acme/shop",
        "kind": "tag",
        "tag": "pr-1",
        "digest": digest("app").text,
        "action": "delete",
        "reasons": [{"code": "rule", "detail": "cleanup.rules[0]: matches pr-*"}],
        "outcome": "planned",
        "error": None,
        "pushed_at": "2026-11-25T12:00:00Z",
        "size": 5,
        "vendor_id": "77",
    }
    assert document["items"][1]["tag"] is None
    assert document["items"][2]["digest"] is None
    assert document["totals"] == {
        "kept_tags": 1, "deleted_tags": 0, "kept_manifests": 0, "deleted_manifests": 0, "failed": 0, "remaining": 0,
        "freed_bytes": 5, "planned_tags": 1, "planned_manifests": 1, "planned_repositories": 0,
        "deleted_repositories": 0,
    }  # fmt: skip


def test_only_repositories_that_free_something_are_among_the_freed() -> None:
    elsewhere = replace(REPOSITORY, path="acme/elsewhere")
    assert written(replace(PLAN, freed={REPOSITORY: 5, elsewhere: 0}))["freed"] == {str(REPOSITORY): 5}


def test_a_repository_that_goes_itself_is_in_it_and_comes_back() -> None:
    document = written(EMPTIED)
    assert document["repositories"] == [
        {
            "repository": "registry.example/acme/shop",
            "action": "delete",
            "reasons": [{"code": "nothing-left", "detail": "everything in it goes"}],
            "outcome": "planned",
            "error": None,
        }
    ]
    assert document["totals"]["planned_repositories"] == 1
    assert from_document(document, "plan.json", REGISTRY) == EMPTIED


@pytest.mark.parametrize("edit", ["more", "fewer", "kept", "another"])
def test_a_plan_that_was_edited_to_delete_another_repository_is_refused(edit: str) -> None:
    document = written(EMPTIED)
    rows = document["repositories"]
    if edit == "more":
        rows.append({**rows[0], "repository": "registry.example/acme/other"})
    elif edit == "fewer":
        rows.pop()
    elif edit == "kept":
        rows[0]["action"] = "keep"
    else:
        rows[0]["repository"] = "registry.example/acme/other"
    with pytest.raises(Refused, match=r"plan\.json was edited"):
        from_document(document, "plan.json", REGISTRY)


@pytest.mark.parametrize("rows", [None, {}, "all", [None], [{}], [{"repository": "registry.example/a", "action": "burn"}]])
def test_repositories_that_make_no_sense_are_told(rows: object) -> None:
    with pytest.raises(ConfigurationError, match=r"plan\.json"):
        from_document({**written(EMPTIED), "repositories": rows}, "plan.json", REGISTRY)


def test_a_plan_of_before_repositories_could_go_still_fits_its_seal() -> None:
    document = written()
    del document["repositories"]
    assert from_document(document, "plan.json", REGISTRY) == PLAN


def test_it_comes_back_as_it_was() -> None:
    assert from_document(written(), "plan.json", REGISTRY) == PLAN


def test_outcomes_may_change_without_an_edit() -> None:
    done = PLAN.with_outcomes({TAG.key: (Outcome.FAILED, "503")})
    assert from_document(written(done), "plan.json", REGISTRY).items == done.items


def test_an_edited_plan_is_refused_with_what_to_do_instead() -> None:
    document = written()
    document["items"][2]["tag"] = "latest"
    with pytest.raises(Refused, match=r"plan\.json was edited after it was made") as error:
        from_document(document, "plan.json", REGISTRY)
    assert error.value.remedy == (
        "Make the plan anew with --dry-run --plan-out FILE; to keep more, add --exclude-tags or --keep-list."
    )


@pytest.mark.parametrize("document", [None, [], "plan", {}, {"schema": "moorage.plan/2"}])
def test_what_is_no_plan(document: object) -> None:
    with pytest.raises(ConfigurationError, match=r'x\.json is no plan: "schema" is not moorage\.plan/1'):
        from_document(document, "x.json", REGISTRY)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("kind", "blob", "'blob' is not a valid Kind"),
        ("action", "destroy", "'destroy' is not a valid Action"),
        ("tag", "", "a tag needs its name, and what is to be deleted needs its digest"),
        ("digest", None, "a tag needs its name, and what is to be deleted needs its digest"),
        ("digest", "sha256:1", "a digest is sha256: and 64 lower-case hexadecimal digits"),
        ("repository", "docker.io/acme/shop", "docker.io/acme/shop is not in registry.example, which this run speaks to"),
        ("repository", "registry.example/../x", "path component '..'"),
        ("reasons", {"code": "rule"}, "an item is an object with a list of reasons"),
        ("reasons", [{"code": "mood", "detail": ""}], "'mood' is not a valid Code"),
        ("outcome", "eaten", "'eaten' is not a valid Outcome"),
        ("size", "big", "an error is a text, a size is a number of bytes"),
        ("error", 5, "an error is a text, a size is a number of bytes"),
    ],
)
def test_nonsense_is_named_with_its_place(field: str, value: object, problem: str) -> None:
    document = written()
    document["items"][0][field] = value
    with pytest.raises(ConfigurationError) as error:
        from_document(document, "plan.json", REGISTRY)
    (found,) = error.value.problems
    assert found.startswith(f"plan.json: items[0]: {problem}")


def test_all_faults_are_told_at_once() -> None:
    document = written()
    del document["created"], document["items"][0]["kind"]
    document["items"][1] = "nonsense"
    with pytest.raises(ConfigurationError) as error:
        from_document(document, "plan.json", REGISTRY)
    assert error.value.problems == (
        "plan.json: items[0]: 'kind' is missing",
        "plan.json: items[1]: an item is an object with a list of reasons",
        'plan.json: "created" and "items" are needed',
    )


@pytest.mark.parametrize("items", [None, {}, "all"])
def test_a_plan_without_items(items: object) -> None:
    with pytest.raises(ConfigurationError, match='"created" and "items" are needed'):
        from_document({**written(), "items": items}, "plan.json", REGISTRY)


@pytest.mark.parametrize(
    "extra", [{"notes": "one"}, {"freed": [1]}, {"freed": {"elsewhere/x": 1}}, {"freed": {str(REPOSITORY): "much"}}]
)
def test_what_only_informs_is_passed_over_where_it_makes_no_sense(extra: dict[str, Any]) -> None:
    assert from_document({**written(), **extra}, "plan.json", REGISTRY).items == PLAN.items


def test_repositories_of_layouts_are_read_too() -> None:
    assert str(read_repository("oci:/srv/images/shop", Registry("oci:/srv/images"))) == "oci:/srv/images/shop"


def test_times_are_written_in_utc_with_four_digits_of_year() -> None:
    assert stamp(datetime(2026, 1, 2, 1, 30, 0, 999, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01T23:30:00Z"
    assert stamp(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
