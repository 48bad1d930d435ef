"""What happens between argv and exit code: find the command, ask the sources, run the verb, say what came of it."""

import json
import logging
import os
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import moorage
from moorage.auth.secret import blank
from moorage.cli.arguments import Arguments, check_flags, take_apart
from moorage.cli.call import Answer, Call
from moorage.cli.help import about, overview
from moorage.cli.logs import log_to
from moorage.cli.signals import ending_on_signals, leave_within
from moorage.cli.verbs import USAGES, verb
from moorage.commands.ending import Ended, Ending
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Failure, PartialFailure
from moorage.hosts.dotenv import write_dotenv
from moorage.hosts.host import Host, choose
from moorage.option import Command, Option
from moorage.settings.options import general
from moorage.settings.problems import Problems, nearest
from moorage.settings.request import Request, read_request
from moorage.settings.resolve import Resolved, resolve
from moorage.settings.sources import Flags, Inputs, Variables
from moorage.settings.table import options_of

_EARLY: Final[tuple[Option[Any], ...]] = (general.OUTPUT, general.LOG_LEVEL, general.COMMAND)
_WIDTH_OF_LOGS: Final = 120  # columns, where stdout is no terminal
_AFTER_ALL_IS_TOLD: Final = 0.5  # seconds that a run which was asked to end waits for threads that are still at it
_BOOLEANS: Final = frozenset({"true", "false"})
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Session:
    """One call of the program, from its arguments and environment to its streams."""

    argv: Sequence[str]
    environ: Mapping[str, str] = field(repr=False)
    stdout: TextIO
    stderr: TextIO
    ending: Ending = field(default_factory=Ending)

    def run(self) -> int:
        problems = Problems()
        arguments = take_apart(self.argv, problems)
        if arguments.version:
            _write(self.stdout, f"moorage {moorage.__version__}\n")
            return 0
        early = _early(arguments, self.environ)
        console = _Console(self, choose(self.environ, self.stderr, early.known(general.LOG_LEVEL)))
        console.settle(early)
        try:
            with ending_on_signals(self.ending), bugs_told():
                command = _command(arguments, early, problems)
                if arguments.help or command is None:
                    return console.help(command, asked=arguments.help)
                console.title = f"moorage {command}"
                code = self._run(command, arguments, problems, console)
        except Failure as failure:
            code = console.fail(failure)
        except Ended as ended:
            return console.ended(ended)
        if self.ending.asked is not None:
            code = self.ending.asked.exit_code
            leave_within(_AFTER_ALL_IS_TOLD, code)
        return code

    def _run(self, command: Command, arguments: Arguments, problems: Problems, console: "_Console") -> int:
        check_flags(command, arguments, problems)
        request = read_request(command, arguments.flags, self.environ, problems)
        console.settle(request.options)
        for line in request.options.told(options_of(command)):
            _log.debug("%s", line)
        for stray in request.strays:
            console.host.progress.warn(stray)
        world = World(progress=console.host.progress, environ=self.environ, ending=self.ending)
        words = tuple(arguments.words) or request.options.values(general.ARGUMENTS)
        _check_words(command, words, problems)
        answer = verb(command).run(console.call(request, words, world))
        return console.deliver(answer, request)


