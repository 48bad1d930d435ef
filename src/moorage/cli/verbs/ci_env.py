"""`moorage ci-env`: its lines are sourced, so what goes wrong has to stop the shell that reads them."""

from pathlib import Path

from moorage.cli.call import Answer, Call
from moorage.commands.ci_env import CiEnvRequest, ci_env
from moorage.commands.ci_variables import TaggingStrategy
from moorage.commands.shell_syntax import ABORT, Syntax
from moorage.errors import Failure
from moorage.settings.assemble.access import access_of
from moorage.settings.ci import CiSystem
from moorage.settings.options import reports, tags
from moorage.settings.problems import nearest


def run(call: Call) -> Answer:
    pieces: list[str] = []
    try:
        request = _request(call)
    except Failure:
        call.write(f"{ABORT}\n")
        raise
    try:
        result = ci_env(request, pieces.append)
    except Failure:
        call.write("".join(pieces))
        raise
    file = str(result.file) if result.file else None
    document = {"docker_config": str(result.docker_config), "file": file, "lines": "" if file else "".join(pieces)}
    return Answer("".join(pieces), document, {"docker-config": str(call.host.outside(result.docker_config))})


def _request(call: Call) -> CiEnvRequest:
    options, environ = call.request.options, call.request.environ
    word = call.words[0] if call.words else ""
    known = (CiSystem.GITHUB, CiSystem.GITLAB)
    if word not in known:
        meant = nearest(word, known)
        call.request.problems.add(
            f"unknown CI system {word!r}" + (f", did you mean {meant}?" if meant else f"; known are {', '.join(known)}")
        )
    access = access_of(call.request)
    call.request.problems.raise_any()
    output = options.value(reports.OUTPUT_FILE_PATH)
    return CiEnvRequest(
        system=CiSystem(word),
        environment=environ,
        strategy=TaggingStrategy(options.known(tags.TAGGING_STRATEGY)),
        shell=Syntax(options.known(reports.SHELL)),
        as_file=options.flag(reports.AS_FILE),
        as_env_file=options.flag(reports.AS_ENV_FILE),
        output=Path(output) if output else None,
        source=access.docker_config,
        place=call.host.shared_directory(),
    )
