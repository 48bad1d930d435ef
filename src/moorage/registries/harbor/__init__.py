"""Harbor.

Addresses: hosts that start with `harbor.`; any other host has to be named with `--images-repo-implementation harbor`.
Repositories lie below a project at any depth (Harbor 2, seen 2026-11).
"""

from moorage.auth.secret import Secret
from moorage.option import Option, text
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, AddressRules, Connection, Vendor, any_depth, api_url, hosts

_HOSTS = hosts(r"harbor\.[a-z0-9.-]+")

USERNAME = Option(
    name="harbor-username",
    help="Harbor user or robot account.",
    parse=text,
    metavar="NAME",
    commands=OPENING,
    theme="Vendor credentials",
)
PASSWORD = Option(
    name="harbor-password",
    help="Password of the Harbor user, or secret of the robot account.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="harbor-api-url",
    help="Address of Harbor's API.",
    parse=api_url,
    metavar="URL",
    default_text="/api/v2.0 on the registry's host",
    commands=OPENING,
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.harbor.registry import open_harbor  # noqa: PLC0415 -- brings the HTTP client

    return open_harbor(connection)


VENDOR = Vendor(
    name="harbor",
    title="Harbor",
    address=AddressRules(recognises=lambda host, _: _HOSTS(host), place=any_depth),
    open=_open,
    credentials=(USERNAME, PASSWORD),
    endpoints=(API_URL,),
    other_words=("goharbor",),
)
