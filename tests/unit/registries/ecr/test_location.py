"""Account, region and kind of endpoint out of a host's name."""

from __future__ import annotations

import pytest

from moorage.auth.keychain import LoginKeychain
from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry
from moorage.registries.ecr.location import Location, locate
from moorage.registries.vendor import Connection, VendorOptions
from moorage.transport.session import Session

ACCOUNT = "123456789012"


def located(host: str, **options: str) -> Location:
    named = VendorOptions({name.replace("_", "-"): value for name, value in options.items()})
    with Session() as session:
        return locate(Connection(Registry(host), session, LoginKeychain({}), named))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", Location("eu-west-1", ACCOUNT)),
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com:443", Location("eu-west-1", ACCOUNT)),
        (f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com", Location("us-east-1", ACCOUNT, fips=True)),
        (f"{ACCOUNT}.dkr.ecr.us-gov-east-1.amazonaws.com", Location("us-gov-east-1", ACCOUNT)),
        (f"{ACCOUNT}.dkr.ecr.cn-northwest-1.amazonaws.com.cn", Location("cn-northwest-1", ACCOUNT)),
        (f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu", Location("eusc-de-east-1", ACCOUNT)),
        (f"{ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov", Location("us-iso-east-1", ACCOUNT)),
        (f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws", Location("eu-west-1", ACCOUNT, dual_stack=True)),
        (f"{ACCOUNT}.dkr-ecr-fips.us-west-2.on.aws", Location("us-west-2", ACCOUNT, fips=True, dual_stack=True)),
        (f"{ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", Location("cn-north-1", ACCOUNT, dual_stack=True)),
        ("public.ecr.aws", Location("us-east-1")),
        ("ecr-public.aws.com", Location("us-east-1", dual_stack=True)),
    ],
)
def test_the_host_says_where(host: str, expected: Location) -> None:
    assert located(host) == expected
    assert expected.service == ("ecr" if expected.account else "ecr-public")


def test_what_the_host_says_counts_before_the_options() -> None:
    options = {"ecr_region": "us-east-1", "ecr_registry_id": "999999999999"}
    assert located(f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", **options) == Location("eu-west-1", ACCOUNT)


def test_another_host_takes_them_from_the_options() -> None:
    assert located("registry.example.com", ecr_region="eu-west-1", ecr_registry_id=ACCOUNT) == Location("eu-west-1", ACCOUNT)


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, ["--ecr-registry-id", "--ecr-region"]),
        ({"ecr_region": "eu-west-1"}, ["--ecr-registry-id"]),
        ({"ecr_registry_id": ACCOUNT}, ["--ecr-region"]),
    ],
)
@pytest.mark.parametrize("host", ["registry.example.com", f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.evil.example"])
def test_what_is_missing_is_asked_for_by_its_option(host: str, options: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        located(host, **options)
    assert [problem.partition(" ")[0] for problem in refused.value.problems] == missing
