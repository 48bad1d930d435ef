"""One image under all its tags, in a real registry of layouts: what is sent, what is only pointed at, and what is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from tests.images import Image, image, index, layer, push

from moorage.commands.publish.content import content_of_index, read_config
from moorage.commands.publish.delivery import Delivery, Place
from moorage.commands.publish.standing import Shelf
from moorage.commands.publish.wanted import Wanted
from moorage.commands.world import Silence
from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, RegistryError, Unsupported
from moorage.oci.labels import IMAGE, PROJECT, REVISION
from moorage.oci.naming import FinalName
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from moorage.commands.publish.result import PublishedTag

OURS = {IMAGE: "app", PROJECT: "shop"}


class Layouts(LayoutRegistry):
    """A real registry of layouts, whose bad days a test decides: `refusals` by tag, and how late a new tag can be seen."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Registry(f"oci:{folder}"))
        self.refusals: dict[str, RegistryError] = {}
        self.writes: list[str] = []
        self.calls: list[str] = []
        self.late = 0

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        if str(reference) in self.refusals:
            raise self.refusals[str(reference)]
        self.writes.append(str(reference))
        self.calls.append("put")
        return super().put_manifest(repository, reference, content, media_type)

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        self.calls.append("look")
        if self.late:
            self.late -= 1
            raise NotFound(f"{repository} has no tag {reference}")
        return super().resolve(repository, reference)


