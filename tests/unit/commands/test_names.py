import pytest

from moorage.commands.names import NamesRequest, names
from moorage.errors import ConfigurationError
from moorage.oci.tagging import TagRequest, TagStrategy, tag_requests
from moorage.registries.addressing import resolve


def test_the_json_form_is_fixed() -> None:
    result = names(NamesRequest(resolve("foo/project/"), ("frontend", "~"), tag_requests(custom=["tag"])))
    assert result.as_json() == {
        "implementation": "dockerhub",
        "mode": "monorepo",
        "images": [
            {"image": "frontend", "repository": "foo/project", "tag": "frontend-tag", "reference": "foo/project:frontend-tag"},
            {"image": "", "repository": "foo/project", "tag": "tag", "reference": "foo/project:tag"},
        ],
    }


def test_tags_of_all_strategies_are_joined() -> None:
    result = names(NamesRequest(resolve("ghcr.io/acme"), ("api",), tag_requests(custom=["v1"], git_branch="main", git_tag="v1")))
    assert [name.reference for name in result.names] == ["ghcr.io/acme/api:v1", "ghcr.io/acme/api:main"]


def test_everything_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        names(NamesRequest(resolve("ghcr.io/acme"), (), ()))
    images, tags = caught.value.problems
    assert "--image NAME" in images
    assert "--tag-custom" in tags


def test_a_signature_cannot_be_known_without_the_content() -> None:
    with pytest.raises(ConfigurationError, match="moorage publish"):
        names(NamesRequest(resolve("ghcr.io/acme"), ("api",), (TagRequest(TagStrategy.STAGES_SIGNATURE),)))
