"""Where publishing is measured: a docker engine, fresh registries near and far, and the programs that are compared.

Moorage runs as where it was installed, with its bytecode compiled: making a workplace compiles it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.images import filler
from tests.realparts.engine import find_engine
from tests.realparts.registry import RegistrySettings, start_docker_registry
from tests.scripted_server import Reply, Request, ScriptedServer, forward

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.realparts.engine import DockerEngine

LAYERS, LAYER_SIZE = 5, 10_400_000  # 52 MB that do not compress
AWAY = 0.05  # seconds that a request takes on its way to a registry of a cloud and back


@dataclass(frozen=True)
class Workplace:
    home: Path
    engine: DockerEngine

    @classmethod
    def at(cls, home: Path) -> Workplace:
        home.mkdir(parents=True, exist_ok=True)
        place = cls(home, find_engine(home))
        place.run(sys.executable, "-m", "moorage", "names", "--images-repo", "r.io/a", "--image", "b", "--tag-custom", "v1")
        return place

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.engine.client.parent}:/usr/bin:/bin"
        lasting = {name: value for name, value in self.engine.env.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**lasting, "PATH": path, "PYTHONPYCACHEPREFIX": str(self.home / "bytecode")}

    def run(self, *argv: str | Path) -> None:
        done = subprocess.run(argv, env=self.environment, cwd=self.home, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{argv} exited with {done.returncode}: {done.stdout}{done.stderr}")

    def moorage(self, host: str, images: Sequence[str], *options: str, tags: Sequence[str] = ("v1",)) -> None:
        argv = [sys.executable, "-m", "moorage", "publish", "--images-repo", f"{host}/bench", *options]
        argv += [word for one in images for word in ("--image", one)] + [word for tag in tags for word in ("--tag-custom", tag)]
        self.run(*argv, "--images-repo-implementation", "default")

    def push(self, host: str, images: Sequence[str], *labels: str, tags: Sequence[str] = ("v1",)) -> None:
        """A shell loop: tag, push, and remove the name again; with labels, which only a build can add, also that."""
        docker = self.engine.client
        for number, image in enumerate(images):
            for tag in tags:
                name = f"{host}/bench/app{number}:{tag}"
                if labels:
                    argv = [word for label in labels for word in ("--label", label)]
                    self.run(docker, "build", "--quiet", "--tag", name, *argv, self._relabelling(image))
                else:
                    self.run(docker, "tag", image, name)
                self.run(docker, "push", "--quiet", name)
                self.run(docker, "rmi", name)

    def skopeo(self, source: str, host: str) -> None:
        target = f"docker://{host}/bench/copied:v1"
        self.run("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", source, target)

    @contextmanager
    def registry(self, *, away: float = 0.0) -> Iterator[str]:
        """The address of a fresh one; `away` seconds lie between it and everybody."""
        folder = self.home / "registry"
        running = start_docker_registry(RegistrySettings(), folder)

        def answer(request: Request) -> Reply:
            time.sleep(away)
            return forward(request, running.host)

        try:
            if away:
                with ScriptedServer(answer) as far:
                    yield far.host
            else:
                yield running.host
        finally:
            running.stop()
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def images(self, count: int) -> Iterator[list[str]]:
        """Local images of their own layers each; gone afterwards."""
        names = [f"moorage-bench-{os.getpid()}:{number}" for number in range(count)]
        try:
            for number, name in enumerate(names):
                self._build(name, number)
            yield names
        finally:
            self.engine.run("rmi", "-f", *names, check=False)

    def _build(self, name: str, seed: int) -> None:
        context = self.home / f"context-{seed}"
        context.mkdir()
        for number in range(LAYERS):
            (context / f"layer-{number}").write_bytes(filler(LAYER_SIZE, seed=os.getpid() * 1000 + 100 * seed + number).tar)
        steps = "".join(f"COPY layer-{number} /{number}\n" for number in range(LAYERS))
        (context / "Dockerfile").write_text(f"FROM scratch\n{steps}")
        self.run(self.engine.client, "build", "-q", "-t", name, context)
        shutil.rmtree(context)

    def _relabelling(self, image: str) -> Path:
        folder = self.home / "relabelling"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(f"FROM {image}\n")
        return folder
