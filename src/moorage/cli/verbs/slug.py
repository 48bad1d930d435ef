"""`moorage slug`."""

from moorage.cli.call import Answer, Call
from moorage.commands.slug import slug_of
from moorage.oci.slug import SlugFormat
from moorage.settings.options import tags


def run(call: Call) -> Answer:
    call.request.problems.raise_any()
    result = slug_of(call.words[0], SlugFormat(call.request.options.known(tags.FORMAT)))
    return Answer(f"{result.slug}\n", result.as_json())
