"""`moorage login`."""

from moorage.cli.call import Answer, Call
from moorage.commands.login import LoginRequest, login, merged
from moorage.settings.assemble.access import access_of, logins_of
from moorage.settings.options.access import GITHUB_TOKEN

DIRECTORY_STATE = "docker-config"  # what the action's post step finds as $STATE_docker-config


def run(call: Call) -> Answer:
    request = call.request
    access, asked_for = access_of(request), logins_of(request)
    request.problems.raise_any()
    offered = request.job.login(request.options.value(GITHUB_TOKEN))
    result = login(
        LoginRequest(
            source=access.docker_config,
            logins=merged(asked_for, (offered,) if offered else ()),
            place=call.host.shared_directory(),
            environment=request.environ,
        )
    )
    seen = call.host.outside(result.directory)
    for name in ("DOCKER_CONFIG", "MOORAGE_DOCKER_CONFIG"):
        call.host.export(name, str(seen))
    call.host.save_state(DIRECTORY_STATE, str(result.directory))
    return Answer(result.lines(), result.as_json(), {"docker-config": str(seen)})
