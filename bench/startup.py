"""How long Moorage takes to start, with its bytecode compiled as pip does it, beside a Python that does nothing.

python -m bench.startup
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from tests.provision.engine import engine_version

from bench.row import Row, median_seconds, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE = "moorage"
TIMES = 15


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        bare = median(sys.executable, "-c", "pass", environment=environment)
        for words in (
            ["--version"],
            ["slug", "feature/x"],
            ["names", "--images-repo", "r.io/a", "--image", "b", "--tag-custom", "v1"],
        ):
            took = median(sys.executable, "-m", "moorage", *words, environment=environment)
            yield Row(f"moorage {' '.join(words[:1])}", took, bare, "s", "python3 -c pass")
    if not engine_version():
        return
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        print(f"no image {IMAGE}: docker build -t {IMAGE} . makes it")
        return
    bare = median("docker", "run", "--rm", "--entrypoint", "python3", IMAGE, "-c", "pass")
    yield Row(
        "docker run moorage --version", median("docker", "run", "--rm", IMAGE, "--version"), bare, "s", "docker run python3"
    )


def median(*argv: str, environment: Mapping[str, str] | None = None) -> float:
    return median_seconds(lambda: subprocess.run(argv, check=True, capture_output=True, env=environment), TIMES)


if __name__ == "__main__":
    show(rows())
