"""Tags with placeholders."""

import pytest

from moorage.oci.tag_template import Placeholder, filled, is_template, problem_of, version_values

VALUES = {Placeholder.BRANCH_SLUG: "main", Placeholder.SHA7: "1a2b3c4"}


def test_placeholders_are_filled() -> None:
    assert filled("{branch-slug}-{sha7}", VALUES) == "main-1a2b3c4"


def test_what_stands_for_nothing_takes_the_whole_tag_along() -> None:
    assert filled("v{semver}-{sha7}", VALUES) is None
    assert filled("{semver}", {Placeholder.SEMVER: ""}) is None


def test_a_plain_tag_is_no_template() -> None:
    assert not is_template("v1.2.3")
    assert is_template("{}")


@pytest.mark.parametrize("text", ["{sha8}", "{ sha7 }", "{}", "{version}-{sha}"])
def test_an_unknown_placeholder_names_those_that_there_are(text: str) -> None:
    problem = problem_of(text)
    assert problem is not None
    for placeholder in Placeholder:
        assert f"{{{placeholder}}}" in problem


def test_a_near_miss_is_recognised() -> None:
    assert "did you mean {semver-major}?" in str(problem_of("{semver_major}"))


def test_every_placeholder_says_what_it_means() -> None:
    assert all(placeholder.meaning for placeholder in Placeholder)


@pytest.mark.parametrize(
    ("git_tag", "versions"),
    [
        ("v1.2.3", ("1.2.3", "1", "1.2")),
        ("1.2.3", ("1.2.3", "1", "1.2")),
        ("web/v1.2.3", ("1.2.3", "1", "1.2")),
        ("v2.0.0-rc.1", ("2.0.0-rc.1", "2.0.0-rc.1", "2.0.0-rc.1")),
        ("v1.2.3+build.5", ("1.2.3-build.5", "1", "1.2")),
    ],
)
def test_versions(git_tag: str, versions: tuple[str, str, str]) -> None:
    assert tuple(version_values(git_tag).values()) == versions


@pytest.mark.parametrize("git_tag", ["", "v1", "v1.2", "release", "v01.2.3", "v1.2.3.4", "xv1.2.3"])
def test_what_is_no_version(git_tag: str) -> None:
    assert version_values(git_tag) == {}
