"""The docker command with a configuration of our own: typed calls, argument lists only, errors with a remedy."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, BinaryIO, Final, Self, TypeVar

from moorage.auth.secret import Secret, blank
from moorage.docker.children import Finished, capture, copy_output, stream
from moorage.docker.config_dir import DOCKER_HUB_KEY, DockerConfig, login_key
from moorage.docker.diagnosis import is_transient, last_lines, remedy_for
from moorage.docker.local_image import EngineVersion, LocalImage
from moorage.errors import DockerError
from moorage.oci.reference import Digest

T = TypeVar("T")

RETRY_PAUSES: Final = (1.0, 3.0, 9.0)  # seconds before the second, third and fourth try

_PUSHED = re.compile(r"^[^\s:]+: digest: (sha256:[0-9a-f]{64}) size: [0-9]+\s*$", re.MULTILINE)
_NAMELESS: Final = "<none>"
_NO_DOCKER: Final = (
    "Install docker's command line, or do without: --engine registry with docker-archive:, oci: or oci-archive: sources "
    "needs neither docker nor an engine."
)


def _say_nothing(_line: str) -> None:
    pass


class Docker:
    """Runs docker commands with one private configuration. May be used by several threads at once.

    `log` gets each line of long commands (build, push, pull), without secrets. `time_left` says how many seconds a command may
    still take, None for as long as it needs. Every method raises DockerError: no docker, no engine, a failed command.
    """

    def __init__(
        self,
        config: DockerConfig,
        *,
        environment: Mapping[str, str] = os.environ,
        log: Callable[[str], None] = _say_nothing,
        time_left: Callable[[], float | None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.config = config
        self._environment = config.environment(environment)
        self._log = log
        self._time_left = time_left
        self._sleep = sleep
        self._known: dict[str, Any] = {}

    def telling(self, log: Callable[[str], None]) -> Self:
        """The same docker, whose long output goes elsewhere."""
        other = copy(self)
        other._log = log  # noqa: SLF001 -- our own, of another of us
        return other

    def once(self, what: str, ask: Callable[[], T]) -> T:
        """The answer to a question whose answer does not change during a run; two threads may ask it at the same time."""
        if what not in self._known:
            self._known[what] = ask()
        found: T = self._known[what]
        return found

    @staticmethod
    def find(environment: Mapping[str, str] = os.environ) -> Path | None:
        """The docker command on PATH, None where there is none."""
        found = shutil.which("docker", path=environment.get("PATH", ""))
        return Path(found) if found else None

    def run(self, arguments: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> str:
        """Run `docker ARGUMENTS` and return its output. `timeout` in seconds."""
        return self.check(arguments, self.attempt(arguments, stdin=stdin, timeout=timeout)).output

    def attempt(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run `docker ARGUMENTS` and return how it went; `settings` are added to its environment."""
        environment = {**self._environment, **(settings or {})}
        return capture(self._argv(arguments), environment, stdin=stdin, timeout=self._limit(timeout))

    def check(self, arguments: Sequence[str], finished: Finished) -> Finished:
        """The result of an `attempt`, or the DockerError that it means."""
        if finished.exit_code or finished.timed_out:
            raise self._error(arguments, finished)
        return finished

    def follow(self, arguments: Sequence[str], *, settings: Mapping[str, str] | None = None) -> str:
        """Run a long command, its lines going to the log as they come; returns the last ones."""
        environment = {**self._environment, **(settings or {})}
        finished = stream(self._argv(arguments), environment, lambda line: self._log(blank(line)), timeout=self._limit(None))
        return self.check(arguments, finished).errors

    @property
    def context(self) -> str:
        """The docker context in use, which is also the name of buildx's builder that works inside its engine."""
        if self._environment.get("DOCKER_HOST"):
            return "default"
        return self._environment.get("DOCKER_CONTEXT") or str(self.config.content().get("currentContext") or "default")

    def login(self, host: str, username: str, password: Secret) -> None:
        """Check a login with the registry and keep it in our configuration file, never in a credential store of the machine."""
        key = login_key(host)
        server = [] if key == DOCKER_HUB_KEY else [key]
        with self.config.changing():
            self.config.keep_in_file(host)
            arguments = ["login", "--username", username, "--password-stdin", *server]
            self._retried(lambda: self.run(arguments, stdin=password.reveal().encode()))

    def version(self) -> EngineVersion:
        """Client and engine; `server` is empty where no engine answers."""
        arguments = ["version", "--format", "{{json .}}"]
        finished = self.attempt(arguments, timeout=30)
        try:
            # Without an engine docker still prints what it knows of itself, and exits with 1.
            return EngineVersion.read(json.loads(finished.output))
        except (ValueError, KeyError, TypeError):
            raise self._error(arguments, finished) from None

    def require_engine(self) -> EngineVersion:
        """The version of a running engine; raises DockerError that says how to go on where none answers."""
        version = self.version()
        if not version.server:
            arguments = ["version"]
            raise self._error(arguments, self.attempt(arguments, timeout=30))
        return version

    def image(self, reference: str) -> LocalImage | None:
        """A local image by reference or id; None when the engine, which does answer, has no such image."""
        found = self.inspection(reference)
        return LocalImage.read(found) if found is not None else None

    def inspection(self, reference: str) -> Mapping[str, Any] | None:
        """All that `docker image inspect` says of a local image; None as for `image`."""
        return next(iter(self.inspections([reference])), None)

    def inspections(self, references: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """The same of several images at once, in this order, without those that the engine, which does answer, has not."""
        arguments = ["image", "inspect", "--format", "{{json .}}", *references]
        finished = self.attempt(arguments)
        if finished.timed_out:
            raise self._error(arguments, finished)
        found = [json.loads(line) for line in finished.output.splitlines() if line.startswith("{")]
        if finished.exit_code and not found:
            # "No such image" and "no engine" differ in words only: ask whether there is an engine instead of reading them.
            self.require_engine()
        return found

    def tag(self, image: str, reference: str) -> None:
        """Give a local image another name."""
        self.run(["tag", image, reference])

    def untag(self, reference: str) -> None:
        """Take a name away from a local image; the image itself goes with its last name. A name that is gone is no error."""
        if self.image(reference) is not None:
            self.run(["rmi", "--no-prune", reference])

    def remove(self, reference: str) -> None:
        """Take a name away from a local image, without force; with its last name the image goes, and nameless parents."""
        self.run(["image", "rm", reference])

    def image_ids(self, repository: str) -> Sequence[str]:
        """The images that have a name in a repository, each once."""
        return list(dict.fromkeys(self._listed([repository], "{{.ID}}")))

    def image_tags(self, repository: str) -> Sequence[str]:
        """The tags of a repository."""
        return [tag for tag in self._listed([repository], "{{.Tag}}") if tag != _NAMELESS]

    def image_names(self, repositories: Sequence[str]) -> Sequence[str]:
        """The names in some repositories, tags and all; of what has no tag, one that ends with `:<none>`."""
        return self._listed(repositories, "{{.Repository}}:{{.Tag}}")

    def used_images(self) -> frozenset[str]:
        """The IDs of the images that containers were made from, running or not."""
        containers = self.run(["container", "ls", "--all", "--quiet", "--no-trunc"]).split()
        if not containers:
            return frozenset()
        arguments = ["container", "inspect", "--format", "{{.Image}}", *containers]
        finished = self.attempt(arguments)
        if finished.exit_code and not finished.timed_out:  # some of them ended meanwhile, or the engine did
            self.require_engine()
            return frozenset(finished.output.split())
        return frozenset(self.check(arguments, finished).output.split())

    def _listed(self, repositories: Sequence[str], what: str) -> list[str]:
        filters = [word for repository in repositories for word in ("--filter", f"reference={repository}")]
        return self.run(["image", "ls", "--no-trunc", *filters, "--format", what]).split()

    def push(self, reference: str) -> Digest:
        """Push and return the digest that docker says it pushed; what the registry then holds is for the caller to read back.

        Raises DockerError for a push that failed, and for one of which docker does not say what it pushed.
        """
        arguments = ["push", reference]
        output = self._retried(lambda: self.follow(arguments))
        pushed = _PUSHED.findall(output)
        if not pushed:
            raise DockerError(f"docker push {reference} ended well but named no digest: {last_lines(output)}")
        return Digest(pushed[-1])

    def pull(self, reference: str) -> None:
        """Pull an image, trying again on what may pass."""
        self._retried(lambda: self.follow(["pull", reference]))

    def save(self, image: str, target: Path | BinaryIO) -> None:
        """Write an image as a `docker save` archive, to a path or as a stream to an open file."""
        arguments = ["save", image]
        if isinstance(target, Path):
            self.run([*arguments, "--output", str(target)])
            return
        self.check(arguments, copy_output(self._argv(arguments), self._environment, target, timeout=self._limit(None)))

    def _argv(self, arguments: Sequence[str]) -> list[str]:
        program = self.find(self._environment)
        if program is None:
            raise DockerError(f"docker {arguments[0]}: there is no docker command on PATH", remedy=_NO_DOCKER)
        if not self.config.directory.is_dir():
            # docker would make the directory again and go on anonymously.
            message = f"docker {arguments[0]}: the private Docker config is gone, since this run was told to end"
            raise DockerError(message, remedy="Run the same command again.")
        return [str(program), *arguments]

    def _limit(self, timeout: float | None) -> float | None:
        given = [seconds for seconds in (timeout, self._time_left()) if seconds is not None]
        return max(min(given), 0.0) if given else None

    def _error(self, arguments: Sequence[str], finished: Finished) -> "CommandFailed":
        command = blank(" ".join(["docker", *arguments]))
        text = finished.errors or finished.output
        if finished.timed_out:
            how = "was ended, since its time was up"
        elif finished.exit_code < 0:
            how = f"was ended by signal {-finished.exit_code}"
        else:
            how = f"failed with exit code {finished.exit_code}"
        said = f"{how}: {last_lines(text) or 'it wrote nothing'}"
        passing = finished.exit_code > 0 and is_transient(text)
        return CommandFailed(f"{command} {said}", remedy_for(text), transient=passing, said=said)

    def _retried(self, command: Callable[[], str]) -> str:
        """Repeat a command that may be repeated while what it says may pass and there is time."""
        for pause in RETRY_PAUSES:
            try:
                return command()
            except CommandFailed as failure:
                left = self._time_left()
                if not failure.transient or (left is not None and left <= pause):
                    raise
                self._log(f"{failure.message}; trying again in {pause:g} s")
            self._sleep(pause)
        return command()


class CommandFailed(DockerError):
    """A docker command that ran and failed; `transient` when trying again may help, `said` its end without the command."""

    def __init__(self, message: str, remedy: str | None, *, transient: bool, said: str) -> None:
        super().__init__(message, remedy=remedy)
        self.transient = transient
        self.said = said
