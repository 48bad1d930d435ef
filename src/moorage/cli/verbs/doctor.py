"""`moorage doctor`."""

from collections.abc import Iterable, Iterator
from typing import Final

from moorage.cli.call import Answer, Call
from moorage.commands.doctor import DoctorSettings, Examination, doctor
from moorage.registries.interface import Ability
from moorage.settings.assemble.access import access_of
from moorage.settings.assemble.images import image_names
from moorage.settings.assemble.stories import settled, storage_of

_MARKS: Final = {True: "yes", False: "no", None: "?"}


def run(call: Call) -> Answer:
    request = call.request
    target = storage_of(request)
    access = access_of(request, target.repo.registry if target else None)
    examination = doctor(DoctorSettings(access, settled(request, target), image_names(request)), call.world)
    return Answer("\n".join(_lines(examination)) + "\n", examination.as_json(), failure=examination.failure)


def _lines(examination: Examination) -> Iterator[str]:
    repo = examination.repo
    yield f"images repo     {repo.text} (a {repo.form}, mode {repo.mode})"
    yield f"implementation  {repo.vendor.name}, {repo.vendor.title} at {repo.registry}"
    yield f"credentials     {examination.credential}"
    if examination.abilities:
        yield "\nThe registry can"
        yield from _table(examination.abilities)
    for repository, rights in examination.rights:
        yield f"\nThis login may, in {repository}"
        yield from _table(rights)


def _table(abilities: Iterable[Ability]) -> Iterator[str]:
    for ability in abilities:
        yield f"  {_MARKS[ability.possible]:<4} {ability.name}{f': {ability.detail}' if ability.detail else ''}"
