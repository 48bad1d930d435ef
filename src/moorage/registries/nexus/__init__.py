"""Sonatype Nexus Repository 3.

Addresses: no host looks like a Nexus, so it is always named with `--images-repo-implementation nexus`. A connector (port), a
subdomain or the first segment stands for the Nexus repository (seen 2026-11), so every depth is accepted.
"""

from moorage.auth.secret import Secret
from moorage.option import Option, text
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, AddressRules, Connection, Vendor, any_depth, api_url

USERNAME = Option(
    name="nexus-username",
    help="Nexus user, or name code of a user token.",
    parse=text,
    metavar="NAME",
    commands=OPENING,
    theme="Vendor credentials",
)
PASSWORD = Option(
    name="nexus-password",
    help="Password of the Nexus user, or pass code of the user token.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="nexus-api-url",
    help="Address of Nexus itself, generally on another port than its docker connector.",
    parse=api_url,
    metavar="URL",
    default_text="the registry's own host",
    commands=OPENING,
    theme="Vendor endpoints",
)
REPOSITORY = Option(
    name="nexus-repository",
    help="Name of the Nexus repository behind the connector.",
    parse=text,
    metavar="NAME",
    default_text="the first part of the path, where Nexus routes by path",
    commands=OPENING,
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.nexus.registry import open_nexus  # noqa: PLC0415 -- brings the HTTP client

    return open_nexus(connection)


VENDOR = Vendor(
    name="nexus",
    title="Sonatype Nexus",
    address=AddressRules(recognises=lambda _host, _surroundings: False, place=any_depth),
    open=_open,
    credentials=(USERNAME, PASSWORD),
    endpoints=(API_URL, REPOSITORY),
    other_words=("sonatype", "nexus3"),
)
