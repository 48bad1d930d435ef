import subprocess
import sys

import pytest

from moorage.auth.secret import Secret, blank
from moorage.errors import ConfigurationError
from moorage.registries.catalog import IMPLEMENTATIONS, VENDORS
from moorage.registries.vendor import api_url


def test_the_names_are_those_that_people_were_told() -> None:
    told = "auto ecr acr default dockerhub gcr github gitlab harbor quay jfrog nexus layout"
    assert sorted(IMPLEMENTATIONS) == sorted(told.split())


def test_default_is_asked_last() -> None:
    assert list(VENDORS)[-1] == "default"


def test_credentials_are_named_after_repo_and_passwords_are_secrets() -> None:
    credentials = {option.name: option for vendor in VENDORS.values() for option in vendor.credentials}
    assert set(credentials) == {
        *(
            "docker-hub-token",
            "docker-hub-username",
            "docker-hub-password",
            "github-token",
            "gitlab-token",
            "quay-token",
            "jfrog-token",
        ),
        *("harbor-username", "harbor-password", "nexus-username", "nexus-password", "acr-username", "acr-password"),
    }
    for name, option in credentials.items():
        assert option.secret is name.endswith(("-token", "-password"))
        assert isinstance(option.read("abcdef"), Secret) is option.secret


def test_endpoints() -> None:
    endpoints = {option.name: option for vendor in VENDORS.values() for option in vendor.endpoints}
    assert set(endpoints) == {
        *("github-api-url", "github-graphql-url", "docker-hub-api-url", "gitlab-api-url", "harbor-api-url", "quay-api-url"),
        *("jfrog-api-url", "nexus-api-url", "ecr-registry-id", "ecr-region", "jfrog-repository", "nexus-repository"),
        "ecr-create-repositories",
        *("acr-client-id", "acr-tenant-id", "acr-federated-token-file", "acr-authority"),
    }
    assert endpoints["github-api-url"].variables == ("GITHUB_API_URL",)
    assert endpoints["gitlab-api-url"].variables == ("CI_API_V4_URL",)
    assert endpoints["ecr-registry-id"].read("123456789012") == "123456789012"
    for name, wrong in (("ecr-registry-id", "1234"), ("ecr-region", "Europe")):
        with pytest.raises(ConfigurationError):
            endpoints[name].read(wrong)


@pytest.mark.parametrize(
    "text", ["api.example.com", "ftp://api.example.com", "https://", "https://a.b/?x=1", "https://u:hidden-pw@a.b", ""]
)
def test_bad_api_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"needed|do not belong|ends before"):
        api_url(text)


def test_api_addresses_lose_their_trailing_slash() -> None:
    assert api_url("https://ghes.example.com/api/v3/") == "https://ghes.example.com/api/v3"


def test_a_password_in_an_api_address_is_known_as_secret_from_then_on() -> None:
    with pytest.raises(ValueError, match="do not belong"):
        api_url("https://bob:swordfish-7@api.example.com")
    assert blank("https://bob:swordfish-7@api.example.com") == "https://bob:***@api.example.com"


def test_names_and_catalogue_load_nothing_heavy() -> None:
    """`moorage names` has to start as fast as Python does; an SDK or HTTP client costs 200 to 500 ms."""
    code = (
        "import sys, moorage.commands.names, moorage.commands.slug, moorage.registries.addressing\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"requests", "urllib3", "yaml", "boto3", "botocore", "gql", "github", "gitlab", "mmh3", "re2"} & set(loaded)
