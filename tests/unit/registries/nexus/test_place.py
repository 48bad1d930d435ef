"""Which repository of Nexus an address means, and where its API is."""

from __future__ import annotations

import pytest

from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry, Repository
from moorage.registries.nexus.place import Place, Places


@pytest.mark.parametrize(
    ("address", "api", "name", "place"),
    [
        ("nexus.example.com", "", "", Place("images", "team/app", routed=True)),
        ("nexus.example.com", "", "images", Place("images", "team/app", routed=True)),
        ("nexus.example.com", "https://nexus.example.com", "", Place("images", "team/app", routed=True)),
        ("nexus.example.com", "https://NEXUS.example.com:443/service/rest", "", Place("images", "team/app", routed=True)),
        ("nexus.example.com", "", "other", Place("other", "images/team/app", routed=False)),
        ("nexus.example.com:8083", "https://nexus.example.com", "hosted", Place("hosted", "images/team/app", routed=False)),
        ("nexus.example.com:8083", "https://nexus.example.com", "images", Place("images", "images/team/app", routed=False)),
    ],
)
def test_the_repository_is_named_by_path_or_option(address: str, api: str, name: str, place: Place) -> None:
    registry = Registry(address)
    places = Places(registry, api, name)
    assert places.of(Repository(registry, "images/team/app")) == place
    assert places.named(place, place.image) == Repository(registry, "images/team/app")
    assert places.named(place, "Not-A-Name") is None


@pytest.mark.parametrize(("path", "api"), [("app", ""), ("team/app", "https://elsewhere.example.com")])
def test_what_nobody_names_is_asked_for(path: str, api: str) -> None:
    registry = Registry("docker.example.com")
    with pytest.raises(ConfigurationError) as asked:
        Places(registry, api, "").of(Repository(registry, path))
    assert "--nexus-repository" in asked.value.remedy
    assert "--nexus-api-url" in asked.value.remedy


@pytest.mark.parametrize(
    "url", ["https://x.test/nexus", "https://x.test/nexus/service/rest", "https://x.test/nexus/service/rest/v1"]
)
def test_the_api_may_be_given_with_its_path(url: str) -> None:
    assert Places(Registry("docker.test"), url, "images").api_url == "https://x.test/nexus"
