"""The vendors. A new one is a folder beside this file and one line below."""

from collections.abc import Mapping
from types import MappingProxyType

from moorage.registries.acr import VENDOR as ACR
from moorage.registries.default import VENDOR as DEFAULT
from moorage.registries.dockerhub import VENDOR as DOCKER_HUB
from moorage.registries.ecr import VENDOR as ECR
from moorage.registries.gcr import VENDOR as GCR
from moorage.registries.github import VENDOR as GITHUB
from moorage.registries.gitlab import VENDOR as GITLAB
from moorage.registries.harbor import VENDOR as HARBOR
from moorage.registries.jfrog import VENDOR as JFROG
from moorage.registries.layout import VENDOR as LAYOUT
from moorage.registries.nexus import VENDOR as NEXUS
from moorage.registries.quay import VENDOR as QUAY
from moorage.registries.vendor import Vendor

AUTO = "auto"

# In the order in which they are asked whether they recognise an address: certain ones before those that guess from a part of the
# host name, `default`, which recognises everything, last.
VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {vendor.name: vendor for vendor in (LAYOUT, ECR, ACR, DOCKER_HUB, GCR, GITHUB, JFROG, GITLAB, HARBOR, QUAY, NEXUS, DEFAULT)}
)

IMPLEMENTATIONS: tuple[str, ...] = (AUTO, *sorted(VENDORS))  # what the implementation options take
