import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import moorage.registries
from moorage.auth.credential import Credential
from moorage.auth.secret import Secret, blank
from moorage.errors import ConfigurationError, Unsupported
from moorage.oci.reference import Registry
from moorage.registries.catalog import IMPLEMENTATIONS, VENDORS
from moorage.registries.vendor import Connection, Vendor, api_url, names_only

NAMES_ONLY = [vendor for vendor in VENDORS.values() if vendor.open.__module__ == names_only.__module__]


class Anonymous:
    def credential(self, registry: Registry) -> Credential | None:
        return None


def test_the_names_are_those_that_people_were_told() -> None:
    told = "auto ecr acr default dockerhub gcr github gitlab harbor quay jfrog nexus layout"
    assert sorted(IMPLEMENTATIONS) == sorted(told.split())


def test_every_vendor_has_its_folder() -> None:
    rooms = Path(moorage.registries.__file__).parent
    assert all((rooms / name / "__init__.py").is_file() for name in VENDORS)


def test_default_is_asked_last() -> None:
    assert list(VENDORS)[-1] == "default"


@pytest.mark.parametrize("vendor", NAMES_ONLY, ids=lambda vendor: vendor.name)
def test_what_is_not_built_says_so_and_names_a_way(vendor: Vendor) -> None:
    session: Any = None  # never touched: refused before any network
    with pytest.raises(Unsupported, match="not built yet; nothing was changed") as caught:
        vendor.open(Connection(Registry("my.registry"), session, Anonymous(), specific_prefix="stages-storage-repo"))
    assert vendor.title in caught.value.message
    assert "--stages-storage-repo-implementation default" in caught.value.remedy


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
