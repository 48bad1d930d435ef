"""ECR Public: one registry for everybody, where an alias stands for an account, and tokens for passwords (seen 2026-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import PULL, TokenDesk
from tests.simulators.aws import Service, answer
from tests.simulators.ecr import ACCOUNT, FOREIGNER, EcrSimulator
from tests.simulators.simulator import Call, V2Call, route

if TYPE_CHECKING:
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held

ALIAS = "acme"


class PublicEcrSimulator(EcrSimulator):
    """Repositories are `NAME` in the API and `acme/NAME` on /v2."""

    service = Service("ecr-public")
    specification = service
    region = "us-east-1"

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.desk = TokenDesk(self.accounts, "public.ecr.aws", "/token/")

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        """The bearer tokens of /v2; the passwords they were got with last for twelve hours."""
        self.desk.expire()

    @route("POST", "GetAuthorizationToken")
    def authorization(self, call: Call) -> Reply:
        return self._refusal(call, "GetAuthorizationToken") or answer({"authorizationData": self._token(call)})

    @route("POST", "DescribeRegistries")
    def registries(self, call: Call) -> Reply:
        refused = self._refusal(call, "DescribeRegistries")
        if refused:
            return refused
        foreign = self._caller(call) is FOREIGNER
        alias = {
            "name": "elsewhere" if foreign else ALIAS,
            "status": "ACTIVE",
            "primaryRegistryAlias": True,
            "defaultRegistryAlias": False,
        }
        account = "999999999999" if foreign else ACCOUNT
        about_it = {
            "registryArn": f"arn:aws:ecr-public::{account}:registry/{account}",
            "registryUri": f"public.ecr.aws/{alias['name']}",
        }
        return answer({"registries": [{"registryId": account, **about_it, "verified": False, "aliases": [alias]}]})

    @route("POST", "DescribeImageTags")
    def image_tags(self, call: Call) -> Reply:
        refused = self._refusal(call, "DescribeImageTags")
        if refused:
            return refused
        shelf = self.shelf(self._name(call))
        rows = [
            {"imageTag": name, "createdAt": mark.pushed.timestamp(), "imageDetail": {"imageDigest": str(mark.digest)}}
            for name, mark in shelf.tags.items()
        ]
        return self._page(call, "imageTagDetails", rows)

    @route("GET", "/token/")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """Everybody may pull, with a token."""
        account = self.desk.account(call.request)
        if account is None and self.desk._token(call.request) not in self.desk.issued:
            return self.desk.challenge(call.request, "aws")
        if account is None:
            return None if call.action == PULL else oci_error(403, "DENIED", "Not Authorized")
        return self.refuse_account(call, account)

    def _shelf_name(self, name: str) -> str:
        return f"{ALIAS}/{name}"

    def _more_of_image(self, held: Held) -> dict[str, Any]:
        return {}

    def _repository(self, name: str) -> dict[str, Any]:
        return {
            "repositoryName": name.removeprefix(f"{ALIAS}/"), "registryId": ACCOUNT, "repositoryUri": f"public.ecr.aws/{name}",
            "repositoryArn": f"arn:aws:ecr-public::{ACCOUNT}:repository/{name}", "createdAt": self.shelf(name).made.timestamp(),
        }  # fmt: skip
