"""Sonatype Nexus Repository 3.

Addresses: no host looks like a Nexus, so it is always named with `--images-repo-implementation nexus`. A connector (port), a
subdomain or the first segment stands for the Nexus repository (seen 2026-11), so every depth is accepted.
"""

from moorage.auth.secret import Secret
from moorage.option import Option, text
from moorage.registries.vendor import OPENING, AddressRules, Vendor, any_depth, api_url, names_only

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
    commands=OPENING,
    theme="Vendor endpoints",
)
REPOSITORY = Option(
    name="nexus-repository",
    help="Name of the Nexus repository behind the connector.",
    parse=text,
    metavar="NAME",
    commands=OPENING,
    theme="Vendor endpoints",
)

VENDOR = Vendor(
    name="nexus",
    title="Sonatype Nexus",
    address=AddressRules(recognises=lambda _host, _surroundings: False, place=any_depth),
    open=names_only("Sonatype Nexus"),
    credentials=(USERNAME, PASSWORD),
    endpoints=(API_URL, REPOSITORY),
    other_words=("sonatype", "nexus3"),
)
