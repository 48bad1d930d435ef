"""GitHub's two registries, which differ in levels as in their API.

Addresses (seen 2026-11): hosts that start with `docker.` (`docker.pkg.github.com`, GHES' `docker.HOST`) hold exactly
OWNER/PROJECT/PACKAGE. `ghcr.io`, GHES' `containers.HOST`, `containers.NAME.ghe.com`, and any other host on which `github` is
forced, hold OWNER/PACKAGE, and packages may nest. HOST of a GHES is that of $GITHUB_SERVER_URL.
"""

from moorage.auth.secret import Secret
from moorage.oci.naming import Mode
from moorage.option import Option
from moorage.registries.interface import Registry
from moorage.registries.vendor import (
    OPENING,
    Address,
    AddressRules,
    Connection,
    Form,
    Place,
    Surroundings,
    Vendor,
    api_url,
    hosts,
)

_PUBLIC = hosts(r"ghcr\.io", r"docker\.pkg\.github\.com", r"containers\.[a-z0-9-]+\.ghe\.com")


def _recognises(host: str, surroundings: Surroundings) -> bool:
    server = surroundings.github_server_host
    own = {f"containers.{server}", f"docker.{server}"} if server else set()
    return _PUBLIC(host) or host.partition(":")[0] in own


def _place(address: Address) -> Place:
    if address.host is not None and address.domain.startswith("docker."):
        return _packages_place(address)
    match len(address.path):
        case 0:
            raise ValueError(f"an owner is needed, as in {address.text}/OWNER or {address.text}/OWNER/PACKAGE")
        case 1:
            return Place(Form.REGISTRY, (Mode.MULTIREPO,))
        case _:
            return Place(Form.REPOSITORY, (Mode.MULTIREPO, Mode.MONOREPO))


def _packages_place(address: Address) -> Place:
    match len(address.path):
        case 0 | 1:
            raise ValueError(f"an owner and a project are needed, as in {address.host}/OWNER/PROJECT")
        case 2:
            return Place(Form.REGISTRY, (Mode.MULTIREPO,), nested_names=False)
        case 3:
            return Place(Form.REPOSITORY, (Mode.MONOREPO,), nested_names=False)
        case levels:
            raise ValueError(f"{address.host} holds three levels, OWNER/PROJECT/PACKAGE, and this address has {levels}")


TOKEN = Option(
    name="github-token",
    help="GitHub token that may read, write and delete packages: classic, or a job's GITHUB_TOKEN.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="github-api-url",
    help="Address of GitHub's REST API; https://HOST/api/v3 for a GHES.",
    parse=api_url,
    metavar="URL",
    default_text="that of the registry's host: https://api.github.com for ghcr.io",
    commands=OPENING,
    variables=("GITHUB_API_URL",),
    theme="Vendor endpoints",
)
GRAPHQL_URL = Option(
    name="github-graphql-url",
    help="Address of GitHub's GraphQL API; https://HOST/api/graphql for a GHES.",
    parse=api_url,
    metavar="URL",
    default_text="beside the REST API",
    commands=OPENING,
    variables=("GITHUB_GRAPHQL_URL",),
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.github.registry import open_github  # noqa: PLC0415 -- brings the HTTP client

    return open_github(connection)


VENDOR = Vendor(
    name="github",
    title="GitHub Packages",
    address=AddressRules(recognises=_recognises, place=_place),
    open=_open,
    credentials=(TOKEN,),
    endpoints=(API_URL, GRAPHQL_URL),
    other_words=("ghcr", "ghcr.io", "gh"),
)
