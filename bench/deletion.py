"""Cleaning 500 of 600 tags in a real docker-registry: seconds against skopeo in a loop, requests against the least possible.

    python -m bench.deletion [--tags 600] [--deletions 500]

The least: one listing, one manifest read per tag, one config per image whose age matters; per deletion a look at the tag and the
DELETE; one listing before and one after.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.images import image, layer, push
from tests.realparts.registry import RegistrySettings, RunningRegistry, start_docker_registry

from bench.row import Row, seconds, show
from moorage.oci.reference import Registry, Repository
from moorage.registries.default.registry import open_default
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator


class Anonymous:
    def credential(self, registry: Registry) -> None: ...


def rows(tags: int = 600, deletions: int = 500) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        first = start_docker_registry(RegistrySettings(), Path(folder) / "ours")
        fill(first, tags, deletions)
        first.stop()
        shutil.copytree(first.storage, Path(folder) / "copy")
        ours = start_docker_registry(RegistrySettings(), Path(folder) / "again", first.storage)
        theirs = start_docker_registry(RegistrySettings(), Path(folder) / "theirs", Path(folder) / "copy")
        try:
            by_moorage = seconds(lambda: clean(ours, Path(folder)))
            requests = asked(ours)
            by_skopeo = seconds(lambda: skopeo(theirs, deletions))
        finally:
            ours.stop()
            theirs.stop()
        yield Row(f"delete {deletions} of {tags} tags", by_moorage, by_skopeo, "s", f"{deletions} times skopeo delete")
        yield Row("requests of that cleanup", requests, 3 + 2 * tags + 2 * deletions, "requests", "the least")


def fill(registry: RunningRegistry, tags: int, deletions: int) -> None:
    now = datetime.now(UTC)
    with Session() as session:
        name = Registry(registry.host)
        writer = open_default(Connection(name, session, Anonymous()))

        def one(number: int) -> None:
            age = timedelta(days=60 if number < deletions else 1)
            made = image(layer(f"{number}"), created=(now - age).strftime("%Y-%m-%dT%H:%M:%SZ"))
            push(writer, Repository(name, "bench/app"), made, f"v{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(tags)))


def clean(registry: RunningRegistry, home: Path) -> None:
    argv = [sys.executable, "-m", "moorage", "cleanup", "--images-repo", registry.host, "--repository", "bench/app"]
    limits = ["--older-than", "30d", "--max-delete", "-1", "--max-delete-percent", "-1"]
    subprocess.run([*argv, *limits], check=True, capture_output=True, env={"HOME": str(home), "PATH": "/usr/bin:/bin"})


def skopeo(registry: RunningRegistry, deletions: int) -> None:
    for number in range(deletions):
        reference = f"docker://{registry.host}/bench/app:v{number}"
        subprocess.run(["skopeo", "delete", "--tls-verify=false", reference], check=True, capture_output=True)


def asked(registry: RunningRegistry) -> int:
    """How many requests about the repository the registry answered, by its own log."""
    lines = registry.log.read_text(encoding="utf-8", errors="replace").replace('"', "").splitlines()
    return sum("http.response.status" in line and "http.request.uri=/v2/bench" in line for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=int, default=600)
    parser.add_argument("--deletions", type=int, default=500)
    known = parser.parse_args()
    show(rows(known.tags, known.deletions))
