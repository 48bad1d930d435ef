import pytest

from moorage.errors import ConfigurationError
from moorage.registries.addressing import final_names, resolve


def references(text: str, images: list[str], tags: list[str], *, implementation: str = "auto", mode: str = "auto") -> list[str]:
    return [name.reference for name in final_names(resolve(text, implementation, mode), images, tags)]


def problems(text: str, images: list[str], tags: list[str], *, mode: str = "auto") -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        final_names(resolve(text, mode=mode), images, tags)
    return caught.value.problems


def test_every_image_gets_every_tag_once() -> None:
    assert references("ghcr.io/acme/shop", ["api", "", "api"], ["v1", "main", "v1"]) == [
        "ghcr.io/acme/shop/api:v1",
        "ghcr.io/acme/shop/api:main",
        "ghcr.io/acme/shop:v1",
        "ghcr.io/acme/shop:main",
    ]


def test_the_text_of_the_images_repo_stays_and_the_network_gets_the_one_true_name() -> None:
    repo = resolve("Registry-1.docker.io/acme/shop/")
    assert repo.final("api", "v1").reference == "Registry-1.docker.io/acme/shop:api-v1"
    assert str(repo.repository("api")) == "index.docker.io/acme/shop"
    assert str(resolve("acme").repository("api")) == "index.docker.io/acme/api"
    assert str(resolve("GHCR.io/acme").repository("api")) == "ghcr.io/acme/api"
    assert str(resolve("localhost:5000").repository("team/api")) == "localhost:5000/team/api"


def test_one_segment_on_docker_hub_is_read_as_docker_reads_it_when_default_is_forced() -> None:
    assert str(resolve("shop", "default").repository("")) == "index.docker.io/library/shop"
    assert str(resolve("shop", "default", "monorepo").repository("api")) == "index.docker.io/library/shop"


def test_a_directory_holds_one_layout_for_each_name() -> None:
    repo = resolve("oci:build/registry/")
    name = repo.final("team/api", "v1")
    assert (name.repository, name.reference) == ("oci:build/registry/team/api", "oci:build/registry/team/api:v1")
    assert (repo.registry.directory, repo.repository("team/api").path) == ("build/registry", "team/api")


@pytest.mark.parametrize(
    "text",
    [
        "acme",
        "quay.io/acme",
        "ghcr.io/acme",
        "docker.pkg.github.com/acme/shop",
        "public.ecr.aws/acme",
        "my.registry:5000",
        "oci:out",
    ],
)
def test_the_nameless_image_needs_a_repository(text: str) -> None:
    [problem] = problems(text, ["", "api"], ["v1"])
    assert "the nameless image" in problem
    assert f"'{text}'" in problem


@pytest.mark.parametrize("text", ["acme", "quay.io/acme", "docker.pkg.github.com/acme/shop"])
def test_nested_names_need_a_vendor_that_nests(text: str) -> None:
    [problem] = problems(text, ["team/api", "api"], ["v1"])
    assert f"image 'team/api' would become the repository '{text}/team/api'" in problem
    assert "no nested repositories" in problem


@pytest.mark.parametrize(
    "text", ["ghcr.io/acme", "ghcr.io/acme/shop", "gcr.io/p", "my.registry", "public.ecr.aws/acme", "oci:out"]
)
def test_nested_names_where_the_vendor_nests(text: str) -> None:
    assert references(text, ["team/api"], ["v1"]) == [f"{text}/team/api:v1"]


def test_names_that_are_no_path_are_named_with_the_nearest_that_is() -> None:
    upper, double, empty = problems("ghcr.io/acme", ["Api", "a..b", "a//b", "ok"], ["v1"])
    assert "image 'Api' would become the repository 'ghcr.io/acme/Api'" in upper
    assert "write 'api'" in upper
    assert "'a..b' is not lower-case letters" in double
    assert "'a//b'" in empty


def test_a_path_has_255_characters_and_a_tag_128() -> None:
    assert references("ghcr.io/acme", ["a" * 250], ["v" * 128])
    [path] = problems("ghcr.io/acme", ["a" * 251], ["v1"])
    assert "this one has 256" in path
    [tag] = problems("ghcr.io/acme", ["api"], ["v" * 129])
    assert "this one has 129" in tag


def test_in_monorepo_mode_the_sum_of_name_and_tag_has_to_fit() -> None:
    assert references("acme/shop", ["api"], ["v" * 124])
    [problem] = problems("acme/shop", ["api"], ["v" * 125])
    assert "image 'api' with tag " in problem
    assert "(129 characters)" in problem


def test_a_name_with_a_slash_is_no_beginning_of_a_tag() -> None:
    [problem] = problems("acme/shop", ["team/api"], ["v1", "v2"])
    assert "image 'team/api'" in problem


def test_capital_letters_are_fine_in_a_tag() -> None:
    assert references("acme/shop", ["Api"], ["V1"]) == ["acme/shop:Api-V1"]


def test_bad_tags_are_named_once_and_good_names_of_them_are_not_blamed() -> None:
    found = problems("acme/shop", ["api", "web"], [".x", "", "v1"])
    assert [problem.partition(":")[0] for problem in found] == ["bad tag '.x'", "bad tag ''"]


def test_two_images_never_share_a_reference() -> None:
    found = problems("acme/shop", ["app", "app-worker", ""], ["v1", "worker-v1", "app-v1"])
    assert len(found) == 2
    assert "image 'app' with tag 'worker-v1' and image 'app-worker' with tag 'v1'" in found[1]
    assert "'acme/shop:app-worker-v1'" in found[1]
    assert "image 'app' with tag 'v1' and the nameless image with tag 'app-v1'" in found[0]


def test_images_with_a_common_prefix_are_fine_as_long_as_their_tags_differ() -> None:
    assert references("acme/shop", ["app", "app-worker"], ["v1"]) == ["acme/shop:app-v1", "acme/shop:app-worker-v1"]


def test_all_offenders_come_together() -> None:
    found = problems("quay.io/acme", ["", "team/api", "Api"], ["feature/x", "v1"])
    assert len(found) == 4


def test_a_tag_that_a_cleanup_would_take_for_a_record_is_refused() -> None:
    tag = f"image-metadata-by-commit-app-{'a' * 40}"
    assert "takes for a record and not for an image" in problems("ghcr.io/acme/shop", ["api"], [tag, "v1"])[0]
    assert references("ghcr.io/acme/shop", ["api"], ["moorage-record.v1"]) == ["ghcr.io/acme/shop/api:moorage-record.v1"]
