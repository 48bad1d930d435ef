from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def encoded(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    return folder


@pytest.fixture
def configure(config_dir: Path) -> Callable[..., Path]:
    """Write a config.json of these keys."""

    def write(**document: object) -> Path:
        file = config_dir / "config.json"
        file.write_text(json.dumps(document))
        return file

    return write


@pytest.fixture
def helpers(tmp_path: Path) -> Callable[[str, str], dict[str, str]]:
    """Put a credential helper of this name and shell script on the PATH that is returned as an environment."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def add(name: str, script: str) -> dict[str, str]:
        program = folder / f"docker-credential-{name}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{folder}:/usr/bin:/bin", "HELPER_LOG": str(folder / "log")}

    return add
