"""Quay: quay.io and self-hosted.

Addresses: `quay.io` and `quay.*.com`, exactly NAMESPACE/REPOSITORY. A self-hosted Quay may allow nested names
(FEATURE_EXTENDED_REPOSITORY_NAMES); an address does not show whether it does, so the two levels hold everywhere, as in werf 1.1.
"""

from moorage.auth.secret import Secret
from moorage.oci.naming import Mode
from moorage.option import Option
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, Address, AddressRules, Connection, Form, Place, Vendor, api_url, hosts

_HOSTS = hosts(r"quay\.io", r"quay\.[a-z0-9.-]*\.com")


def _place(address: Address) -> Place:
    match len(address.path):
        case 0:
            raise ValueError(f"an account is needed, as in {address.text}/ACCOUNT or {address.text}/ACCOUNT/REPOSITORY")
        case 1:
            return Place(Form.REGISTRY, (Mode.MULTIREPO,), nested_names=False)
        case 2:
            return Place(Form.REPOSITORY, (Mode.MONOREPO,), nested_names=False)
        case levels:
            raise ValueError(
                f"Quay holds two levels, ACCOUNT/REPOSITORY, and this address has {levels}; "
                "for a self-hosted Quay with nested names choose the implementation default"
            )


TOKEN = Option(
    name="quay-token",
    help="OAuth access token of a Quay application with the scopes repo:read and repo:write (repo:admin to delete repositories). "
    "Robots need none: they log in with docker.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="quay-api-url",
    help="Address of Quay's API.",
    parse=api_url,
    metavar="URL",
    default_text="/api/v1 on the registry's host",
    commands=OPENING,
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.quay.registry import open_quay  # noqa: PLC0415 -- brings the HTTP client

    return open_quay(connection)


VENDOR = Vendor(
    name="quay",
    title="Quay",
    address=AddressRules(recognises=lambda host, _: _HOSTS(host), place=_place),
    open=_open,
    credentials=(TOKEN,),
    endpoints=(API_URL,),
    other_words=("quay.io", "redhat"),
)
