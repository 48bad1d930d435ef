"""GitLab's container registry, gitlab.com and self-managed.

Addresses: `registry.gitlab.com`, `gitlab.com`, and the host of $CI_REGISTRY in a job of any GitLab. Repositories lie below a
project's path, at any depth (seen 2026-11); how deep the project itself lies cannot be told from the address, so every depth
is accepted.
"""

from moorage.auth.secret import Secret
from moorage.option import Option
from moorage.registries.vendor import OPENING, AddressRules, Surroundings, Vendor, any_depth, api_url, hosts, names_only

_PUBLIC = hosts(r"(?:registry\.)?gitlab\.com")


def _recognises(host: str, surroundings: Surroundings) -> bool:
    return _PUBLIC(host) or host == surroundings.gitlab_registry


TOKEN = Option(
    name="gitlab-token",
    help="GitLab token with the scopes api (to delete), read_registry and write_registry.",
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
    default_text="from $CI_API_V4_URL",
    commands=OPENING,
    variables=("CI_API_V4_URL",),
    theme="Vendor endpoints",
)

VENDOR = Vendor(
    name="gitlab",
    title="GitLab container registry",
    address=AddressRules(recognises=_recognises, place=any_depth),
    open=names_only("GitLab container registry"),
    credentials=(TOKEN,),
    endpoints=(API_URL,),
    other_words=("gl", "gitlab-registry"),
)
