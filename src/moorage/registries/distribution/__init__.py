"""The OCI distribution API, for vendors to use: one `Distribution` speaks to one registry."""

from moorage.registries.distribution.access import Access
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.payloads import Descriptor, Fetched
from moorage.registries.distribution.scope import CATALOG, Action, Scopes, standard_scopes

__all__ = ["CATALOG", "Access", "Action", "Descriptor", "Distribution", "Fetched", "Scopes", "standard_scopes"]
