"""Which repository of Artifactory an address means, and where its API is."""

from __future__ import annotations

import pytest

from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry, Repository
from moorage.registries.jfrog.place import Place, Places


@pytest.mark.parametrize(
    ("address", "key", "place"),
    [
        ("acme.jfrog.io", "", Place("docker-local", "team/app", routed=True)),
        ("acme.jfrog.io", "docker-local", Place("docker-local", "team/app", routed=True)),
        ("acme-images.jfrog.io", "images", Place("images", "docker-local/team/app", routed=False)),
        ("example.com:8443", "images", Place("images", "docker-local/team/app", routed=False)),
    ],
)
def test_the_key_is_named_by_path_or_option(address: str, key: str, place: Place) -> None:
    registry = Registry(address)
    places = Places(registry, "", key)
    assert places.of(Repository(registry, "docker-local/team/app")) == place
    assert places.named(place, place.image) == Repository(registry, "docker-local/team/app")
    assert places.named(place, "Not-A-Name") is None
    assert place.folder("v1") == f"{place.key}/{place.image}/v1"


def test_what_nobody_names_is_asked_for() -> None:
    registry = Registry("acme-images.jfrog.io")
    with pytest.raises(ConfigurationError) as asked:
        Places(registry, "", "").of(Repository(registry, "app"))
    assert "--jfrog-repository" in asked.value.remedy


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", ""),
        ("https://acme.jfrog.io", "https://acme.jfrog.io/artifactory"),
        ("https://acme.jfrog.io/artifactory", "https://acme.jfrog.io/artifactory"),
        ("https://example.com/tools/artifactory", "https://example.com/tools/artifactory"),
    ],
)
def test_the_api_may_be_given_with_its_path(given: str, used: str) -> None:
    assert Places(Registry("docker.test"), given, "images").api_url == used
