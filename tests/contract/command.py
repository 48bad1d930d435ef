"""Moorage as a process of its own, in a test network."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.realparts.environment import cleaned

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulators.network import Network


def moorage(network: Network, home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `moorage ARGUMENTS` with these variables; logins and state are those of an empty home."""
    environment = {**cleaned(os.environ, home), **network.env, **variables}
    program = "import sys; from moorage.cli.main import run; sys.exit(run())"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
