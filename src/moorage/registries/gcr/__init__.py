"""Google Container Registry and Artifact Registry.

Addresses: `gcr.io` and `*.gcr.io` (served by Artifact Registry since 2025) and the historic `container.cloud.google.com` hold
repositories of any depth below a project. `LOCATION-docker.pkg.dev/PROJECT/REPOSITORY` is Google's own word "repository" and
our *registry*: an image there needs one more segment, so there is no nameless image and no monorepo mode at that level (seen
2026-11).
"""

from moorage.oci.naming import Mode
from moorage.registries.vendor import Address, AddressRules, Form, Place, Vendor, any_depth, hosts, names_only

_ARTIFACT_REGISTRY = hosts(r"[a-z0-9-]+-docker\.pkg\.dev")
_CONTAINER_REGISTRY = hosts(r"(?:[a-z0-9-]+\.)*gcr\.io", r"container\.cloud\.google\.com")


def _place(address: Address) -> Place:
    if not _ARTIFACT_REGISTRY(address.domain):
        return any_depth(address)
    project_segments = 2 if "." in "".join(address.path[:1]) else 1  # a project of a domain is written example.com/PROJECT
    beyond = len(address.path) - project_segments - 1
    if beyond < 0:
        raise ValueError(f"Artifact Registry needs a project and a repository, as in {address.host}/PROJECT/REPOSITORY")
    return any_depth(address) if beyond else Place(Form.REGISTRY, (Mode.MULTIREPO,))


VENDOR = Vendor(
    name="gcr",
    title="Google Artifact Registry",
    address=AddressRules(recognises=lambda host, _: _CONTAINER_REGISTRY(host) or _ARTIFACT_REGISTRY(host), place=_place),
    open=names_only("Google Artifact Registry"),
    other_words=("google", "gar", "artifact-registry"),
)
