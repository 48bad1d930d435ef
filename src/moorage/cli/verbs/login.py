"""`moorage login`."""

from moorage.cli.call import Answer, Call
from moorage.commands.login import LoginRequest, login, merged
from moorage.oci.reference import Registry
from moorage.settings.assemble.access import access_of, logins_of
from moorage.settings.assemble.stories import storage_of
from moorage.settings.options.access import GITHUB_TOKEN
from moorage.settings.options.where import IMAGES_REPO
from moorage.settings.request import Request

DIRECTORY_STATE = "docker-config"  # what the action's post step finds as $STATE_docker-config


def run(call: Call) -> Answer:
    request = call.request
    registry = _registry(request)
    access, asked_for = access_of(request, registry), logins_of(request, registry)
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


def _registry(request: Request) -> Registry | None:
    """That of the images repo, where one is named and has a server: a user name alone is meant for it."""
    target = storage_of(request) if request.options.value(IMAGES_REPO) is not None else None
    return None if target is None or target.repo.registry.is_layout else target.repo.registry
