"""`moorage report`."""

from pathlib import Path
from typing import Final

from moorage.cli.call import Answer, Call
from moorage.cli.verbs.cleanup import counts_of
from moorage.commands.plan_file import merged_reports
from moorage.policy.document import to_document
from moorage.report import plan_markdown, plan_text, write_report
from moorage.settings.assemble.stories import reports_of

_MERGE: Final = "merge"
_TITLE: Final = "Cleanup"


def run(call: Call) -> Answer:
    """Merging says nothing about success: each shard has ended with an exit code of its own."""
    deed, *files = call.words or ("",)
    if deed != _MERGE:
        call.request.problems.add(f"report cannot {deed!r}: merge FILE… is needed")
    elif not files:
        call.request.problems.add("report merge needs the JSON reports of the shards")
    written = reports_of(call.request)
    call.request.problems.raise_any()
    plan = merged_reports([Path(file).absolute() for file in files])
    for path in written:
        write_report(plan, path, title=_TITLE)
    limit = call.host.summary_limit()
    return Answer(
        text=plan_text(plan, width=call.width, colour=call.colour, title=_TITLE),
        document=to_document(plan),
        outputs={**counts_of(plan), "report": "\n".join(str(call.host.outside(path)) for path in written)},
        summary=plan_markdown(plan, limit_bytes=limit, title=_TITLE) if limit else "",
    )
