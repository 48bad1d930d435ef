"""Publishing from files and from the engine: moorage against skopeo copy and docker push; the memory of a large layer.

    python -m bench.publish [--layer-megabytes 2048] [--rounds 5]

Each pair sends the same bytes into a fresh registry, in turns; medians. docker push adds no labels: it is compared with what
adds none either, and with labels to a build that adds as many, and a push. `--engine registry` reads the image out of the engine
and sends it itself, as skopeo does. Peak memory is the resident set of the whole process (VmHWM): the rusage of a child would
count what its parent held when it was forked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.archives import write_layout
from tests.images import filler, image

from bench.row import Row, seconds, show
from bench.workplace import AWAY, LAYER_SIZE, LAYERS, Workplace
from moorage.oci.media_type import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

IMAGES = 6
MEMORY_TARGET = 120.0  # MB
LABELS = [f"org.example.label-{number}={number}" for number in range(9)]  # as many as moorage writes


def rows(layer_megabytes: int = 2048, rounds: int = 5) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace.at(Path(folder))
        yield from files(place, rounds)
        yield from engine(place, rounds)
        yield from memory(place, layer_megabytes)


def files(place: Workplace, rounds: int) -> Iterator[Row]:
    """Out of an OCI layout, where no engine is needed."""
    layers = (filler(LAYER_SIZE, seed=number) for number in range(LAYERS))
    source = f"oci:{write_layout(place.home / 'layout', {'app': image(*layers)})}:app"
    ours = partial(publish_all, place, [f"app={source}"], ())
    yield from cold_and_again(place, rounds, "a layout", ours, partial(place.skopeo, source), "skopeo copy")


def engine(place: Workplace, rounds: int) -> Iterator[Row]:
    """Out of the docker engine."""
    with place.images(IMAGES) as images:
        one = [f"app=docker-daemon:{images[0]}"]

        def published(*options: str) -> Callable[[str], None]:
            return partial(publish_all, place, one, options)

        def pushed(*labels: str) -> Callable[[str], None]:
            return lambda host: place.push(host, images[:1], *labels)

        copied = partial(place.skopeo, f"docker-daemon:{images[0]}")
        straight = published("--engine", "registry")
        yield from cold_and_again(place, rounds, "the engine, no labels", published("--no-labels"), pushed(), "docker push")
        yield from cold_and_again(place, rounds, "the engine", published(), pushed(*LABELS), "docker build --label, push")
        yield from cold_and_again(place, rounds, "the engine, straight", straight, pushed(), "docker push")
        yield from cold_and_again(place, rounds, "the engine, straight", straight, copied, "skopeo copy")
        yield again(place, rounds, "the engine", published(), partial(least, place, images[0]), "the least: see there")
        yield again(place, rounds, f"the engine, {AWAY * 1000:.0f} ms away", published(), pushed(), "docker push", away=AWAY)
        six = [f"app{number}=docker-daemon:{name}" for number, name in enumerate(images)]
        for title, options in (("", ()), (", straight", ("--engine", "registry"))):
            together = partial(publish_all, place, six, options)
            pair = in_turns(place, rounds, together, lambda host: place.push(host, images))
            yield Row(f"six images of 52 MB from the engine{title}", *pair, "s", "a loop of docker push")


def least(place: Workplace, image: str, _: str) -> None:
    """What it takes in any case to know that nothing has changed: Python with a library for HTTP, and one question to docker."""
    place.run(sys.executable, "-c", "import requests")
    place.run(place.engine.client, "image", "inspect", image)


def publish_all(place: Workplace, images: Sequence[str], options: Sequence[str], host: str) -> None:
    place.moorage(host, images, *options)


def cold_and_again(
    place: Workplace, rounds: int, title: str, ours: Callable[[str], None], theirs: Callable[[str], None], against: str
) -> Iterator[Row]:
    yield Row(f"52 MB in 5 layers from {title}, cold", *in_turns(place, rounds, ours, theirs), "s", against)
    yield again(place, rounds, title, ours, theirs, against)


def again(
    place: Workplace,
    rounds: int,
    title: str,
    ours: Callable[[str], None],
    theirs: Callable[[str], None],
    against: str,
    *,
    away: float = 0.0,
) -> Row:
    """What is up already, in one registry for both."""
    with place.registry(away=away) as host:
        ours(host)
        theirs(host)
        pairs = [(seconds(lambda: ours(host)), seconds(lambda: theirs(host))) for _ in range(rounds)]
    return Row(f"52 MB in 5 layers from {title}, unchanged", *medians(pairs), "s", against)


def in_turns(place: Workplace, rounds: int, ours: Callable[[str], None], theirs: Callable[[str], None]) -> tuple[float, float]:
    def timed(work: Callable[[str], None]) -> float:
        with place.registry() as host:
            return seconds(lambda: work(host))

    return medians([(timed(ours), timed(theirs)) for _ in range(rounds)])


def medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(ours for ours, _ in pairs), statistics.median(theirs for _, theirs in pairs)


def memory(place: Workplace, megabytes: int) -> Iterator[Row]:
    """One layer that is larger than anything should be held in memory."""
    source = large_layout(place.home / "large", megabytes)
    peak = [0.0]
    with place.registry() as host:
        argv = [sys.executable, "-m", "moorage", "publish", "--images-repo", f"{host}/bench", "--tag-custom", "v1"]
        argv += ["--images-repo-implementation", "default", "--image", f"app=oci:{source}:app"]

        def publish() -> None:
            peak[0] = peak_megabytes(argv)

        took = seconds(publish)
    yield Row(f"a layer of {megabytes} MB, streamed", took, None, "s")
    yield Row(f"peak memory for a layer of {megabytes} MB", peak[0], MEMORY_TARGET, "MB", "the target")


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
    parser.add_argument("--rounds", type=int, default=5)
    known = parser.parse_args()
    show(rows(known.layer_megabytes, known.rounds))
