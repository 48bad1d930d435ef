"""A plan survives its way through a file, and a file that was touched is not carried out."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.properties.graphs import NOW, OUTSIDE, REPOSITORY, World, worlds

from moorage.errors import Failure, Refused
from moorage.oci.reference import Registry
from moorage.policy.document import Document, from_document, to_document
from moorage.policy.plan import Plan


def document_of(world: World) -> tuple[Plan, Document]:
    plan = Plan(NOW, world.plan().items, notes=("a note",))
    return plan, json.loads(json.dumps(to_document(plan)))


@given(worlds())
def test_a_plan_comes_back_as_it_was(world: World) -> None:
    plan, document = document_of(world)
    assert from_document(document, "plan.json", REPOSITORY.registry) == plan


@given(worlds(), st.data())
def test_an_edited_plan_is_refused(world: World, data: st.DataObject) -> None:
    _, document = document_of(world)
    assume(document["items"])
    item = data.draw(st.sampled_from(document["items"]))
    edits = {
        "action": {"keep": "delete", "delete": "keep"}[item["action"]],
        "digest": OUTSIDE.text,
        "repository": f"{REPOSITORY.registry}/acme/other",
        "vendor_id": "another",
    }
    if item["kind"] == "tag":
        edits["tag"] = "another"
    name = data.draw(st.sampled_from(sorted(edits)))
    assume(item[name] != edits[name] and (item["digest"] or name != "action"))
    item[name] = edits[name]
    with pytest.raises(Refused, match=r"plan\.json was edited"):
        from_document(document, "plan.json", REPOSITORY.registry)


@given(worlds(), st.sampled_from(["more", "fewer", "moved", "later"]))
def test_a_plan_with_more_fewer_or_moved_items_is_refused(world: World, edit: str) -> None:
    _, document = document_of(world)
    items = document["items"]
    assume(len(items) > 1)
    if edit == "more":
        items.append(items[0])
    elif edit == "fewer":
        items.pop()
    elif edit == "moved":
        items.reverse()
    else:
        document["created"] = "2027-01-01T00:00:00Z"
    with pytest.raises(Refused):
        from_document(document, "plan.json", REPOSITORY.registry)


@given(worlds(), st.data())
def test_nonsense_in_a_plan_is_told_never_carried_out(world: World, data: st.DataObject) -> None:
    """Any field of any item replaced by anything: one of our errors, or no change in what is carried out."""
    plan, document = document_of(world)
    assume(document["items"])
    item = data.draw(st.sampled_from(document["items"]))
    nonsense = st.sampled_from([None, "", "keep", 5, 1.5, True, [], {}, ["x"], {"code": "rule"}, [[]], "\udcff"])
    item[data.draw(st.sampled_from(sorted(item)))] = data.draw(nonsense)
    try:
        read = from_document(document, "plan.json", REPOSITORY.registry)
    except Failure:
        return
    assert [item.key for item in read.deletions] == [item.key for item in plan.deletions]
    assert json.dumps(to_document(read))


@given(worlds())
def test_a_plan_for_another_registry_is_refused(world: World) -> None:
    _, document = document_of(world)
    assume(document["items"])
    with pytest.raises(Failure, match=r"which this run speaks to"):
        from_document(document, "plan.json", Registry("elsewhere.example"))
