"""Publishing from files and from the engine: moorage against skopeo copy and docker push; the memory of a large layer.

    python -m bench.publish [--layer-megabytes 2048]

Each pair sends the same bytes into fresh registries. Peak memory is the resident set of the whole process (VmHWM): the rusage
of a child would count what its parent held when it was forked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.archives import write_layout
from tests.images import filler, image
from tests.realparts.engine import find_engine
from tests.realparts.registry import RegistrySettings, start_docker_registry

from bench.row import Row, seconds, show
from moorage.oci.media_type import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry

LAYER_SIZE, LAYERS, IMAGES = 10_400_000, 5, 6  # 52 MB that do not compress
MEMORY_TARGET = 120.0  # MB


def rows(layer_megabytes: int = 2048) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        yield from files(home / "files")
        yield from engine(home / "engine", find_engine(home))
        yield from memory(home / "memory", layer_megabytes)


def files(home: Path) -> Iterator[Row]:
    """Out of an OCI layout, where no engine is needed."""
    source = write_layout(home / "source", {"app": image(*(filler(LAYER_SIZE, seed=number) for number in range(LAYERS)))})
    ours, theirs = registries(home)
    for title in ("cold", "again, unchanged"):
        by_moorage = seconds(lambda: moorage(ours.host, [f"app=oci:{source}:app"]))
        by_skopeo = seconds(lambda: skopeo(f"oci:{source}:app", f"{theirs.host}/bench/app:v1"))
        yield Row(f"52 MB in 5 layers from a layout, {title}", by_moorage, by_skopeo, "s", "skopeo copy")
    stop(ours, theirs)


def engine(home: Path, docker: DockerEngine) -> Iterator[Row]:
    """Out of the docker engine."""
    names = [build(docker, home / f"context-{number}", number) for number in range(IMAGES)]
    try:
        ours, theirs = registries(home / "one")
        for title in ("cold", "again, unchanged"):
            by_moorage = seconds(lambda: moorage(ours.host, [f"app=docker-daemon:{names[0]}"], docker))
            by_docker = seconds(lambda: push(docker, theirs.host, names[:1]))
            yield Row(f"52 MB in 5 layers from the engine, {title}", by_moorage, by_docker, "s", "docker push")
        stop(ours, theirs)
        ours, theirs = registries(home / "six")
        six = [f"app{number}=docker-daemon:{name}" for number, name in enumerate(names)]
        by_moorage = seconds(lambda: moorage(ours.host, six, docker))
        by_docker = seconds(lambda: push(docker, theirs.host, names))
        yield Row("six images of 52 MB from the engine", by_moorage, by_docker, "s", "a loop of docker push")
        stop(ours, theirs)
    finally:
        docker.run("rmi", "-f", *names, check=False)


def memory(home: Path, megabytes: int) -> Iterator[Row]:
    """One layer that is larger than anything should be held in memory."""
    source = large_layout(home / "source", megabytes)
    registry = start_docker_registry(RegistrySettings(), home / "registry")
    peak = [0.0]

    def publish() -> None:
        peak[0] = peak_megabytes(command(registry.host, [f"app=oci:{source}:app"]))

    took = seconds(publish)
    yield Row(f"a layer of {megabytes} MB, streamed", took, None, "s")
    yield Row(f"peak memory for a layer of {megabytes} MB", peak[0], MEMORY_TARGET, "MB", "the target")
    registry.stop()


def registries(home: Path) -> tuple[RunningRegistry, RunningRegistry]:
    return start_docker_registry(RegistrySettings(), home / "ours"), start_docker_registry(RegistrySettings(), home / "theirs")


def stop(*running: RunningRegistry) -> None:
    for registry in running:
        registry.stop()
        shutil.rmtree(registry.storage, ignore_errors=True)


def command(host: str, images: Sequence[str]) -> list[str]:
    named = [word for one in images for word in ("--image", one)]
    argv = [sys.executable, "-m", "moorage", "publish", "--images-repo", f"{host}/bench", *named, "--tag-custom", "v1"]
    return [*argv, "--images-repo-implementation", "default"]


def moorage(host: str, images: Sequence[str], docker: DockerEngine | None = None) -> None:
    environment = {**docker.env, "PATH": f"{docker.client.parent}:/usr/bin:/bin"} if docker else dict(os.environ)
    subprocess.run(command(host, images), check=True, capture_output=True, env=environment)


def skopeo(source: str, target: str) -> None:
    argv = ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", source, f"docker://{target}"]
    subprocess.run(argv, check=True, capture_output=True)


def push(docker: DockerEngine, host: str, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        reference = f"{host}/bench/app{number}:v1"
        docker.run("tag", name, reference)
        docker.run("push", "-q", reference)
        docker.run("rmi", reference)


def build(docker: DockerEngine, context: Path, seed: int) -> str:
    context.mkdir(parents=True)
    for number in range(LAYERS):
        (context / f"layer-{number}").write_bytes(filler(LAYER_SIZE, seed=100 * seed + number).tar)
    steps = "".join(f"COPY layer-{number} /{number}\n" for number in range(LAYERS))
    (context / "Dockerfile").write_text(f"FROM scratch\n{steps}")
    docker.run("build", "-q", "-t", f"moorage-bench-publish:{seed}", context)
    return f"moorage-bench-publish:{seed}"


def large_layout(folder: Path, megabytes: int) -> Path:
    """A layout with an image of one uncompressed layer, written piece by piece."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    block, digest, size = os.urandom(1024 * 1024), hashlib.sha256(), 0
    entry = tarfile.TarInfo("large")
    entry.size = megabytes * len(block)
    with (folder / "layer").open("wb") as file:
        for piece in (entry.tobuf(), *(block for _ in range(megabytes)), bytes(1024)):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
    (folder / "layer").rename(blobs / digest.hexdigest())
    layer = {"mediaType": OCI_LAYER, "digest": f"sha256:{digest.hexdigest()}", "size": size}
    config = _stored(blobs, {"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}, OCI_CONFIG)  # fmt: skip
    manifest = _stored(blobs, {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}, OCI_MANIFEST)
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "app"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return folder


def _stored(blobs: Path, document: dict[str, Any], kind: str) -> dict[str, Any]:
    content = json.dumps(document).encode()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def peak_megabytes(argv: Sequence[str]) -> float:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        with suppress(OSError):  # it ended since
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            found = re.search(r"VmHWM:\s+([0-9]+) kB", status)
            peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.01)
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)} exited with {process.returncode}")
    return peak / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--layer-megabytes", type=int, default=2048)
    show(rows(parser.parse_args().layer_megabytes))
