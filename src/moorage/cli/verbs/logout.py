"""`moorage logout`."""

from pathlib import Path

from moorage.cli.call import Answer, Call
from moorage.commands.logout import LogoutRequest, logout


def run(call: Call) -> Answer:
    call.request.problems.raise_any()
    request = LogoutRequest(Path(call.words[0])) if call.words else LogoutRequest.of(call.request.environ)
    result = logout(request)
    text = f"removed {result.directory}\n" if result.removed else "nothing to remove\n"
    return Answer(text, result.as_json())
