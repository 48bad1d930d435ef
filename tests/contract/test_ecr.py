"""AWS ECR, private and public."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.ecr_scenes import EcrScene, private_scene, public_names, public_scene
from tests.contract.least import Least, pages
from tests.contract.suite import VendorContract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.network import Network

    from moorage.errors import RegistryError

__all__ = ["public_names"]

ABILITIES = Abilities(
    dates=Dates.VENDOR,
    lists_untagged=True,
    switches_deletion_off=False,
    finds_tags=True,
    deletes_repositories=Emptying.EMPTY,
    deletes=("POST", "BatchDeleteImage"),
    throttles=(400, (("x-amzn-errortype", "ThrottlingException"), ("Retry-After", "7"))),
)


class TestEcr(VendorContract):
    abilities = replace(ABILITIES, reads_many=True, tokens=False)  # each call is signed; a cleanup without configs asks no /v2

    least = Least(
        inventory=lambda tags: pages(tags, 1000),
        changing=lambda going: pages(going, 100),
        reading=lambda tags, going: 2 * pages(going, 100) + pages(tags, 1000),
        why="per hundred: DescribeImages for their tags, BatchGetImage for their bytes, BatchDeleteImage",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[EcrScene]:
        with private_scene(registry.host) as scene:
            yield scene

    def names_the_right(self, error: RegistryError) -> bool:
        return "Allow ecr:BatchDeleteImage" in error.remedy


class TestEcrPublic(VendorContract):
    """Under its real name: an alias and no options, with TLS."""

    abilities = ABILITIES

    least = Least(
        inventory=lambda tags: pages(tags, 1000),
        changing=lambda going: pages(going, 100),
        reading=lambda tags, going: pages(going, 100) + going + pages(tags, 1000),
        why="ecr-public has no BatchGetImage: bytes come by /v2, one by one",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry, public_names: Network) -> Iterator[EcrScene]:
        with public_scene(registry.host, public_names) as scene:
            yield scene

    def names_the_right(self, error: RegistryError) -> bool:
        return "Allow ecr-public:BatchDeleteImage" in error.remedy
