"""`moorage restore`."""

from pathlib import Path

from moorage.cli.call import Answer, Call
from moorage.commands.restore import RestoreSettings, restore
from moorage.settings.assemble.access import access_of
from moorage.settings.assemble.stories import settled, storage_of
from moorage.settings.options import safety


def run(call: Call) -> Answer:
    request = call.request
    journal = call.words[0] if call.words else request.options.value(safety.JOURNAL)
    if journal is None:
        request.problems.add("a journal is needed: moorage restore JOURNAL, or --journal FILE")
    target = storage_of(request)
    access = access_of(request, target.repo.registry if target else None)
    settings = RestoreSettings(access, settled(request, target), Path(journal or ""), request.options.flag(safety.DRY_RUN))
    result = restore(settings, call.world)
    lines = (f"{item.outcome:<14} {item}{f'  {item.error}' if item.error else ''}\n" for item in result.items)
    return Answer("".join(lines) or "nothing to put back\n", result.as_json(), failure=result.failure)