@dataclass(slots=True)
class _Console:
    """Where everything that is said goes: the result to stdout, the rest to the host."""

    session: Session
    host: Host
    level: str = "info"
    as_json: bool = False
    title: str = "moorage"
    told: bool = False  # whether the one document is out

    def settle(self, options: Resolved) -> None:
        """Say things the way these options ask for: at first without the config file, which may ask for another."""
        self.level, self.as_json = options.known(general.LOG_LEVEL), options.value(general.OUTPUT) == "json"
        self.host.set_level(self.level)
        log_to(self.session.stderr, self.level)

    def call(self, request: Request, words: tuple[str, ...], world: World) -> Call:
        colour = self._is_terminal and "NO_COLOR" not in self.session.environ and self.session.environ.get("TERM") != "dumb"
        return Call(request, words, world, self.host, self._write_text, self._width, colour)

    def help(self, command: Command | None, *, asked: bool) -> int:
        text = about(command, self._width) if command else overview(self._width)
        _write(self.session.stdout if asked else self.session.stderr, text)
        return 0 if asked else ConfigurationError.exit_code

    def deliver(self, answer: Answer, request: Request) -> int:
        """Say the result everywhere, then what is wrong with it."""
        failure = answer.failure
        try:
            self._hand_over(answer, request)
        except Failure as error:  # told with the result, which must not be lost to it
            failure = failure or error
        self._write_text(answer.text)
        self._write_document({**answer.document, **({"error": _error(failure)} if failure else {})})
        if failure is None:
            return 0
        self.host.fail(self.title, failure)
        return failure.exit_code

    def _hand_over(self, answer: Answer, request: Request) -> None:
        """To later steps and later readers."""
        self.host.outputs(answer.outputs)
        dotenv = request.options.value(general.DOTENV)
        if dotenv and answer.outputs:
            _write_dotenv(Path(dotenv), answer.outputs)
        if answer.summary and request.options.flag(general.SUMMARY):
            self.host.summary(answer.summary)

    def fail(self, failure: Failure) -> int:
        """There is no result, only what went wrong."""
        self._write_document({"error": _error(failure)})
        self.host.fail(self.title, failure)
        if self.level == "debug":
            self.session.stderr.write(blank("".join(traceback.format_exception(failure))))
        return failure.exit_code

    def ended(self, ended: Ended) -> int:
        """The work was unwound on the way, before there was a result, or by somebody who insisted."""
        said = f"ended by {ended}: what was done stays done, the next run goes on from there"
        if not self.told:
            self._write_document({"error": _error(PartialFailure(said))})
        self.host.progress.warn(said)
        return ended.exit_code

    def _write_text(self, text: str) -> None:
        if not self.as_json:
            _write(self.session.stdout, text)

    def _write_document(self, document: Mapping[str, Any]) -> None:
        if self.as_json:
            self.told = True
            _write(self.session.stdout, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    @property
    def _is_terminal(self) -> bool:
        return self.session.stdout.isatty()

    @property
    def _width(self) -> int:
        return shutil.get_terminal_size().columns if self._is_terminal else _WIDTH_OF_LOGS


def _write(stream: TextIO, text: str) -> None:
    """Write now. A reader who has seen enough and went away changes neither the run nor its exit code."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write_dotenv(file: Path, outputs: Mapping[str, str]) -> None:
    try:
        write_dotenv(file, outputs)
    except OSError as error:
        message = f"the result cannot be handed over: --dotenv {file} cannot be written ({error.strerror})"
        raise Failure(message, remedy="Name another file; the work itself is done.") from None


def _early(arguments: Arguments, environ: Mapping[str, str]) -> Resolved:
    """The few options that say how to say things; their mistakes are told later, with all others."""
    return resolve(_EARLY, [Flags(arguments.flags), Inputs(environ), Variables(environ)], Problems())


def _command(arguments: Arguments, early: Resolved, problems: Problems) -> Command | None:
    """The command that was typed, else the one that an input or a variable names."""
    if not arguments.words:
        if early.value(general.COMMAND) is None and not arguments.help:
            problems.raise_any()
        text = early.value(general.COMMAND)
        return Command(text) if text else None
    word = arguments.words.pop(0)
    if word in set(Command):
        return Command(word)
    meant = nearest(word, tuple(Command))
    problems.add(f"unknown command {word!r}" + (f", did you mean {meant}?" if meant else ""))
    problems.raise_any()
    return None


def _check_words(command: Command, words: Sequence[str], problems: Problems) -> None:
    usage = USAGES[command]
    if len(words) < usage.fewest:
        problems.add(f"moorage {command} needs {usage.words}")
    for word in words[usage.most :] if usage.most is not None else ():
        problems.add(
            f"unexpected argument {word!r}" + (f"; true and false are written --option={word}" if word in _BOOLEANS else "")
        )


def _error(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "message": blank(failure.message),
        "problems": [blank(problem) for problem in failure.problems],
        "remedy": blank(failure.remedy),
    }


@contextmanager
def bugs_told() -> Iterator[None]:
    """Whatever else goes wrong becomes a Failure with exit code 1; its traceback is shown with --log-level debug."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        raise Failure(f"unexpected {type(error).__name__}: {error}") from error
