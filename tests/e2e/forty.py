"""Forty repositories with a history, as bytes and as facts: what they hold, and what has to be left after a cleanup.

The facts are kept beside the images, so what a test expects rests on how the repositories were made and on the documented rules,
not on anything that Moorage computed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.images import Image, artifact, cosign, image, index, layer

from moorage.oci.manifest import parse_manifest

if TYPE_CHECKING:
    from moorage.oci.reference import Digest

REPOSITORIES = 40
NOW = datetime.now(UTC)

LetGo = Callable[["Shelf"], set[str]]


@dataclass
class Shelf:
    """One repository. `tags` are the ordinary ones, each with its image; `beside` those that belong to an image by their name.

    `loose` were pushed by digest alone. `dates` are those that the images' own configs say.
    """

    path: str
    tags: dict[str, Image] = field(default_factory=dict)
    beside: dict[str, tuple[Image, Image]] = field(default_factory=dict)  # tag: what it names, what that belongs to
    loose: list[tuple[Image, Image]] = field(default_factory=list)  # an artifact, and its subject
    dates: dict[Digest, datetime] = field(default_factory=dict)

    def age(self, tag: str) -> timedelta:
        return NOW - self.dates[self.tags[tag].digest]

    def newest(self, tags: Iterable[str], count: int) -> set[Digest]:
        """The newest images among these tags; equal dates by digest, the greater first."""
        digests = {self.tags[tag].digest for tag in tags}
        return set(sorted(digests, key=lambda digest: (self.dates[digest], digest.text), reverse=True)[:count])

    def images(self) -> Iterator[Image]:
        for one in self.tags.values():
            yield from one.manifests()
        for one, _ in (*self.beside.values(), *self.loose):
            yield from one.manifests()


@dataclass(frozen=True)
class Left:
    """What has to be there after a cleanup, and what must not be."""

    tags: set[str]
    gone_tags: set[str]
    manifests: set[Digest]
    gone_manifests: set[Digest]


def left(shelf: Shelf, going: set[str]) -> Left:
    """By the rules of reachability: kept tags keep what they lead to; what belongs to an image goes with it."""
    kept = set(shelf.tags) - going
    needed = {one.digest for tag in kept for one in shelf.tags[tag].manifests()}
    belongings = [*shelf.beside.values(), *shelf.loose]
    while True:  # what belongs to something that is needed is needed, with all that it leads to
        more = {one.digest for what, target in belongings if target.digest in needed for one in what.manifests()} - needed
        if not more:
            break
        needed |= more
    beside = {tag for tag, (_, target) in shelf.beside.items() if target.digest in needed}
    everything = {one.digest for one in shelf.images()}
    return Left(kept | beside, going | (set(shelf.beside) - beside), needed, everything - needed)


def shelves() -> list[Shelf]:
    """Forty repositories of eight kinds; the same in every run but for the day."""
    makers = (singles, shared_children, nested, signed, artifacts, siblings, tagged_children, everything_at_once)
    found = []
    for number in range(REPOSITORIES):
        maker = makers[number % len(makers)]
        shelf = Shelf(f"forty/{maker.__name__.replace('_', '-')}-{number:02}")
        maker(shelf, random.Random(number))
        found.append(shelf)
    return found


def aged(shelf: Shelf, name: str, days: float, platform: str = "linux/amd64") -> Image:
    when = NOW - timedelta(days=days)
    made = image(layer(f"{shelf.path} {name}"), created=when.strftime("%Y-%m-%dT%H:%M:%SZ"), platform=platform)
    shelf.dates[made.digest] = when.replace(microsecond=0)
    return made


def both(shelf: Shelf, *children: Image) -> Image:
    made = index(*children)
    shelf.dates[made.digest] = max(shelf.dates[child.digest] for child in children)
    return made


def singles(shelf: Shelf, dice: random.Random) -> None:
    for number in range(6):
        shelf.tags[f"v{number}"] = aged(shelf, f"v{number}", 60 - 10 * number + dice.random())
    for number in range(4):
        shelf.tags[f"pr-{number}"] = aged(shelf, f"pr-{number}", dice.uniform(1, 40))
    shelf.tags["latest"] = shelf.tags["v5"]


def shared_children(shelf: Shelf, dice: random.Random) -> None:
    common = aged(shelf, "common", 70, "linux/s390x")
    for number in range(5):
        own = aged(shelf, f"own {number}", 50 - 10 * number + dice.random())
        shelf.tags[f"v{number}"] = both(shelf, own, common)
    shelf.tags["pr-1"] = both(shelf, aged(shelf, "pr", dice.uniform(5, 25)), common)


def nested(shelf: Shelf, dice: random.Random) -> None:
    inner = both(shelf, aged(shelf, "inner", 45), aged(shelf, "inner arm", 45, "linux/arm64"))
    shelf.tags["v0"] = both(shelf, inner, aged(shelf, "outer 0", 44))
    shelf.tags["v1"] = both(shelf, inner, aged(shelf, "outer 1", 4 + dice.random()))
    shelf.tags["pr-7"] = inner


def signed(shelf: Shelf, dice: random.Random) -> None:
    singles(shelf, dice)
    for tag in ("v0", "v3", "pr-1"):
        for suffix in (".sig", ".att"):
            name, signature = cosign(shelf.tags[tag], suffix)
            shelf.beside[name.text] = (signature, shelf.tags[tag])
    first = next(iter(shelf.beside.values()))[0]
    name, signature = cosign(first)  # a signature of a signature
    shelf.beside[name.text] = (signature, first)


def artifacts(shelf: Shelf, dice: random.Random) -> None:
    """Referrers as distribution 2.8 has them: by digest, found through the fallback tag of their subject."""
    shared_children(shelf, dice)
    for tag in ("v0", "v4", "pr-1"):
        subject = shelf.tags[tag]
        sbom = artifact(subject, "application/spdx+json", f"{shelf.path} {tag}".encode())
        shelf.loose.append((sbom, subject))
        shelf.beside[f"sha256-{subject.digest.hex}"] = (index(sbom), subject)


def siblings(shelf: Shelf, dice: random.Random) -> None:
    """Several tags per digest, some of which any rule takes and some of which none does."""
    for number in range(4):
        one = aged(shelf, f"image {number}", 55 - 15 * number + dice.random())
        for tag in (f"v{number}", f"pr-{number}", f"stable-{number}"):
            shelf.tags[tag] = one


def tagged_children(shelf: Shelf, dice: random.Random) -> None:
    for number in range(3):
        amd = aged(shelf, f"amd {number}", 50 - 20 * number + dice.random())
        arm = aged(shelf, f"arm {number}", 50 - 20 * number, "linux/arm64")
        shelf.tags |= {f"v{number}": both(shelf, amd, arm), f"v{number}-amd64": amd, f"v{number}-arm64": arm}


def everything_at_once(shelf: Shelf, dice: random.Random) -> None:
    for number, maker in enumerate((tagged_children, nested, signed, artifacts)):
        part = Shelf(f"{shelf.path}/{number}")
        maker(part, dice)
        shelf.tags |= {f"{tag}.{number}": one for tag, one in part.tags.items()}
        shelf.beside |= part.beside
        shelf.loose += part.loose
        shelf.dates |= part.dates


# What each policy lets go of, by the documented rules.


def last_spared(policy: LetGo) -> LetGo:
    """Rules that name no tags leave the newest image of a repository."""

    def going(shelf: Shelf) -> set[str]:
        found = policy(shelf)
        if found != set(shelf.tags):
            return found
        newest = shelf.newest(shelf.tags, 1)
        return {tag for tag in found if shelf.tags[tag].digest not in newest}

    return going


def older(days: float) -> LetGo:
    return lambda shelf: {tag for tag in shelf.tags if shelf.age(tag) > timedelta(days=days)}


def named(start: str, days: float = 0) -> LetGo:
    return lambda shelf: {tag for tag in shelf.tags if tag.startswith(start) and shelf.age(tag) > timedelta(days=days)}


def all_but_newest(count: int, covers: Callable[[str], bool] = lambda _: True) -> LetGo:
    def going(shelf: Shelf) -> set[str]:
        covered = [tag for tag in shelf.tags if covers(tag)]
        newest = shelf.newest(covered, count)
        return {tag for tag in covered if shelf.tags[tag].digest not in newest}

    return going


def union(*policies: LetGo) -> LetGo:
    return lambda shelf: set().union(*(policy(shelf) for policy in policies))


def without(policy: LetGo, *kept: str) -> LetGo:
    return lambda shelf: policy(shelf) - set(kept)


def references(content: bytes, kind: str) -> tuple[list[Digest], Mapping[Digest, int]]:
    """Children and blobs of a manifest, for those who check whether it can be pulled."""
    manifest = parse_manifest(content, kind)
    return list(manifest.children), {blob.digest: blob.size for blob in manifest.blobs}
