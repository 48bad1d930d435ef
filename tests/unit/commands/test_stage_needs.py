"""What images say of the stages that they were made from, read from a directory of layouts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.images import image, index, layer, push

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.commands.stage_needs import ancestry_of, needs_in, united
from moorage.commands.survey import labelled, look
from moorage.oci import labels
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.stages import Ancestry
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.images import Image

    from moorage.commands.stage_needs import Needs


@pytest.fixture
def home(tmp_path: Path) -> Home:
    registry = Registry(f"oci:{tmp_path / 'images'}")
    return Home(LayoutRegistry(registry), Repository(registry, "app"))


def put(home: Home, what: Image, *tags: str) -> Digest:
    assert isinstance(home.registry, LayoutRegistry)
    return push(home.registry, home.repository, what, *tags)


def needs(home: Home) -> Needs:
    inventory = labelled(home.registry, look(home.registry, home.repository))
    return needs_in(home.registry, inventory, BlobCache(), 2)


def signed(word: str, **said: str) -> Image:
    return image(layer(word), labels={labels.SIGNATURE: word, **said})


def test_an_index_speaks_for_its_parts_at_any_depth(home: Home) -> None:
    part = image(layer("part"), labels={})
    inner = index(part, image(layer("other"), labels={labels.SIGNATURE: "inner"}))
    put(home, index(inner), "v1")
    found = needs(home)
    assert found.made_from[home.repository, part.digest] == ("inner",)
    assert found.names(lambda _: True) == {"inner": f"{home.repository}:v1"}
    assert found.names(lambda place: place[1] == part.digest) == {"inner": f"{home.repository}@{part.digest.short}"}


def test_what_has_no_tag_is_asked_too(home: Home) -> None:
    untagged = put(home, signed("a", **{labels.STAGES: "a base"}))
    found = needs(home)
    assert found.made_from == {(home.repository, untagged): ("a", "a", "base")}
    assert found.unknown(lambda _: True) == ()


def test_several_repositories_say_it_together(home: Home) -> None:
    put(home, signed("a"), "v1")
    other = Home(home.registry, replace(home.repository, path="web"))
    put(other, signed("b"), "v1")
    both = united([needs(home), needs(other)], ["because"])
    assert set(both.names(lambda _: True)) == {"a", "b"}
    assert both.unknown(lambda _: True) == ("because",)


def test_image_ids_are_read_where_the_listing_brought_no_bytes(home: Home) -> None:
    built = image(labels={"werf": "shop"}, parent="sha256:below")
    digest = put(home, built, "v1")
    stored = replace(look(home.registry, home.repository).manifests[digest], content=b"")
    found, silent = ancestry_of(home, [stored], BlobCache(), 2)
    assert found == {digest: Ancestry(Digest.of(built.config).text, "sha256:below")}
    assert silent == {}
    assert needs(home).made_from == {(home.repository, digest): ("sha256:below",)}


def test_a_config_that_is_none_says_so(home: Home) -> None:
    built = image(labels={"werf": "shop"})
    digest = put(home, built, "v1")
    gone = replace(look(home.registry, home.repository).manifests[digest], content=b"[]")
    found, silent = ancestry_of(home, [gone], BlobCache(), 2)
    assert found == {}
    assert "could not be read" in silent[digest]


def test_tags_of_what_nobody_has_seen_are_a_doubt(home: Home) -> None:
    put(home, signed("a"), "v1")
    inventory = labelled(home.registry, look(home.registry, home.repository))
    unseen = replace(inventory, tags={**inventory.tags, Tag("v2"): Digest.of(b"unlisted")})
    assert needs_in(home.registry, unseen, BlobCache(), 2).doubts == (
        f"1 tags and manifests of {home.repository} could not be read",
    )
