"""Recording anew what was recorded of images that a restore brought back.

All records of one home go into a ledger of their own, which the next cleanup unites with the others. It counts beside whatever is
there, so nothing is read, changed and written back.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.commands.recorded import Recorded
from moorage.commands.records import KIND, put_marker, read_records, write_image_name
from moorage.commands.world import World
from moorage.errors import NotFound, RegistryError
from moorage.oci.ledger import ImageRecords, Ledger
from moorage.oci.marker import marker
from moorage.oci.naming import shown
from moorage.oci.records import LedgerTag, is_record
from moorage.oci.reference import Digest, Registry
from moorage.policy.document import read_repository
from moorage.registries.interface import Registry as Port


@dataclass(frozen=True, slots=True)
class Again:
    """`notes` say what was recorded anew, `problems` what could not be, a sentence each."""

    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def record_again(
    recorded: Iterable[Recorded], back: Collection[tuple[str, str]], registries: Mapping[Registry, Port], world: World
) -> Again:
    """`back` are the manifests (repository, digest) that tags lead to again; `registries` are those that are open."""
    by_home: dict[str, list[Recorded]] = {}
    for one in recorded:
        if any((one.repository, digest) in back for digest in one.digests):
            by_home.setdefault(one.home, []).append(one)
    notes, problems = [], []
    for address, found in by_home.items():
        home = _home(address, registries)
        names = {one.image: (_home(one.names, registries), one.project) for one in found}
        if home is None or any(place is None for place, _ in names.values()):
            problems.append(f"what {address} recorded is not recorded anew: this run does not speak to it (--stages-storage)")
            continue
        try:
            number = _write(home, found, world)
            for image, (place, project) in names.items():
                if place is not None and write_image_name(place, image, world.now(), project):
                    notes.append(f"the name of {shown(image)} is recorded again in {place.repository}")
        except RegistryError as error:
            problems.append(f"what was recorded in {address} could not be recorded anew: {error.message}")
            continue
        if number:
            notes.append(f"what was published at which commit is recorded again in {address}: {number}")
    return Again(tuple(notes), tuple(problems))


def _write(home: Home, recorded: Iterable[Recorded], world: World) -> int:
    """Record what is not recorded there; returns how much that is."""
    wanted = list(recorded)
    there = _there(home, {one.image for one in wanted}, world)
    missing, number = _missing(wanted, there, world.now())
    if missing:
        content = Ledger(missing).content()
        put_marker(home, LedgerTag(Digest.of(content)).tag, marker({KIND: "ledger"}, content))
    return number


def _there(home: Home, images: Collection[str], world: World) -> Mapping[str, ImageRecords]:
    try:
        names = [tag for tag in home.registry.tag_names(home.repository) if is_record(tag)]
    except NotFound:
        return {}
    return read_records(home, names, BlobCache.of(world.environ), parallel=1).images(images)


def _missing(wanted: Iterable[Recorded], there: Mapping[str, ImageRecords], now: datetime) -> tuple[dict[str, ImageRecords], int]:
    """Records are dated now: a ledger of old dates could be the very bytes of one that another ledger has replaced for good."""
    found: dict[str, ImageRecords] = {}
    number = 0
    for one in wanted:
        known = there.get(one.image, ImageRecords())
        commits = [commit for commit in one.commits if one.content not in known.commits.get(commit, {})]
        said = {tag: word for tag, word in one.tags.items() if tag not in known.tags}
        if not commits and not said:
            continue
        image = found.setdefault(one.image, ImageRecords())
        for commit in commits:
            image.add(commit, one.content, int(now.timestamp()))
            number += 1
        for tag, (strategy, seconds) in said.items():
            image.say(tag, strategy, seconds)
    return found, number


def _home(address: str, registries: Mapping[Registry, Port]) -> Home | None:
    """None where it lies in none of these registries."""
    for registry, port in registries.items():
        with suppress(ValueError):
            return Home(port, read_repository(address, registry))
    return None
