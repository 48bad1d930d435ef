"""`moorage cleanup`."""

import json
from functools import partial

from moorage.cli.call import Answer, Call
from moorage.cli.written import write_each
from moorage.commands.cleanup import CleanupResult, cleanup
from moorage.policy.document import to_document
from moorage.policy.plan import Kind, Outcome, Plan
from moorage.report import plan_markdown, plan_text, write_report
from moorage.settings.assemble.stories import cleanup_settings
from moorage.settings.settings import CleanupSettings


def run(call: Call) -> Answer:
    settings = cleanup_settings(call.request)
    return told(call, settings, cleanup(settings, call.world), "Cleanup")


def told(call: Call, settings: CleanupSettings, result: CleanupResult, title: str) -> Answer:
    """The answer of a story that ends with a plan: reports written, text, document, outputs, summary."""
    report = partial(write_report, result.plan, title=title, objections=result.objections)
    unwritten = write_each(partial(report, path) for path in settings.reports)
    limit = call.host.summary_limit()
    return Answer(
        text=plan_text(result.plan, width=call.width, colour=call.colour, title=title, objections=result.objections),
        document=to_document(result.plan, result.objections),
        outputs=outputs_of(result, settings, call),
        summary=plan_markdown(result.plan, limit_bytes=limit, title=title, objections=result.objections) if limit else "",
        failure=result.failure or unwritten,
    )


def outputs_of(result: CleanupResult, settings: CleanupSettings, call: Call) -> dict[str, str]:
    return {
        "plan": str(call.host.outside(settings.plan_out)) if settings.plan_out else "",
        "report": "\n".join(str(call.host.outside(path)) for path in settings.reports),
        **counts_of(result.plan),
    }


def counts_of(plan: Plan) -> dict[str, str]:
    """An image that went with its tags counts by these; a manifest counts by itself where it had none."""
    totals = plan.totals
    gone = [item for item in plan.deletions if item.outcome is Outcome.DELETED]
    tagged = {(item.repository, item.digest) for item in gone if item.kind is Kind.TAG}
    deleted = [str(item) for item in gone if item.kind is Kind.TAG or (item.repository, item.digest) not in tagged]
    return {
        "deleted-count": str(len(deleted)),
        "kept-count": str(totals.kept_tags),
        "failed-count": str(totals.failed),
        "remaining-count": str(totals.remaining),
        "deleted": json.dumps(deleted, separators=(",", ":")),
    }
