"""Which AWS registry an address means: account, region and kind of endpoint, out of the host's name or the options."""

import re
from dataclasses import dataclass
from typing import Final

from moorage.errors import ConfigurationError
from moorage.registries.ecr import REGION, REGISTRY_ID, is_private, is_public
from moorage.registries.vendor import Connection

PUBLIC_REGION: Final = "us-east-1"  # where ECR Public has its API (botocore's endpoint rules, seen 2026-11)
_PRIVATE: Final = re.compile(
    r"(?P<account>[0-9]{12})\.dkr(?P<joint>[.-])ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9][a-z0-9-_]*)\.", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Location:
    """`account` is the registry id, empty for ECR Public, where the alias in the address stands for it."""

    region: str
    account: str = ""
    fips: bool = False
    dual_stack: bool = False

    @property
    def is_public(self) -> bool:
        return not self.account

    @property
    def service(self) -> str:
        """What botocore and IAM call the API."""
        return "ecr-public" if self.is_public else "ecr"


def locate(connection: Connection) -> Location:
    """The registry of a connection. What the host says counts before the options, since pushes go to that host anyway.

    Raises ConfigurationError naming the options that a host without account and region needs.
    """
    host = connection.registry.name.lower()
    if is_public(host):
        return Location(PUBLIC_REGION, dual_stack=host.startswith("ecr-public."))
    found = _PRIVATE.match(host) if is_private(host) else None
    if found is not None:
        return Location(found["region"], found["account"], fips=bool(found["fips"]), dual_stack=found["joint"] == "-")
    account, region = connection.options.get(REGISTRY_ID), connection.options.get(REGION)
    if account and region:
        return Location(region, account)
    missing = [option.flag for option, value in ((REGISTRY_ID, account), (REGION, region)) if not value]
    raise ConfigurationError(
        *(
            f"{flag} is needed: {connection.registry} does not name the AWS account and region of its registry"
            for flag in missing
        ),
        remedy="Give both, or the registry's own address: ACCOUNT.dkr.ecr.REGION.amazonaws.com.",
    )
