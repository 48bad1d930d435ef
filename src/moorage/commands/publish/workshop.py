"""The docker engine as one run of publish uses it: with a private configuration, names of its own, and its time limit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from moorage.commands.login import log_in, merged
from moorage.commands.publish.local_names import LocalNames
from moorage.commands.world import World
from moorage.docker.config_dir import DockerConfig, private_docker_config
from moorage.docker.engine import Docker
from moorage.settings.settings import Access, Login


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all images that go through docker share."""

    config: DockerConfig
    names: LocalNames
    access: Access
    world: World
    limited: Docker

    def docker(self, log: Callable[[str], None]) -> Docker:
        """The docker command, its long output going to `log`."""
        return self.limited.telling(log)

    def log_in(self, *own: Login) -> None:
        """Log in wherever that was asked for, and with the registry's `own` logins. Raises DockerError for what is refused."""
        log_in(self.config, merged(self.access.logins, own), self.world.environ)


@contextmanager
def open_workshop(access: Access, world: World) -> Iterator[Workshop]:
    """Everything of this run is gone from the engine when the block is left; for the main thread.

    Raises ConfigurationError for a Docker configuration that cannot be read. Whether there is an engine is not asked.
    """
    with private_docker_config(access.docker_config) as config:
        environment = _environment(config, world)
        left = world.deadline(access.time_budget)
        with LocalNames(Docker(config, environment=environment), time_left=left).returned_at_end() as names:
            limited = Docker(config, environment=environment, time_left=left)
            yield Workshop(config, names, access, world, limited)


def _environment(config: DockerConfig, world: World) -> dict[str, str]:
    """Temporary files go where everything is removed at the end: buildx leaves a Dockerfile from stdin behind (seen 2026-11)."""
    return {**world.environ, "TMPDIR": str(config.directory)}
