"""The contract: every promise of `moorage.registries.interface`, as tests that each vendor inherits for twenty lines of fixture.

    class TestQuay(VendorContract):
        abilities = Abilities(dates=Dates.VENDOR, locks=True)

        @pytest.fixture
        def scene(self, registry: RunningRegistry) -> Iterator[Scene]: ...

`RegistryContract` is for what needs no server (layouts); `VendorContract` adds the network, refusals and secrets. Nothing is
skipped: where a vendor cannot do something, its `Abilities` say so and the suite expects it to be refused.
"""

from __future__ import annotations

from tests.contract.counting_costs import CostPromises
from tests.contract.deletion import DeletionPromises
from tests.contract.emptying import EmptyingPromises
from tests.contract.listing import ListingPromises
from tests.contract.many import ManyPromises
from tests.contract.network import NetworkPromises
from tests.contract.refusals import RefusalPromises
from tests.contract.secrecy import SecrecyPromises
from tests.contract.stories import CleanupStories


class RegistryContract(ListingPromises, DeletionPromises, ManyPromises, CleanupStories):
    """What holds of every registry, a directory included."""


class VendorContract(RegistryContract, EmptyingPromises, RefusalPromises, NetworkPromises, SecrecyPromises, CostPromises):
    """What holds of every registry that is reached over a network."""
