"""What tests of publishing share: settings in few words, small images to build, and a look at what a registry holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from moorage.commands.world import Silence, World
from moorage.oci import media_type
from moorage.oci.tagging import TagRequest, tag_requests
from moorage.registries.addressing import resolve
from moorage.settings.settings import (
    Access,
    BuildContext,
    Engine,
    ImageSetting,
    Project,
    PublishSettings,
    SourceText,
    Storage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from moorage.commands.publish import PublishResult
    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry

TAGS = tag_requests(custom=["v1", "v2"], git_branch="main")
ONE_TAG = tag_requests(custom=["v1"])
WRITES = frozenset({"POST", "PUT", "PATCH"})
NO_DOCKER = "/nowhere"
LIMIT = 60  # seconds, for any one program or request


@dataclass
class Warnings(Silence):
    """What people are warned of."""

    said: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        self.said.append(text)


def world(engine: DockerEngine | None = None) -> World:
    """The docker command of this engine, or none at all."""
    path = f"{engine.client.parent}{os.pathsep}{os.environ['PATH']}" if engine else NO_DOCKER
    return World(environ={**os.environ, "PATH": path})


def settings(
    address: str,
    images: Mapping[str, BuildContext | SourceText],
    tags: tuple[TagRequest, ...] = TAGS,
    *,
    mode: str = "auto",
    access: Access | None = None,
    revision: str = "c0ffee",
    engine: Engine = Engine.AUTO,
    add_labels: bool = True,
) -> PublishSettings:
    """Publish these images of the project `shop` to a plain registry or a directory of layouts."""
    return PublishSettings(
        access or Access(),
        Storage(resolve(address, "auto" if address.startswith("oci:") else "default", mode)),
        Project("shop", Path("/shop"), revision=revision, source_url="https://example.com/acme/shop"),
        tuple(ImageSetting(name, (source,)) for name, source in images.items()),
        tags,
        engine,
        add_labels=add_labels,
    )


def context(folder: Path, text: str = "", base: str = "scratch") -> BuildContext:
    """A directory with a Dockerfile that makes an image of one small file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(f'FROM {base}\nCOPY file /file\nCMD ["/file"]\n')
    (folder / "file").write_text(text or folder.name)
    return BuildContext(folder)


def broken_context(folder: Path) -> BuildContext:
    """A directory whose Dockerfile cannot be built."""
    context(folder)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY nothing /here\n")
    return BuildContext(folder)


def statuses(result: PublishResult) -> list[str]:
    return [tag.status.value for tag in result.images]


def inspected(engine: DockerEngine, reference: str) -> dict[str, Any]:
    """What the engine says of a local image."""
    found: dict[str, Any] = json.loads(engine.run("image", "inspect", reference).stdout)[0]
    return found


def names_in(engine: DockerEngine, *beginnings: str) -> list[str]:
    """The local names that begin so."""
    names = engine.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return [name for name in names if name.startswith(beginnings)]


def digest_at(registry: RunningRegistry, path: str, tag: str) -> str:
    """The digest that the registry itself says."""
    return _manifest_at(registry, path, tag).headers["Docker-Content-Digest"]


def labels_at(registry: RunningRegistry, path: str, tag: str) -> dict[str, str]:
    """The labels of what the registry has under a tag."""
    digest = _manifest_at(registry, path, tag).json()["config"]["digest"]
    config = requests.get(f"{registry.url}/v2/{path}/blobs/{digest}", timeout=LIMIT).json()
    return config["config"].get("Labels") or {}


def _manifest_at(registry: RunningRegistry, path: str, tag: str) -> requests.Response:
    url = f"{registry.url}/v2/{path}/manifests/{tag}"
    return requests.get(url, headers={"Accept": media_type.ACCEPT}, timeout=LIMIT)


@dataclass(frozen=True)
class Target:
    """A registry to publish to, and to pull back from with other programs than ours."""

    host: str
    access: Access
    engine: DockerEngine
    skopeo: Path
    skopeo_flags: Sequence[str]

    def inspect(self, reference: str) -> dict[str, Any]:
        """What skopeo says: digest and labels."""
        argv = [str(self.skopeo), "inspect", *self.skopeo_flags, f"docker://{reference}"]
        shown = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert shown.returncode == 0, shown.stderr
        found: dict[str, Any] = json.loads(shown.stdout)
        return found

    def pulled(self, reference: str) -> str:
        """The digest that docker pulls; the local image is removed again."""
        said = self.engine.run("pull", reference).stdout
        found = re.search(r"Digest: (sha256:[0-9a-f]{64})", said)
        assert found, said
        self.engine.run("rmi", reference, check=False)
        return found[1]
