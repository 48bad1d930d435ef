import pytest

from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry
from moorage.registries.github.endpoints import Endpoints, endpoints

PUBLIC = "https://api.github.com"
SERVER = "https://ghes.example.com/api/v3"


@pytest.mark.parametrize(
    ("host", "rest", "graphql"),
    [
        ("ghcr.io", PUBLIC, f"{PUBLIC}/graphql"),
        ("GHCR.io", PUBLIC, f"{PUBLIC}/graphql"),
        ("docker.pkg.github.com", PUBLIC, f"{PUBLIC}/graphql"),
        ("containers.octo-corp.ghe.com", "https://api.octo-corp.ghe.com", "https://api.octo-corp.ghe.com/graphql"),
        ("containers.ghes.example.com", SERVER, "https://ghes.example.com/api/graphql"),
        ("docker.ghes.example.com:443", SERVER, "https://ghes.example.com/api/graphql"),
    ],
)
def test_the_host_says_where_its_api_is(host: str, rest: str, graphql: str) -> None:
    found = endpoints(Registry(host), "", "")
    assert (found.rest, found.graphql) == (rest, graphql)
    assert found.limited is not host.endswith((".example.com", ":443"))


@pytest.mark.parametrize("host", ["localhost:5001", "images.example.com", "127.0.0.1:5000"])
def test_another_host_needs_the_option(host: str) -> None:
    with pytest.raises(ConfigurationError, match="not known") as missing:
        endpoints(Registry(host), "", "")
    assert "--github-api-url" in missing.value.remedy
    given = endpoints(Registry(host), "http://localhost:5002/api/v3", "")
    assert given == Endpoints("http://localhost:5002/api/v3", "http://localhost:5002/api/graphql", limited=False)
    assert given.authority == "localhost:5002"
    assert endpoints(Registry(host), "http://localhost:5002", "").graphql == "http://localhost:5002/graphql"
    assert endpoints(Registry(host), PUBLIC, "http://localhost:5003/g").graphql == "http://localhost:5003/g"


@pytest.mark.parametrize(
    ("host", "given", "asked"),
    [
        ("ghcr.io", SERVER, PUBLIC),  # a job of a GHES that publishes to ghcr.io
        ("containers.ghes.example.com", PUBLIC, SERVER),  # a job of github.com that publishes to a GHES
        ("containers.octo-corp.ghe.com", PUBLIC, "https://api.octo-corp.ghe.com"),
        ("ghcr.io", "http://localhost:9000/api/v3", "http://localhost:9000/api/v3"),  # a test's
        ("ghcr.io", "https://proxy.example.com", "https://proxy.example.com"),
        ("containers.ghes.example.com", "https://10.0.0.1/api/v3", "https://10.0.0.1/api/v3"),
    ],
)
def test_the_api_of_another_github_is_not_asked(host: str, given: str, asked: str) -> None:
    assert endpoints(Registry(host), given, "").rest == asked


def test_the_graphql_api_of_another_github_is_not_asked() -> None:
    assert (
        endpoints(Registry("docker.ghes.example.com"), "", f"{PUBLIC}/graphql").graphql == "https://ghes.example.com/api/graphql"
    )
    server = "https://ghes.example.com/api/graphql"
    assert endpoints(Registry("docker.pkg.github.com"), "", server).graphql == f"{PUBLIC}/graphql"
