"""Verbs that are known and whose story is still to come: said before anything is touched."""

from moorage.cli.call import Answer, Call
from moorage.errors import Unsupported


def run(call: Call) -> Answer:
    call.request.problems.raise_any()
    command = call.request.command
    raise Unsupported(
        f"`moorage {command}` is not built yet; nothing was changed", remedy="`moorage --help` lists what there is."
    )
