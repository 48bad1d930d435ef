"""`moorage publish`."""

import json
from functools import partial

from moorage.cli.call import Answer, Call
from moorage.cli.written import write_each
from moorage.commands.publish import PublishResult, publish
from moorage.errors import Failure
from moorage.report import published_markdown, published_text, write_published, write_werf
from moorage.settings.assemble.stories import publish_settings
from moorage.settings.settings import PublishSettings


def run(call: Call) -> Answer:
    settings = publish_settings(call.request)
    try:
        result = publish(settings, call.world)
    except Failure as failure:
        _reported(PublishResult((), stopped=failure), settings)
        raise
    unwritten = _reported(result, settings)
    limit = call.host.summary_limit()
    return Answer(
        text=published_text(result, width=call.width, colour=call.colour),
        document=result.as_json(),
        outputs={**outputs_of(result), "report": "\n".join(str(call.host.outside(path)) for path in settings.reports)},
        summary=published_markdown(result, limit_bytes=limit) if limit else "",
        failure=result.failure or unwritten,
    )


def _reported(result: PublishResult, settings: PublishSettings) -> Failure | None:
    reports = [partial(write_published, result, path) for path in settings.reports]
    if settings.werf_report is not None:
        reports.append(partial(write_werf, result, settings.werf_report))
    return write_each(reports)


def outputs_of(result: PublishResult) -> dict[str, str]:
    """Only what is up, except in `images`, which says everything."""
    up = [tag for tag in result.images if tag.error is None and tag.digest is not None]
    digests = {tag.reference: str(tag.digest) for tag in up}
    pinned: dict[str, str] = {}
    for tag in up:
        pinned.setdefault(tag.image or "~", tag.pinned)
    return {
        "images": json.dumps(result.as_json()["images"], separators=(",", ":")),
        "references": "\n".join(digests),
        "digest": next(iter(digests.values()), ""),
        "digests": json.dumps(digests, separators=(",", ":")),
        "pinned": json.dumps(pinned, separators=(",", ":")),
        "tags": "\n".join(dict.fromkeys(tag.tag for tag in up)),
        "failed-count": str(sum(1 for tag in result.images if tag.error is not None)),
    }
