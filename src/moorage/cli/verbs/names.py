"""`moorage names`."""

from moorage.cli.call import Answer, Call
from moorage.commands.names import NamesRequest, names
from moorage.settings.assemble.stories import names_settings


def run(call: Call) -> Answer:
    result = names(NamesRequest(*names_settings(call.request)))
    text = "".join(f"{name.reference}\n" for name in result.names)
    return Answer(text, result.as_json(), {"references": text.rstrip("\n")})
