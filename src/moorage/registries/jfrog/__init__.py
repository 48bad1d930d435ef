"""JFrog Artifactory and JFrog Container Registry.

Addresses: `*.jfrog.io`; any other host has to be named with `--images-repo-implementation jfrog`. Artifactory's repository
key may be the first segment, part of the host name, or behind a port (seen 2026-11), so every depth is accepted.
"""

from moorage.auth.secret import Secret
from moorage.option import Option, text
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, AddressRules, Connection, Vendor, any_depth, api_url, hosts

_HOSTS = hosts(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.jfrog\.io")

TOKEN = Option(
    name="jfrog-token",
    help="JFrog access or identity token that may deploy and delete.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="jfrog-api-url",
    help="Address of Artifactory.",
    parse=api_url,
    metavar="URL",
    default_text="/artifactory on the registry's host",
    commands=OPENING,
    theme="Vendor endpoints",
)
REPOSITORY = Option(
    name="jfrog-repository",
    help="Key of the Artifactory repository, where neither host nor path of the address names it.",
    parse=text,
    metavar="KEY",
    default_text="the first part of the path",
    commands=OPENING,
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.jfrog.registry import open_jfrog  # noqa: PLC0415 -- brings the HTTP client

    return open_jfrog(connection)


VENDOR = Vendor(
    name="jfrog",
    title="JFrog Artifactory",
    address=AddressRules(recognises=lambda host, _: _HOSTS(host), place=any_depth),
    open=_open,
    credentials=(TOKEN,),
    endpoints=(API_URL, REPOSITORY),
    other_words=("artifactory", "jcr"),
)
