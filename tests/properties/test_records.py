"""Records, whatever happens to them: publishers at work, cleanups that die anywhere, two at a time, what was seen long ago."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from moorage.commands import record_tidying
from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.record_tidying import Alive, Tidying
from moorage.commands.records import HomeRecords, Publication, read_records, write_record
from moorage.errors import NotFound
from moorage.oci.records import content_key
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.oci.tagging import TagStrategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.oci.manifest import Blob

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
YOUNG = timedelta(hours=2)
COMMITS = [f"{number:040x}" for number in range(4)]
CONTENTS = [f"sha256:{digit * 64}" for digit in "abc"]
IMAGES = ["app", "team/web"]


class Killed(BaseException):
    """The process ends here."""


@dataclass
class MemoryRegistry:
    """One repository, as a registry keeps it: deleting a manifest takes all its tags. Dies when its `breath` is used up."""

    tags: dict[Tag, Digest] = field(default_factory=dict)
    manifests: dict[Digest, tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    breath: int | None = None

    def _act(self) -> None:
        if self.breath is not None:
            if self.breath == 0:
                raise Killed
            self.breath -= 1

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        if isinstance(reference, Digest):
            return reference
        if reference not in self.tags:
            raise NotFound(f"{reference} is not there")
        return self.tags[reference]

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        return frozenset(self.tags)

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        self._act()
        if digest not in self.manifests:
            raise NotFound(f"{digest} is not there")
        del self.manifests[digest]
        self.tags = {tag: found for tag, found in self.tags.items() if found != digest}

    def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
        return self.manifests[self.resolve(repository, reference)]

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        return io.BytesIO(self.blobs[blob.digest])

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        return digest in self.blobs

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        self._act()
        self.blobs[blob.digest] = content().read()

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        self._act()
        digest = Digest.of(content)
        self.manifests[digest] = (content, media_type)
        if isinstance(reference, Tag):
            self.tags[reference] = digest
        return digest

    def inventory(self, repository: Repository) -> None:
        raise AssertionError("records are read by their names")


class Records(RuleBasedStateMachine):
    """`promised` is what was recorded of contents that are still published: it has to be readable at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = MemoryRegistry()
        self.home = Home(self.registry, Repository(Registry("example.com"), "stages"))  # type: ignore[arg-type]
        self.now = START
        self.promised: dict[tuple[str, str, str], datetime] = {}
        self.looked: list[tuple[HomeRecords, Alive]] = []

    @initialize()
    def take_in_early(self) -> None:
        record_tidying.TAKEN_IN_FROM = 2

    @rule(
        image=st.sampled_from(IMAGES),
        commit=st.sampled_from(COMMITS),
        content=st.sampled_from(CONTENTS),
        tag=st.sampled_from(["v1", "main"]),
    )
    def publish(self, image: str, commit: str, content: str, tag: str) -> None:
        write_record(self.home, Publication(image, commit, content, self.now, {tag: TagStrategy.CUSTOM}))
        self.promised[image, commit, content_key(content)] = self.now

    @rule(image=st.sampled_from(IMAGES), content=st.sampled_from(CONTENTS))
    def lose_the_last_tag_of(self, image: str, content: str) -> None:
        key = content_key(content)
        self.promised = {said: when for said, when in self.promised.items() if (said[0], said[2]) != (image, key)}

    @rule(minutes=st.sampled_from([0, 1, 90, 600]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def look(self) -> None:
        """A cleanup starts, and may be slow: it tidies later what it sees now."""
        self.looked.append((self.read(), self.alive_now()))

    @rule(breath=st.none() | st.integers(0, 12), late=st.booleans())
    def tidy(self, breath: int | None, late: bool) -> None:
        seen, alive = self.looked.pop() if late and self.looked else (self.read(), self.alive_now())
        self.registry.breath = breath
        try:
            Tidying(seen, Eraser(self.home, 1), alive, IMAGES, self.now, YOUNG).tidy()
        except Killed:
            pass
        finally:
            self.registry.breath = None

    @invariant()
    def everything_promised_is_there(self) -> None:
        found = self.read().images(IMAGES)
        for image, commit, key in self.promised:
            assert key in found[image].commits[commit], f"{image} at {commit[-1:]} lost {key}"

    def teardown(self) -> None:
        """Left alone, a few tidyings later there is one ledger, and nothing of what is gone."""
        self.now += timedelta(days=1)
        for _ in range(3):
            Tidying(self.read(), Eraser(self.home, 1), self.alive_now(), IMAGES, self.now, YOUNG).tidy()
        left = self.read()
        assert len(left.ledgers) <= 1
        assert len(left.singles) < 2
        for image, records in left.images(IMAGES).items():
            assert {key for keys in records.commits.values() for key in keys} == self.alive(image)
        record_tidying.TAKEN_IN_FROM = 50

    def alive(self, image: str) -> frozenset[str]:
        return frozenset(key for name, _, key in self.promised if name == image)

    def alive_now(self) -> Alive:
        return Alive({image: self.alive(image) for image in IMAGES})

    def read(self) -> HomeRecords:
        return read_records(self.home, self.registry.tag_names(self.home.repository), BlobCache(), 1)


TestRecords = Records.TestCase
