"""AWS Elastic Container Registry, private and public.

Addresses: private hosts name account and region and hold repositories of any depth; `public.ecr.aws/ALIAS` is the registry of
one account, its repositories lie below. Dual-stack hosts (`dkr-ecr`, `on.aws`) and those of the China, European sovereign and
isolated partitions as AWS documents them, seen 2026-11. A forced `ecr` on another host (a CNAME, a proxy) has the private
levels; the network part then asks for `--ecr-registry-id` and `--ecr-region`.
"""

import re

from moorage.oci.naming import Mode
from moorage.option import Command, Option, Shape, boolean
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, Address, AddressRules, Connection, Form, Place, Vendor, any_depth, hosts

is_public = hosts(r"public\.ecr\.aws", r"ecr-public\.aws\.com")
is_private = hosts(
    r"\d{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9][a-z0-9-_]*\.amazonaws\.(?:com(?:\.cn)?|eu)",
    r"\d{12}\.dkr-ecr(?:-fips)?\.[a-z0-9][a-z0-9-_]*\.on\.(?:aws|amazonwebservices\.com\.cn)",
    r"\d{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9][a-z0-9-_]*\.(?:c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)",
)


def _place(address: Address) -> Place:
    if not is_public(address.domain):
        return any_depth(address)
    match address.path:
        case ():
            raise ValueError("the alias of an account is needed, as in public.ecr.aws/ALIAS")
        case (_,):
            return Place(Form.REGISTRY, (Mode.MULTIREPO,))
        case _:
            return any_depth(address)


def _registry_id(text: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", text, re.ASCII):
        raise ValueError("the twelve digits of an AWS account are needed")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", text, re.ASCII):
        raise ValueError("an AWS region such as eu-west-1 is needed")
    return text


REGISTRY_ID = Option(
    name="ecr-registry-id",
    help="AWS account that owns the ECR registry; needed where the address does not name it.",
    parse=_registry_id,
    metavar="ACCOUNT",
    default_text="from the address",
    commands=OPENING,
    theme="Vendor endpoints",
)
REGION = Option(
    name="ecr-region",
    help="AWS region of the ECR registry; needed where the address does not name it.",
    parse=_region,
    metavar="REGION",
    default_text="from the address",
    commands=OPENING,
    theme="Vendor endpoints",
)
CREATE_REPOSITORIES = Option(
    name="ecr-create-repositories",
    help="Before publishing, make repositories that are not there yet; AWS ECR takes no push to any other.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=frozenset({Command.PUBLISH}),
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.ecr.registry import open_ecr  # noqa: PLC0415 -- brings boto3 and the HTTP client

    return open_ecr(connection)


VENDOR = Vendor(
    name="ecr",
    title="AWS ECR",
    address=AddressRules(recognises=lambda host, _: is_public(host) or is_private(host), place=_place),
    open=_open,
    endpoints=(REGISTRY_ID, REGION, CREATE_REPOSITORIES),
    other_words=("aws", "ecr-public", "amazon"),
)
