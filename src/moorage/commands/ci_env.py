"""`moorage ci-env`: lines that tell a script what the CI system knows, and a Docker config of its own, logged in."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moorage.auth.secret import MASK, Secret, blank
from moorage.commands.ci_variables import Section, TaggingStrategy, Variable, ci_sections
from moorage.commands.login import log_in
from moorage.commands.shell_syntax import ABORT, Syntax, assignment, comment
from moorage.docker.config_dir import lasting_docker_config
from moorage.errors import ConfigurationError, Failure
from moorage.settings.ci import CiJob, CiSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class CiEnvRequest:
    """What to write, and how.

    `source` is the user's Docker config directory, None for none; `place` where later steps can see ours. Without `as_file` and
    `as_env_file` the lines themselves are printed; with one of them, the path of a file: `output`, else one in our Docker config.
    """

    system: CiSystem
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    strategy: TaggingStrategy = TaggingStrategy.STAGES_SIGNATURE
    shell: Syntax = Syntax.POSIX
    as_file: bool = False
    as_env_file: bool = False
    output: Path | None = None
    source: Path | None = None
    place: Path | None = None

    @property
    def syntax(self) -> Syntax:
        return Syntax.ENV_FILE if self.as_env_file else self.shell

    @property
    def streams(self) -> bool:
        return not (self.as_file or self.as_env_file)


@dataclass(frozen=True, slots=True)
class CiEnvResult:
    """The Docker config that was prepared, and the file that was written, None when lines were printed."""

    docker_config: Path
    file: Path | None


def ci_env(request: CiEnvRequest, write: Callable[[str], None]) -> CiEnvResult:
    """Prepares everything and writes lines, or the path of the file that has them, to `write` (standard output).

    When it fails and its output is being sourced, it writes a line that stops the sourcing shell, and raises then.
    """
    try:
        return _ci_env(request, write)
    except Failure:
        if request.streams:
            write(f"{ABORT}\n")
        raise


def _ci_env(request: CiEnvRequest, write: Callable[[str], None]) -> CiEnvResult:
    problems = []
    if request.as_file and request.as_env_file:
        problems.append("--as-file and --as-env-file exclude each other")
    if request.output and request.streams:
        problems.append("--output-file-path needs --as-file or --as-env-file")
    if problems:
        raise ConfigurationError(*problems)
    job, token = CiJob(request.system, request.environment), request.environment.get("GITHUB_TOKEN")
    sections = ci_sections(job, request.strategy)
    login = job.login(Secret(token) if token else None)
    with lasting_docker_config(request.source, place=request.place) as config:
        log_in(config, (login,) if login else (), request.environment)
        names = ("DOCKER_CONFIG", "MOORAGE_DOCKER_CONFIG")
        docker = tuple(Variable(name, str(config.directory), overrides=True) for name in names)
        note = f"logged in to {login.registry} with {login.source}" if login else "no login: the job has no token"
        text = rendered(request.syntax, (Section("Docker config", docker, note), *sections), request.environment)
        file = None
        if not request.streams:
            file = request.output or config.directory / f"ci-env{request.syntax.suffix}"
            _write_file(file, text, request.environment)
    write(text if file is None else f"{file}\n")
    return CiEnvResult(config.directory, file)


def rendered(syntax: Syntax, sections: Iterable[Section], environment: Mapping[str, str]) -> str:
    """The lines. What the user has set stays and is noted as skipped; what is empty is noted with the reason."""
    lines: list[str] = []
    for section in sections:
        lines += [comment(syntax, section.title)]
        lines += [comment(syntax, section.note)] if section.note else []
        lines += [_line(syntax, variable, environment.get(variable.name, "")) for variable in section.variables]
        lines += [""]
    return "\n".join(lines)


def _line(syntax: Syntax, variable: Variable, current: str) -> str:
    if current and not variable.overrides:
        shown = MASK if variable.secret else blank(current)
        return comment(syntax, f"skip {variable.name}={shown} (current)")
    if not variable.value:
        return comment(syntax, f"{variable.name}= ({variable.why or 'empty'})")
    return assignment(syntax, variable.name, variable.value)


def _write_file(file: Path, text: str, environment: Mapping[str, str]) -> None:
    """Write in one step, readable for its owner alone: it may hold a token. GitHub's own files are added to, not replaced."""
    target = file.resolve()
    if target.exists() and not target.is_file():
        raise ConfigurationError(f"--output-file-path {file} is no regular file")
    try:
        if target in set(_shared_files(environment)):
            # The runner knows no comments there: it refuses them, or makes variables of them.
            lines = [line for line in text.splitlines(keepends=True) if line.strip() and not line.startswith("#")]
            with target.open("a", encoding="utf-8") as stream:
                stream.writelines(lines)
            return
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        partial.replace(target)
    except OSError as error:
        raise ConfigurationError(f"--output-file-path {file} cannot be written: {error.strerror}") from None


def _shared_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """$GITHUB_ENV and $GITHUB_OUTPUT take lines from everybody in a step."""
    for name in ("GITHUB_ENV", "GITHUB_OUTPUT"):
        if environment.get(name):
            yield Path(environment[name]).resolve()
