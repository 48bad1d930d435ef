"""GitLab's container registry, gitlab.com and self-managed.

Addresses: `registry.gitlab.com`, `gitlab.com`, and the host of $CI_REGISTRY in a job of any GitLab. Repositories lie below a
project's path, at any depth (seen 2026-11); how deep the project itself lies cannot be told from the address, so every depth
is accepted.
"""

from moorage.auth.secret import Secret
from moorage.option import Option
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, AddressRules, Connection, Surroundings, Vendor, any_depth, api_url, hosts

_PUBLIC = hosts(r"(?:registry\.)?gitlab\.com")


def _recognises(host: str, surroundings: Surroundings) -> bool:
    return _PUBLIC(host) or host == surroundings.gitlab_registry


TOKEN = Option(
    name="gitlab-token",
    help="GitLab token: a job token, or an access token with the scope api (to delete) or read_registry and write_registry.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="gitlab-api-url",
    help="Address of GitLab's API; https://HOST/api/v4 for a self-managed one.",
    parse=api_url,
    metavar="URL",
    default_text="from $CI_API_V4_URL, else as the registry names its GitLab",
    commands=OPENING,
    variables=("CI_API_V4_URL",),
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.gitlab.registry import open_gitlab  # noqa: PLC0415 -- brings the HTTP client

    return open_gitlab(connection)


VENDOR = Vendor(
    name="gitlab",
    title="GitLab container registry",
    address=AddressRules(recognises=_recognises, place=any_depth),
    open=_open,
    credentials=(TOKEN,),
    endpoints=(API_URL,),
    other_words=("gl", "gitlab-registry"),
)
