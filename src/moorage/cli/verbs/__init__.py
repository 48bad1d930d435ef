"""The verbs, one module each. `run(call)` does the work; this table is what help and the command line know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Final, Protocol, cast

from moorage.cli.call import Answer, Call
from moorage.option import Command


class Verb(Protocol):
    """What a module of this room offers."""

    def run(self, call: Call) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """How a verb is typed. `fewest` and `most` are about the words after it; `module` does the work, loaded on first use."""

    summary: str
    words: str = ""
    fewest: int = 0
    most: int | None = 0
    module: str = ""


USAGES: Final[Mapping[Command, Usage]] = MappingProxyType(
    {
        Command.NAMES: Usage("Print the final names of images, without any network."),
        Command.SLUG: Usage("Print the safe form of a text.", "TEXT", 1, 1),
        Command.PUBLISH: Usage("Build, name and push images, and read every tag back."),
        Command.CLEANUP: Usage("Plan, guard, delete, report. With --dry-run: only the plan."),
        Command.PURGE: Usage("Delete all that this project published."),
        Command.RESTORE: Usage("Put back what a cleanup deleted, from its journal.", "[JOURNAL]", 0, 1),
        Command.EXPLAIN: Usage("Say why an image would be kept or deleted.", "REFERENCE", 1, 1),
        Command.DOCTOR: Usage("Examine address, credentials and rights, reading only."),
        Command.LOGIN: Usage("Prepare a Docker config of its own for later steps, logged in."),
        Command.LOGOUT: Usage("Remove the Docker config that login prepared.", "[DIR]", 0, 1),
        Command.CI_ENV: Usage("Print shell lines that set what the CI system knows.", "github|gitlab", 1, 1, module="ci_env"),
        Command.MANAGED_IMAGES: Usage(
            "List, add or remove recorded image names.", "ls|add|rm [NAME…]", 1, None, module="managed_images"
        ),
        Command.REPORT: Usage("Merge the reports of several shards.", "merge FILE…", 1, None),
    }
)


def verb(command: Command) -> Verb:
    """The module of a command, loaded now: each brings only what it needs itself."""
    return cast(Verb, import_module(f"{__name__}.{USAGES[command].module or command}"))
