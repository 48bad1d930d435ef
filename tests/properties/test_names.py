"""What has to hold for every name and slug, whatever people type."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import ConfigurationError
from moorage.oci import naming, werf_tag
from moorage.oci.naming import Mode
from moorage.oci.reference import TAG, parse_reference
from moorage.oci.slug import SlugFormat, limited, slug
from moorage.registries.addressing import final_names, resolve
from moorage.registries.images_repo import ImagesRepo

NAMES = st.one_of(
    st.sampled_from(["", "app", "app-worker", "worker", "team/app"]), st.from_regex(r"[a-zA-Z0-9_.\-/]{1,20}", fullmatch=True)
)
TAGS = st.one_of(st.sampled_from(["v1", "worker-v1", "app-v1"]), st.from_regex(r"[\w.\-/]{0,20}", fullmatch=True))
REPOS = st.sampled_from(
    [
        resolve(text, mode=mode)
        for text, mode in (
            ("acme", "auto"),
            ("acme/shop", "auto"),
            ("docker.io/acme/shop", "auto"),
            ("quay.io/acme", "auto"),
            ("ghcr.io/acme", "auto"),
            ("ghcr.io/acme/shop", "monorepo"),
            ("ghcr.io/acme/shop", "multirepo"),
            ("docker.pkg.github.com/acme/shop/all", "auto"),
            ("localhost:5000", "auto"),
            ("localhost:5000/app", "monorepo"),
        )
    ]
)
FORMS = {
    SlugFormat.DOCKER_TAG: (r"\w[\w.-]*", 128),
    SlugFormat.HELM_RELEASE: (r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", 53),
    SlugFormat.KUBERNETES_NAMESPACE: (r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", 63),
}


@given(REPOS, st.lists(NAMES, min_size=1, max_size=4), st.lists(TAGS, min_size=1, max_size=4))
def test_accepted_names_are_distinct_and_read_back(repo: ImagesRepo, images: list[str], tags: list[str]) -> None:
    try:
        names = final_names(repo, images, tags)
    except ConfigurationError:
        return
    assert len({name.reference for name in names}) == len(names) == len(set(images)) * len(set(tags))
    for name in names:
        reference = parse_reference(name.reference)
        assert reference.repository == repo.repository(name.image)
        assert str(reference.tag) == name.tag
        assert naming.meta_tag(repo.mode, name.image, name.tag) == name.meta_tag
        assert naming.belongs(repo.mode, name.image, name.tag, name.image)


@given(st.text(max_size=300), st.sampled_from(SlugFormat))
def test_a_slug_is_valid_and_its_own_slug(text: str, slug_format: SlugFormat) -> None:
    result = slug(text, slug_format)
    form, limit = FORMS[slug_format]
    assert slug(result, slug_format) == result
    assert (result == "") is (text == "")
    assert len(result.encode()) <= limit
    assert result == "" or re.fullmatch(form, result, re.ASCII)


@given(st.text(max_size=100), st.integers(min_value=10, max_value=60))
def test_a_limited_slug_keeps_its_limit(text: str, limit: int) -> None:
    assert len(limited(text, limit)) <= limit


@given(st.from_regex(r"[a-z0-9]+([+/._-][a-z0-9]+)*", fullmatch=True))
def test_names_in_tags_read_back(image: str) -> None:
    assert werf_tag.decoded(werf_tag.encoded(image)) == image
    assert TAG.fullmatch(werf_tag.commit_tag(image, "a" * 40))


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_configuration_error(text: str) -> None:
    try:
        repo = resolve(text)
    except ConfigurationError:
        return
    assert repo.text == text.rstrip("/")
    assert repo.mode in repo.place.modes


@pytest.mark.parametrize("mode", Mode)
@given(image=NAMES, meta_tag=TAGS)
def test_tags_and_meta_tags_are_each_others_reverse(mode: Mode, image: str, meta_tag: str) -> None:
    assert naming.meta_tag(mode, image, naming.tag_text(mode, image, meta_tag)) == meta_tag