@dataclass
class Upload:
    """Sends an image of the tests, as the ways of publish send theirs."""

    registry: Layouts
    image: Image
    wanted: Wanted
    sent: list[str] = field(default_factory=list)

    def send(self, repository: Repository, tag: Tag) -> Digest:
        self.sent.append(tag.text)
        return push(self.registry, repository, self.image, tag.text)

    def accompany(self, repository: Repository) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path) -> Layouts:
    return Layouts(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(Registry(f"oci:{tmp_path}"), "app")


def ours(text: str = "hello", revision: str = "one", **labels: str) -> Image:
    """An image as publish leaves it behind."""
    return image(layer(text), labels={**OURS, REVISION: revision, **labels})


def upload(registry: Layouts, what: Image) -> Upload:
    return Upload(registry, what, Wanted(read_config(what.config), OURS))


def deliver(registry: Layouts, ready: Upload, *tags: str, slept: list[float] | None = None) -> Sequence[PublishedTag]:
    repository = Repository(Registry(f"oci:{registry._root}"), "app")
    shelf = Shelf(registry, repository)
    sleep = (slept if slept is not None else []).append
    place = Place(registry, registry, shelf, repository, 4, Silence(), sleep)
    names = [FinalName("app", str(repository), tag, tag) for tag in tags]
    return Delivery(place, ready, names, {tag: shelf.under(Tag(tag)) for tag in tags}).carry_out()


def statuses(results: Sequence[PublishedTag]) -> list[tuple[str, str]]:
    return [(result.tag, result.status.value) for result in results]


def test_sent_once_and_every_further_tag_is_pointed_at_it(registry: Layouts, repository: Repository) -> None:
    ready = upload(registry, ours())
    results = deliver(registry, ready, "v1", "v2", "v3")
    assert statuses(results) == [("v1", "published"), ("v2", "published"), ("v3", "published")]
    assert ready.sent == ["v1"]
    assert {registry.resolve(repository, Tag(tag)) for tag in ("v1", "v2", "v3")} == {ready.image.digest}
    assert {result.digest for result in results} == {ready.image.digest}


def test_no_tag_is_looked_at_while_another_is_pointed(registry: Layouts) -> None:
    tags = [f"v{number}" for number in range(12)]
    deliver(registry, upload(registry, ours()), *tags)
    assert registry.calls[-22:] == ["put"] * 11 + ["look"] * 11


def test_the_same_content_at_another_commit_writes_nothing(registry: Layouts, repository: Repository) -> None:
    before = ours(revision="one")
    push(registry, repository, before, "v1", "v2")
    registry.writes.clear()
    results = deliver(registry, upload(registry, ours(revision="two")), "v1", "v2")
    assert statuses(results) == [("v1", "up-to-date"), ("v2", "up-to-date")]
    assert {result.digest for result in results} == {before.digest}
    assert registry.writes == []


def test_a_new_tag_gets_what_stands_under_another_one(registry: Layouts, repository: Repository) -> None:
    before = ours(revision="one")
    push(registry, repository, before, "main")
    ready = upload(registry, ours(revision="two"))
    results = deliver(registry, ready, "v2", "main")
    assert statuses(results) == [("v2", "published"), ("main", "up-to-date")]
    assert ready.sent == []
    assert registry.resolve(repository, Tag("v2")) == before.digest


def test_other_content_moves_the_tag(registry: Layouts, repository: Repository) -> None:
    push(registry, repository, ours("old"), "v1")
    results = deliver(registry, upload(registry, ours("new")), "v1")
    assert statuses(results) == [("v1", "published")]
    assert registry.resolve(repository, Tag("v1")) == ours("new").digest


@pytest.mark.parametrize(
    "before",
    [
        image(layer("hello")),
        image(layer("hello"), labels={**OURS, PROJECT: "other"}),
        image(layer("hello"), labels={**OURS, IMAGE: "web"}),
    ],
    ids=["nobody's", "another project's", "another image's"],
)
def test_the_same_content_that_is_not_ours_is_published_over(before: Image, registry: Layouts, repository: Repository) -> None:
    """Cleanup looks at what an image recorded about itself, so it has to be recorded."""
    push(registry, repository, before, "v1")
    assert statuses(deliver(registry, upload(registry, ours()), "v1")) == [("v1", "published")]


def test_an_image_that_was_built_from_ours_is_not_taken_for_it(registry: Layouts, repository: Repository) -> None:
    """It inherits all labels of ours, the content's name included."""
    labels = {**OURS, "dev.moorage.content": read_config(ours().config).digest.text}
    push(registry, repository, image(layer("hello"), layer("more"), labels=labels), "v1")
    assert statuses(deliver(registry, upload(registry, ours()), "v1")) == [("v1", "published")]


def test_a_label_that_the_user_changed_is_published(registry: Layouts, repository: Repository) -> None:
    push(registry, repository, ours(), "v1")
    wanted = Wanted(read_config(ours().config), {**OURS, REVISION: "mine"}, {REVISION: "mine"})
    assert statuses(deliver(registry, Upload(registry, ours(revision="mine"), wanted), "v1")) == [("v1", "published")]


def test_without_labels_the_bytes_decide(registry: Layouts, repository: Repository) -> None:
    plain, dated = image(created="2024-01-01T00:00:00Z"), image(created="2025-01-01T00:00:00Z")
    push(registry, repository, plain, "same")
    push(registry, repository, dated, "dated")
    wanted = Wanted(read_config(plain.config), source=plain.digest)
    results = deliver(registry, Upload(registry, plain, wanted), "same", "dated")
    assert statuses(results) == [("same", "up-to-date"), ("dated", "published")]


def test_an_index_is_looked_into(registry: Layouts, repository: Repository) -> None:
    def both(revision: str) -> Image:
        return index(*(image(platform=p, labels={**OURS, REVISION: revision}) for p in ("linux/amd64", "linux/arm64")))

    push(registry, repository, both("one"), "v1")
    content = content_of_index(read_config(child.config) for child in both("two").children)
    assert statuses(deliver(registry, Upload(registry, both("two"), Wanted(content, OURS)), "v1")) == [("v1", "up-to-date")]


def test_one_refused_tag_leaves_the_others(registry: Layouts) -> None:
    registry.refusals = {"v1": ItemRefused("v1 is immutable"), "v3": ItemRefused("v3 is immutable")}
    ready = upload(registry, ours())
    results = deliver(registry, ready, "v1", "v2", "v3")
    assert statuses(results) == [("v1", "failed"), ("v2", "published"), ("v3", "failed")]
    assert [str(result.error) for result in results if result.error] == ["v1 is immutable", "v3 is immutable"]
    assert ready.sent == ["v1", "v2"]


def test_a_closed_repository_is_not_asked_again_for_every_tag(registry: Layouts) -> None:
    registry.refusals = {"v1": Denied("no right to push")}
    ready = upload(registry, ours())
    assert statuses(deliver(registry, ready, "v1", "v2")) == [("v1", "failed"), ("v2", "failed")]
    assert ready.sent == ["v1"]


def test_what_the_registry_does_not_take_from_us_is_sent_again(registry: Layouts, repository: Repository) -> None:
    class DockerOnly(Layouts):
        def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
            if self.writes and len(ready.sent) == 1:
                raise Unsupported("manifests come from docker")
            return super().put_manifest(repository, reference, content, media_type)

    closed = DockerOnly(registry._root)
    ready = upload(closed, ours())
    assert statuses(deliver(closed, ready, "v1", "v2")) == [("v1", "published"), ("v2", "published")]
    assert ready.sent == ["v1", "v2"]


def test_a_late_tag_is_waited_for(registry: Layouts) -> None:
    registry.late = 2
    slept: list[float] = []
    assert statuses(deliver(registry, upload(registry, ours()), "v1", "v2", slept=slept)) == [
        ("v1", "published"),
        ("v2", "published"),
    ]
    assert len(slept) == 2


def test_what_is_never_seen_is_not_called_published(registry: Layouts) -> None:
    registry.late = 99
    first, second = deliver(registry, upload(registry, ours()), "v1", "v2")
    assert (first.status, second.status) == ("published", "failed")
    assert isinstance(second.error, Contradiction)
    assert "is not there" in second.error.message


def test_another_digest_under_the_tag_is_not_called_published(registry: Layouts, repository: Repository) -> None:
    @dataclass
    class Overtaken(Upload):
        def send(self, repository: Repository, tag: Tag) -> Digest:
            sent = super().send(repository, tag)
            push(self.registry, repository, ours("somebody else's"), tag.text)
            return sent

    ready = Overtaken(registry, ours(), Wanted(read_config(ours().config), OURS))
    (result,) = deliver(registry, ready, "v1")
    assert isinstance(result.error, Contradiction)
    assert ours("somebody else's").digest.text in result.error.message
