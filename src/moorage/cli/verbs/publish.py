"""`moorage publish`."""

import json

from moorage.cli.call import Answer, Call
from moorage.commands.publish import PublishResult, publish
from moorage.report import published_markdown, published_text, write_published
from moorage.settings.assemble.stories import publish_settings


def run(call: Call) -> Answer:
    settings = publish_settings(call.request)
    result = publish(settings, call.world)
    for path in settings.reports:
        write_published(result, path)
    limit = call.host.summary_limit()
    return Answer(
        text=published_text(result, width=call.width, colour=call.colour),
        document=result.as_json(),
        outputs={**outputs_of(result), "report": "\n".join(str(call.host.outside(path)) for path in settings.reports)},
        summary=published_markdown(result, limit_bytes=limit) if limit else "",
        failure=result.failure,
    )


def outputs_of(result: PublishResult) -> dict[str, str]:
    """Only what is up, except in `images`, which says everything."""
    up = [tag for tag in result.images if tag.error is None and tag.digest is not None]
    digests = {tag.reference: str(tag.digest) for tag in up}
    return {
        "images": json.dumps(result.as_json()["images"], separators=(",", ":")),
        "references": "\n".join(digests),
        "digest": next(iter(digests.values()), ""),
        "digests": json.dumps(digests, separators=(",", ":")),
        "tags": "\n".join(dict.fromkeys(tag.tag for tag in up)),
        "failed-count": str(sum(1 for tag in result.images if tag.error is not None)),
    }
