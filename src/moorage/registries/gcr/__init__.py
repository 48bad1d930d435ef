"""Google Container Registry and Artifact Registry.

Addresses: `gcr.io` and `*.gcr.io` (served by Artifact Registry since 2025) and the historic `container.cloud.google.com` hold
repositories of any depth below a project. `LOCATION-docker.pkg.dev/PROJECT/REPOSITORY` is Google's own word "repository" and
our *registry*: an image there needs one more segment, so there is no nameless image and no monorepo mode at that level (seen
2026-11).
"""

from moorage.oci.naming import Mode
from moorage.registries.interface import Registry
from moorage.registries.vendor import Address, AddressRules, Connection, Form, Place, Vendor, any_depth, hosts

is_artifact_registry = hosts(r"[a-z0-9-]+-docker\.pkg\.dev")
_CONTAINER_REGISTRY = hosts(r"(?:[a-z0-9-]+\.)*gcr\.io", r"container\.cloud\.google\.com")


def _place(address: Address) -> Place:
    if not is_artifact_registry(address.domain):
        return any_depth(address)
    project_segments = 2 if "." in "".join(address.path[:1]) else 1  # a project of a domain is written example.com/PROJECT
    beyond = len(address.path) - project_segments - 1
    if beyond < 0:
        raise ValueError(f"Artifact Registry needs a project and a repository, as in {address.host}/PROJECT/REPOSITORY")
    return any_depth(address) if beyond else Place(Form.REGISTRY, (Mode.MULTIREPO,))


def _open(connection: Connection) -> Registry:
    from moorage.registries.gcr.registry import open_gcr  # noqa: PLC0415 -- brings the HTTP client

    return open_gcr(connection)


VENDOR = Vendor(
    name="gcr",
    title="Google Artifact Registry",
    address=AddressRules(recognises=lambda host, _: _CONTAINER_REGISTRY(host) or is_artifact_registry(host), place=_place),
    open=_open,
    other_words=("google", "gar", "artifact-registry"),
)
