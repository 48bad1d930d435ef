"""Azure Container Registry.

Addresses: `NAME.azurecr.io`, in China `.cn`, for the US government `.us` (seen 2026-11); repositories of any depth.
"""

from moorage.auth.secret import Secret
from moorage.option import Option, text
from moorage.registries.vendor import OPENING, AddressRules, Vendor, any_depth, hosts, names_only

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

VENDOR = Vendor(
    name="acr",
    title="Azure Container Registry",
    address=AddressRules(recognises=lambda host, _: _HOSTS(host), place=any_depth),
    open=names_only("Azure Container Registry"),
    credentials=(USERNAME, PASSWORD),
    other_words=("azure", "azurecr"),
)
