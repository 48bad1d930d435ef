"""Several runs that publish the same image under the same tag through one engine, at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.publishing import LIMIT, digest_at, names_in, world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry

RUNS = 3


@pytest.mark.parametrize("shared", [True, False], ids=["one machine", "containers"])
@pytest.mark.parametrize("labels", [(), ("--no-labels",)], ids=["labelled", "plain"])
def test_runs_that_borrow_the_same_name_do_not_take_it_from_each_other(
    *,
    labels: Sequence[str],
    shared: bool,
    docker_engine: DockerEngine,
    registry: RunningRegistry,
    local_image: str,
    tmp_path: Path,
) -> None:
    """Containers that share an engine have directories of their own for temporary files, and so no lock in common."""
    path = tmp_path.name.lower()
    argv = [sys.executable, "-m", "moorage", "publish", "--images-repo", f"{registry.host}/{path}", "--output", "json", *labels]
    argv += ["--images-repo-implementation", "default", "--image", f"app=docker-daemon:{local_image}", "--tag-custom", "v1"]
    running = []
    for number in range(RUNS):
        temporary = tmp_path / ("" if shared else str(number))
        temporary.mkdir(exist_ok=True)
        environment = {**world(docker_engine).environ, "TMPDIR": str(temporary)}
        running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment))
    said = [process.communicate(timeout=LIMIT) for process in running]
    assert [process.returncode for process in running] == [0] * RUNS, said
    digests = {json.loads(out)["images"][0]["digest"] for out, _ in said}
    assert digests == {digest_at(registry, f"{path}/app", "v1")}
    # Two containers cannot tell a name that the other borrows from one that its user gave; a user's name is not taken away.
    beginnings = ["moorage-run", "moorage-labelled", *([f"{registry.host}/{path}"] if shared or not labels else [])]
    assert names_in(docker_engine, *beginnings) == []
    assert list(tmp_path.rglob("name-*")) == []
    docker_engine.run("rmi", f"{registry.host}/{path}/app:v1", check=False)
