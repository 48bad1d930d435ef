"""Cleaning one repository by git history, ten times larger each time: seconds, requests, memory, and how they grow.

    python -m bench.scale [--tags 2000 20000] [--commits 100000] [--branches 2000] [--delay 1]

The registry is a server of this process that takes `--delay` milliseconds for each answer, as the network would; a real
docker-registry deletes the more slowly the more tags it has, and its growth would hide ours. Each image is of one commit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tests.scripted_server import Reply, Request, ScriptedServer

from bench.git_history import build
from bench.row import Row, show
from moorage.oci import media_type
from moorage.oci.labels import IMAGE, PROJECT, REVISION
from moorage.oci.reference import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAGE = 1000
_MEBIBYTE = 1024  # KiB, which is what the kernel counts in


@dataclass(frozen=True)
class Run:
    tags: int
    deleted: int
    seconds: float
    computing: float  # seconds of our own processor time, which neighbours on the machine change less
    requests: int
    mebibytes: float


class BigRegistry:
    """One repository of single images, in memory: the distribution API as far as a cleanup asks for it."""

    def __init__(self, commits: Sequence[str], delay: float) -> None:
        self._delay = delay
        self._lock = Lock()
        self.requests = 0
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self._tag_of: dict[str, str] = {}
        layer = {"mediaType": media_type.OCI_LAYER_GZIP, "digest": Digest.of(b"layer").text, "size": 5}
        for number, commit in enumerate(commits):
            labels = {IMAGE: "", PROJECT: "scale", REVISION: commit}
            config = _json({"created": "2025-01-01T00:00:00Z", "config": {"Labels": labels}, "n": number})
            name = Digest.of(config).text
            described = {"mediaType": media_type.OCI_CONFIG, "digest": name, "size": len(config)}
            manifest = _json({"schemaVersion": 2, "mediaType": media_type.OCI_MANIFEST, "config": described, "layers": [layer]})
            digest = Digest.of(manifest).text
            self.blobs[name] = config
            self.manifests[digest] = manifest
            tag = self._tag_of[digest] = f"build-{number:06}"
            self.tags[tag] = digest

    def __call__(self, request: Request) -> Reply:
        time.sleep(self._delay)
        with self._lock:
            self.requests += 1
        *_, kind, name = request.path.split("/")
        if request.path.endswith("/tags/list"):
            return self._listed(dict(request.query))
        if kind == "blobs":
            return Reply(200, self.blobs[name]) if name in self.blobs else Reply(404)
        if kind != "manifests":
            return Reply(200 if request.path == "/v2/" else 404, b"{}")
        if request.method == "DELETE":
            return self._deleted(name)
        digest = self.tags.get(name, name)
        content = self.manifests.get(digest)
        if content is None:
            return Reply.of({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
        return Reply(200, content, {"content-type": media_type.OCI_MANIFEST, "docker-content-digest": digest})

    def _listed(self, query: dict[str, str]) -> Reply:
        with self._lock:
            names = sorted(tag for tag in self.tags if tag > query.get("last", ""))
        page = names[: min(int(query.get("n", _PAGE)), _PAGE)]
        link = f'</v2/bench/app/tags/list?n={_PAGE}&last={page[-1]}>; rel="next"' if len(names) > len(page) else ""
        document = _json({"name": "bench/app", "tags": page})
        return Reply(200, document, {"content-type": "application/json", **({"link": link} if link else {})})

    def _deleted(self, digest: str) -> Reply:
        with self._lock:
            if not digest.startswith("sha256:"):
                return Reply.of({"errors": [{"code": "UNSUPPORTED"}]}, 405)
            if self.manifests.pop(digest, None) is None:
                return Reply(404)
            self.tags.pop(self._tag_of[digest], None)
        return Reply(202)


def rows(sizes: Sequence[int], commits: int, branches: int, delay: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        build(clone, commits, branches)
        listed = subprocess.run(["git", "-C", clone, "rev-list", "--all"], capture_output=True, text=True, check=True)
        history = listed.stdout.split()
        before: Run | None = None
        for size in sizes:
            run = measured(clone, random.Random(7).sample(history, size), delay, Path(folder))
            yield Row(f"{run.deleted} of {size} tags deleted, {len(history)} commits", run.seconds, None, "s")
            yield Row("  of which computing", run.computing, None, "s")
            yield Row("  for each tag of the repository", run.requests / size, None, "requests")
            yield Row("  most memory", run.mebibytes, 300, "MiB", "allowed")
            if before is not None:
                times = size / before.tags
                yield Row(f"  growth of time from {before.tags} tags", run.seconds / before.seconds, times, "times", "linear")
                yield Row("  growth of computing", run.computing / before.computing, times, "times", "linear")
            before = run


def measured(clone: Path, commits: Sequence[str], delay: float, folder: Path) -> Run:
    registry = BigRegistry(commits, delay)
    with ScriptedServer(registry) as server:
        argv = [
            sys.executable, "-m", "moorage", "cleanup", "--images-repo", f"{server.host}/bench/app", "--project", "scale",
            "--dir", str(clone), "--max-delete=-1", "--max-delete-percent=-1", "--without-kube", "--log-level", "error",
            "--journal", str(folder / f"journal-{len(commits)}.jsonl"),
        ]  # fmt: skip
        environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(folder / f"cache-{len(commits)}")}
        start = time.perf_counter()
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=environ)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        taken = time.perf_counter() - start
        server.requests.clear()
    if process.returncode != 0:
        sys.exit(f"the cleanup ended with {process.returncode}")
    computing = usage.ru_utime + usage.ru_stime
    deleted = len(commits) - len(registry.tags)
    return Run(len(commits), deleted, taken, computing, registry.requests, usage.ru_maxrss / _MEBIBYTE)


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--branches", type=int, default=2_000)
    parser.add_argument("--delay", type=float, default=1.0)
    known = parser.parse_args()
    show(rows(known.tags, known.commits, known.branches, known.delay / 1000))
