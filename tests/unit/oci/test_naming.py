from collections.abc import Mapping

import pytest
from tests.data.cases import cases

from moorage.oci import naming
from moorage.oci.naming import FinalName, Mode

CASES = cases("names")


@pytest.mark.parametrize(("mode", "images_repo", "image", "tag", "reference"), CASES["final_names"]["kept"])
def test_names_and_tags_make_references(mode: str, images_repo: str, image: str, tag: str, reference: str) -> None:
    repository = naming.repository_text(images_repo.rstrip("/"), Mode(mode), image)
    name = FinalName(image, repository, naming.tag_text(Mode(mode), image, tag), tag)
    assert name.reference == reference
    assert naming.meta_tag(Mode(mode), image, name.tag) == tag


@pytest.mark.parametrize(("image", "tag", "may_belong", "meta_tag"), CASES["tag_matching"]["kept"])
def test_tags_are_matched_by_their_prefix(image: str, tag: str, may_belong: bool, meta_tag: str) -> None:
    assert naming.may_belong(Mode.MONOREPO, image, tag) is may_belong
    assert naming.meta_tag(Mode.MONOREPO, image, tag) == meta_tag


@pytest.mark.parametrize(("mode", "image", "tag", "labels", "belongs"), CASES["ownership"]["kept"])
def test_what_an_image_recorded_decides_whose_it_is(
    mode: str, image: str, tag: str, labels: Mapping[str, str], belongs: bool
) -> None:
    assert naming.belongs(Mode(mode), image, tag, naming.recorded_by_werf(labels)) is belongs


def test_the_prefix_still_has_to_fit_what_was_recorded() -> None:
    assert not naming.belongs(Mode.MONOREPO, "app", "copied-by-hand", "app")
    assert naming.belongs(Mode.MULTIREPO, "app", "copied-by-hand", "app")


def test_stages_are_no_final_images() -> None:
    assert naming.recorded_by_werf({"werf-image": "false", "werf-image-name": "app"}) is None


@pytest.mark.parametrize("text", ["~", "__nameless__", ""])
def test_the_nameless_image_has_two_words(text: str) -> None:
    assert naming.image_name(text) == naming.NAMELESS


def test_other_names_stay() -> None:
    assert naming.image_name("app") == "app"
