"""`moorage logout`: removes the Docker config that `moorage login` or `moorage ci-env` prepared."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moorage.docker.config_dir import remove_docker_config


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """`directory` is what DOCKER_CONFIG says, None when it says nothing."""

    directory: Path | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "LogoutRequest":
        """The request behind the variables that login exports."""
        given = environment.get("MOORAGE_DOCKER_CONFIG") or environment.get("DOCKER_CONFIG")
        return cls(Path(given) if given else None)


@dataclass(frozen=True, slots=True)
class LogoutResult:
    """What was removed; nothing where there was nothing to remove, so that a post step can run twice."""

    directory: Path | None
    removed: bool

    def as_json(self) -> dict[str, Any]:
        return {"docker_config": str(self.directory) if self.directory else None, "removed": self.removed}


def logout(request: LogoutRequest) -> LogoutResult:
    """Removes the directory if it is one of ours. Raises ConfigurationError, with nothing removed, if it is somebody else's."""
    removed = request.directory is not None and remove_docker_config(request.directory)
    return LogoutResult(request.directory, removed)
