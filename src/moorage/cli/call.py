"""One call of a verb, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moorage.commands.world import World
from moorage.errors import Failure
from moorage.hosts.host import Host
from moorage.settings.request import Request


@dataclass(frozen=True, slots=True)
class Call:
    """What a verb gets. `words` are what stood after the command; `width` and `colour` are about stdout.

    `write` puts text on stdout at once, for what has to be there even if the verb fails; it is silent with --output json.
    """

    request: Request
    words: tuple[str, ...]
    world: World
    host: Host
    write: Callable[[str], None]
    width: int = 100
    colour: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb says: as text, as a JSON document, to later steps, and on the page of the run.

    `failure` is what the process exits with although there is a result.
    """

    text: str
    document: Mapping[str, Any]
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    failure: Failure | None = None
