"""One image under ten tags, through the docker engine into a fresh registry: moorage against ten times docker tag and push.

python -m bench.tags
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.realparts.engine import find_engine
from tests.realparts.registry import RegistrySettings, start_docker_registry

from bench.row import Row, seconds, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.realparts.engine import DockerEngine

TAGS = [f"v{number}" for number in range(10)]
LAYERS, LAYER_SIZE = 5, 10_400_000  # 52 MB that do not compress


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        engine = find_engine(home)
        image = build(engine, home / "context")
        ours = start_docker_registry(RegistrySettings(), home / "ours")
        theirs = start_docker_registry(RegistrySettings(), home / "theirs")
        try:
            for title in ("cold", "again, unchanged"):
                by_moorage = seconds(lambda: publish(engine, ours.host, image))
                by_docker = seconds(lambda: push(engine, theirs.host, image))
                yield Row(f"52 MB in 5 layers under 10 tags, {title}", by_moorage, by_docker, "s", "10 times docker tag, push")
        finally:
            ours.stop()
            theirs.stop()
            engine.run("rmi", "-f", image, check=False)


def build(engine: DockerEngine, context: Path) -> str:
    context.mkdir(parents=True)
    for number in range(LAYERS):
        (context / f"layer-{number}").write_bytes(random.Random(number).randbytes(LAYER_SIZE))
    steps = "".join(f"COPY layer-{number} /{number}\n" for number in range(LAYERS))
    (context / "Dockerfile").write_text(f"FROM scratch\n{steps}")
    engine.run("build", "-q", "-t", "moorage-bench:app", context)
    return "moorage-bench:app"


def publish(engine: DockerEngine, host: str, image: str) -> None:
    tags = [word for tag in TAGS for word in ("--tag-custom", tag)]
    argv = [sys.executable, "-m", "moorage", "publish", "--images-repo", f"{host}/bench", "--image", f"app={image}", *tags]
    subprocess.run(argv, check=True, capture_output=True, env={**engine.env, "PATH": f"{engine.client.parent}:/usr/bin:/bin"})


def push(engine: DockerEngine, host: str, image: str) -> None:
    for tag in TAGS:
        reference = f"{host}/bench/app:{tag}"
        engine.run("tag", image, reference)
        engine.run("push", "-q", reference)
        engine.run("rmi", reference)


if __name__ == "__main__":
    show(rows())
