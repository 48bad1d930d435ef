import pytest
from tests.data.cases import cases

from moorage.errors import ConfigurationError
from moorage.oci.tagging import TagRequest, TagStrategy, no_tags, tag_problem, tag_requests

TAGS = cases("names")["tags"]


@pytest.mark.parametrize("tag", [*TAGS["kept"]["valid"], "x" * 128])
def test_tags(tag: str) -> None:
    assert tag_problem(tag) is None


@pytest.mark.parametrize("tag", [*TAGS["kept"]["refused"], *(case["tag"] for case in TAGS["changed"]), "x" * 129, "v1\n", "имя"])
def test_texts_that_are_no_tags(tag: str) -> None:
    assert tag_problem(tag)


def test_several_strategies_give_one_tag_each() -> None:
    requests = tag_requests(custom=["a", "b", "a"], git_tag="v1", by_stages_signature=True)
    assert requests == (
        TagRequest(TagStrategy.CUSTOM, "a"),
        TagRequest(TagStrategy.CUSTOM, "b"),
        TagRequest(TagStrategy.GIT_TAG, "v1"),
        TagRequest(TagStrategy.STAGES_SIGNATURE),
    )


def test_all_bad_values_are_named_with_their_options_and_a_way_out() -> None:
    with pytest.raises(ConfigurationError) as caught:
        tag_requests(custom=["", "x" * 129], git_branch="feature/foo", git_tag=".x", git_commit="-x")
    problems = caught.value.problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "bad --tag-custom parameter ''",
        f"bad --tag-custom parameter '{'x' * 129}'",
        "bad --tag-git-branch parameter 'feature/foo'",
        "bad --tag-git-tag parameter '.x'",
        "bad --tag-git-commit parameter '-x'",
    ]
    assert "'feature-foo-7a317d96'" in problems[2]
    assert "129" in problems[1]


def test_an_empty_git_value_is_not_given() -> None:
    assert tag_requests(git_branch="", git_tag="", git_commit="") == ()


def test_a_missing_tag_is_answered_with_every_option_that_gives_one() -> None:
    assert all(strategy.flag in no_tags().message for strategy in TagStrategy)
    assert TagStrategy.STAGES_SIGNATURE.flag == "--tag-by-stages-signature"
