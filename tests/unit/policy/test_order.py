"""In which order a plan is carried out: single tags, then indexes before children and signatures before images."""

from collections.abc import Iterable
from itertools import pairwise

from tests.unit.policy.shelf import REPOSITORY, digest, image, repository, signature

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Tag
from moorage.policy.order import Removal, Untag, waves
from moorage.policy.plan import Action, Item, Kind


def delete(here: Inventory, *words: str, tags: Iterable[str] = (), vendor_id: str = "") -> list[list[str]]:
    """The waves in which these manifests and tags go, by their words."""
    items = [Item(REPOSITORY, Kind.TAG, here.tags[Tag(tag)], Action.DELETE, (), tag=Tag(tag)) for tag in tags]
    items += [Item(REPOSITORY, Kind.MANIFEST, digest(word), Action.DELETE, (), vendor_id=vendor_id) for word in words]
    items += [Item(REPOSITORY, Kind.MANIFEST, digest("web"), Action.KEEP, ())]
    names = {digest(word): word for word in words}
    return [sorted(one.tag.text if isinstance(one, Untag) else names[one.digest] for one in wave) for wave in waves(items, here)]


def test_nothing_to_do_makes_no_waves() -> None:
    assert delete(repository({"v1": "web"})) == []


def test_single_tags_go_first_and_whole_manifests_with_all_their_tags() -> None:
    here = repository({"a": "app", "b": "app", "c": "web", "d": "web"})
    assert delete(here, "app", tags=["a", "b", "c"]) == [["c"], ["app"]]


def test_a_removal_names_its_tags_and_the_registrys_own_number() -> None:
    items = [
        Item(REPOSITORY, Kind.TAG, digest("app"), Action.DELETE, (), tag=Tag("b")),
        Item(REPOSITORY, Kind.MANIFEST, digest("app"), Action.DELETE, (), vendor_id="77"),
        Item(REPOSITORY, Kind.TAG, digest("app"), Action.DELETE, (), tag=Tag("a")),
    ]
    assert waves(items, repository({"a": "app", "b": "app"})) == ((Removal(digest("app"), (Tag("a"), Tag("b")), "77"),),)


def test_an_index_goes_before_its_children_at_any_depth() -> None:
    here = repository({}, image("index", "inner", "amd"), image("inner", "arm"), image("arm"), image("amd"))
    assert delete(here, "arm", "amd", "inner", "index") == [["index"], ["amd", "inner"], ["arm"]]


def test_what_belongs_to_an_image_goes_before_it() -> None:
    here = repository({signature("app"): "sig"}, image("sbom", subject="app"), image("one", subject="sbom"), image("app"))
    assert delete(here, "app", "sbom", "sig", "one") == [sorted(["sig", "one"]), ["sbom"], ["app"]]


def test_names_in_a_circle_go_together_and_what_waits_for_them_goes_after() -> None:
    circle = {signature("one"): "two", signature("two"): "one", signature("app"): "one"}
    assert delete(repository(circle, image("app")), "one", "two", "app") == [["one", "two"], ["app"]]


def test_an_index_stays_before_its_child_even_in_a_circle() -> None:
    here = repository({signature("index"): "arm"}, image("index", "arm"))
    assert delete(here, "index", "arm") == [["index"], ["arm"]]


def test_long_chains_are_no_burden() -> None:
    """Ten thousand referrers of each other; anything but linear would take hours."""
    words = [f"{number}" for number in range(10_000)]
    here = repository({}, image("0"), *(image(word, subject=before) for before, word in pairwise(words)))
    assert len(delete(here, *words)) == 10_000
