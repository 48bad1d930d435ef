"""`moorage purge`."""

from moorage.cli.call import Answer, Call
from moorage.cli.verbs.cleanup import told
from moorage.commands.purge import purge
from moorage.settings.assemble.stories import cleanup_settings
from moorage.settings.options import safety


def run(call: Call) -> Answer:
    settings = cleanup_settings(call.request)
    return told(call, settings, purge(settings, call.world, confirmed=call.request.options.flag(safety.YES)), "Purge")
