"""Any sequence of pushes, moved tags, untaggings and deletions leaves a valid layout in which all that is left is whole."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests import layout_reading
from tests.images import Image, artifact, image, index, layer, push

from moorage.errors import ItemRefused, NotFound
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry

# Few and closely related, so that sequences meet shared layers, shared children, nested indexes and subjects all the time.
LAYERS = [layer(str(number)) for number in range(3)]
IMAGES = [
    image(LAYERS[0]),
    image(LAYERS[0], LAYERS[1]),
    image(LAYERS[1], LAYERS[2], platform="linux/arm64"),
    image(LAYERS[2], docker=True),
]
INDEXES = [index(IMAGES[0], IMAGES[1]), index(IMAGES[1], IMAGES[2]), index(IMAGES[2], annotations={"n": "3"})]
NESTED = [index(INDEXES[0], IMAGES[2]), index(INDEXES[0], INDEXES[1])]
REFERRERS = [artifact(IMAGES[0]), artifact(INDEXES[0]), artifact(NESTED[0]), index(IMAGES[3], subject=IMAGES[1])]
KINDS = {"image": IMAGES, "index": INDEXES, "nested": NESTED, "referrer": [*REFERRERS, artifact(REFERRERS[0])]}
NAMED = {f"{kind}-{number}": one for kind, several in KINDS.items() for number, one in enumerate(several)}

contents = st.sampled_from(sorted(NAMED))
tags = st.sampled_from(["a", "b", "c", "d"])


class Layouts(RuleBasedStateMachine):
    """The model: which tag points where, and which manifests were pushed and not deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="moorage-test-"))
        registry = Registry(f"oci:{self.root}")
        self.layouts, self.repository, self.folder = LayoutRegistry(registry), Repository(registry, "app"), self.root / "app"
        self.tags: dict[str, Image] = {}
        self.there: dict[str, Image] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(what=contents, names=st.lists(tags, max_size=3, unique=True))
    def push(self, what: str, names: list[str]) -> None:
        pushed = NAMED[what]
        push(self.layouts, self.repository, pushed, *names)
        self.there |= {one.digest.text: one for one in pushed.manifests()}
        self.tags |= dict.fromkeys(names, pushed)

    @precondition(lambda self: self.tags)
    @rule(data=st.data())
    def delete_tag(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.tags)))
        self.layouts.delete_tag(self.repository, Tag(name))
        del self.tags[name]

    @precondition(lambda self: self.there)
    @rule(what=contents)
    def delete_manifest(self, what: str) -> None:
        digest = NAMED[what].digest
        holders = [one for one in self.there.values() if digest in {child.digest for child in one.children}]
        if digest.text not in self.there:
            with pytest.raises(NotFound):
                self.layouts.delete_manifest(self.repository, digest)
        elif holders:
            with pytest.raises(ItemRefused):
                self.layouts.delete_manifest(self.repository, digest)
        else:
            self.layouts.delete_manifest(self.repository, digest)
            del self.there[digest.text]
            self.tags = {name: one for name, one in self.tags.items() if one.digest != digest}

    @rule()
    def begin_a_new_process(self) -> None:
        """Nothing rests on what a registry object remembers."""
        self.layouts = LayoutRegistry(self.repository.registry)

    @precondition(lambda self: self.there)
    @invariant()
    def everything_that_should_be_there_is_whole_and_nothing_else(self) -> None:
        assert layout_reading.tags(self.folder) == {name: one.digest.text for name, one in self.tags.items()}
        needed = {digest.text for one in self.there.values() for digest in (one.digest, *one.blobs)}
        assert layout_reading.whole(self.folder) == layout_reading.blobs(self.folder) == needed
        inventory = self.layouts.inventory(self.repository)
        assert {digest.text for digest in inventory.manifests} == set(self.there)
        assert {tag.text: digest.text for tag, digest in inventory.tags.items()} == layout_reading.tags(self.folder)
        assert inventory.unreadable == {}
        assert {stored.date is not None for stored in inventory.manifests.values()} == {True}


Layouts.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLayouts = Layouts.TestCase
