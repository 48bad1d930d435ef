"""Azure Container Registry.

Addresses: `NAME.azurecr.io`, in China `.cn`, for the US government `.us` (seen 2026-11); repositories of any depth.
"""

from pathlib import Path

from moorage.auth.secret import Secret
from moorage.option import Option, text
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, AddressRules, Connection, Vendor, any_depth, api_url, hosts

_HOSTS = hosts(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.azurecr\.(?:io|cn|us)")

USERNAME = Option(
    name="acr-username",
    help="Application id of a service principal, or name of an ACR token.",
    parse=text,
    metavar="NAME",
    commands=OPENING,
    theme="Vendor credentials",
)
PASSWORD = Option(
    name="acr-password",
    help="Password of the service principal or ACR token.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
CLIENT_ID = Option(
    name="acr-client-id",
    help="Workload identity: application (client) id that trusts the federated token.",
    parse=text,
    metavar="ID",
    commands=OPENING,
    variables=("AZURE_CLIENT_ID",),
    theme="Vendor endpoints",
)
TENANT_ID = Option(
    name="acr-tenant-id",
    help="Workload identity: Microsoft Entra tenant.",
    parse=text,
    metavar="ID",
    commands=OPENING,
    variables=("AZURE_TENANT_ID",),
    theme="Vendor endpoints",
)
TOKEN_FILE = Option(
    name="acr-federated-token-file",
    help="Workload identity: file with the token that the platform gives the job.",
    parse=Path,
    metavar="FILE",
    commands=OPENING,
    variables=("AZURE_FEDERATED_TOKEN_FILE",),
    theme="Vendor endpoints",
)
AUTHORITY = Option(
    name="acr-authority",
    help="Workload identity: address of Microsoft Entra.",
    parse=api_url,
    metavar="URL",
    default_text="that of the registry's cloud",
    commands=OPENING,
    variables=("AZURE_AUTHORITY_HOST",),
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.acr.registry import open_acr  # noqa: PLC0415 -- brings the HTTP client

    return open_acr(connection)


VENDOR = Vendor(
    name="acr",
    title="Azure Container Registry",
    address=AddressRules(recognises=lambda host, _: _HOSTS(host), place=any_depth),
    open=_open,
    credentials=(USERNAME, PASSWORD),
    endpoints=(CLIENT_ID, TENANT_ID, TOKEN_FILE, AUTHORITY),
    other_words=("azure", "azurecr"),
)
