"""`moorage restore`."""

from pathlib import Path

from moorage.cli.call import Answer, Call
from moorage.commands.restore import RestoreSettings, restore
from moorage.settings.assemble.access import access_of
from moorage.settings.assemble.stories import settled, stages_of, storage_of
from moorage.settings.options import safety


def run(call: Call) -> Answer:
    request = call.request
    journal = call.words[0] if call.words else request.options.value(safety.JOURNAL)
    if journal is None:
        request.problems.add("a journal is needed: moorage restore JOURNAL, or --journal FILE")
    target = storage_of(request)
    access = access_of(request, target.repo.registry if target else None)
    stages = stages_of(request, target)
    dry_run = request.options.flag(safety.DRY_RUN)
    settings = RestoreSettings(access, settled(request, target), Path(journal or ""), dry_run, stages)
    result = restore(settings, call.world)
    lines = (f"{item.outcome:<14} {item}{f'  {item.error}' if item.error else ''}\n" for item in result.items)
    notes = "".join(f"note: {note}\n" for note in result.notes)
    return Answer(("".join(lines) or "nothing to put back\n") + notes, result.as_json(), failure=result.failure)
