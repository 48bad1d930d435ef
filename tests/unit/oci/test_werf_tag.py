import pytest
from tests.data.cases import cases

from moorage.oci import werf_tag
from moorage.oci.naming import NAMELESS
from moorage.oci.reference import Tag
from moorage.oci.werf_tag import StageTag

CASES = cases("names")


@pytest.mark.parametrize(
    ("image", "tag"), [*CASES["managed_images"]["kept"], ("c++/app", "managed-image-c__plus____plus____slash__app")]
)
def test_image_names_are_recorded_in_tags(image: str, tag: str) -> None:
    assert werf_tag.managed_image_tag(image) == tag
    assert werf_tag.managed_image(tag) == image


def test_both_words_for_the_nameless_image_are_recorded_alike() -> None:
    assert werf_tag.managed_image(werf_tag.managed_image_tag("__nameless__")) == NAMELESS


@pytest.mark.parametrize(("image", "commit", "tag"), CASES["commit_records"]["kept"])
def test_commits_are_recorded_in_tags(image: str, commit: str, tag: str) -> None:
    assert werf_tag.commit_tag(image, commit) == tag == str(Tag(tag))
    assert werf_tag.recorded_commit(tag) == commit


@pytest.mark.parametrize(
    "tag", ["v1", "managed-image-app", "image-metadata-by-commit-app", "image-metadata-by-commit-app-", "app-1"]
)
def test_other_tags_record_no_commit(tag: str) -> None:
    assert werf_tag.recorded_commit(tag) is None


def test_other_tags_record_no_image() -> None:
    assert werf_tag.managed_image("app-managed-image-x") is None


@pytest.mark.parametrize(
    ("tag", "expected"),
    [*CASES["stage_tags"]["kept"], *((case["tag"], case["now"]) for case in CASES["stage_tags"]["changed"])],
)
def test_stages_are_recognised_by_form(tag: str, expected: tuple[str, int] | None) -> None:
    assert StageTag.parse(tag) == (StageTag(*expected) if expected else None)
