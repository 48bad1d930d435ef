"""A project of six images, from its config file through four publishes, each thing that is done counted."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.archives import write_layout
from tests.build_counter import BuildCounter, blob_uploads, manifests_put
from tests.calling import call
from tests.images import image, layer
from tests.provision.places import CRANE
from tests.publishing import context, digest_at

from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Tag

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.oci_schemas import OciSchemas
    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import ScriptedServer

CONFIG = """
project: six
images:
- {image: base, context: base}
- {image: web, context: web}
- {image: api, context: api, buildArgs: {WORD: hello}}
- {image: job, context: job, target: final}
- {image: tools, context: tools, platforms: [linux/amd64, linux/arm64]}
- {image: vendored, source: "oci:vendored"}
"""
PROGRAM = "/sbin/ldconfig"  # linked statically, so that it runs in an image without anything else
IMAGES, BUILDS = 6, 6  # one of them is built for two platforms, one is not built


def commit(folder: Path, message: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message]):
        subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, timeout=60)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "six"
    for name in ("base", "web", "api", "job", "tools"):
        context(folder / name)
    shutil.copy(PROGRAM, folder / "base/program")
    (folder / "base/Dockerfile").write_text('FROM scratch\nCOPY program /program\nCMD ["/program", "--version"]\n')
    (folder / "web/Dockerfile").write_text("FROM base\nCOPY file /web\n")
    (folder / "api/Dockerfile").write_text("FROM scratch\nARG WORD\nLABEL word=$WORD\nCOPY file /api\n")
    (folder / "job/Dockerfile").write_text("FROM scratch AS final\nCOPY file /job\nFROM scratch\nCOPY missing /never\n")
    write_layout(folder / "vendored", {"it": image(layer("vendored"))})
    (folder / "moorage.yaml").write_text(CONFIG)
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True, timeout=60)
    commit(folder, "one")
    return folder


def said(program: Path, *arguments: str) -> bytes:
    return subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60).stdout


def check_from_outside(
    published: list[dict[str, Any]], registry: RunningRegistry, schemas: OciSchemas, engine: DockerEngine, skopeo: Path
) -> None:
    """What others find: the specification, skopeo, crane, and docker, which runs it."""
    for tag in published:
        _, _, path = tag["reference"].partition("/")
        repository, _, name = path.partition(":")
        there = f"{registry.host}/{path}"
        assert digest_at(registry, repository, name) == tag["digest"]
        assert schemas.check(registry.url, repository, name)
        raw = said(skopeo, "inspect", "--raw", "--tls-verify=false", f"docker://{there}")
        assert Digest.of(raw).text == tag["digest"]
        assert b"PASS" in said(CRANE, "validate", "--insecure", "--remote", there)
    web = next(tag for tag in published if tag["image"] == "web")
    there = f"{registry.host}/{web['reference'].partition('/')[2]}"
    assert "ldconfig" in engine.run("run", "--rm", there).stdout
    engine.run("rmi", there)


@pytest.mark.parametrize("mode", ["multirepo", "monorepo"])
def test_six_images(
    mode: str, counter: BuildCounter, watched: ScriptedServer, registry: RunningRegistry, project: Path,
    oci_schemas: OciSchemas, docker_engine: DockerEngine, skopeo: Path,
) -> None:  # fmt: skip
    def published(where: str) -> list[dict[str, Any]]:
        watched.requests.clear()
        argv = ["--dir", str(project), "--images-repo", f"{watched.host}/{where}/{mode}", "--images-repo-mode", mode]
        argv += ["--repo-implementation", "default", "--stages-storage", f"{watched.host}/stages/{mode}"]
        called = call("publish", *argv, "--tag-custom", "v1", "--tag-by-stages-signature", "--output", "json", environ=environ)
        assert called.code == 0, called.out + called.err
        found: list[dict[str, Any]] = called.document["images"]
        assert len(found) == 2 * IMAGES
        return found

    environ = counter.world.environ
    first = published("six")
    assert {tag["status"] for tag in first} == {"published"}
    assert counter.builds() == BUILDS
    check_from_outside(first, registry, oci_schemas, docker_engine, skopeo)

    commit(project, "nothing changed")
    second = published("six")
    assert {tag["status"] for tag in second} == {"up-to-date"}
    assert counter.builds() == 0
    assert blob_uploads(watched.requests) == []
    written = manifests_put(watched.requests)
    assert len(written) == IMAGES
    assert all(is_record(Tag(tag)) for tag in written)

    (project / "api/file").write_text("changed")
    commit(project, "one file changed")
    third = published("six")
    assert {tag["image"] for tag in third if tag["status"] == "published"} == {"api"}
    assert counter.builds() == 1

    elsewhere = published("another")
    assert {tag["status"] for tag in elsewhere} == {"published"}
    assert counter.builds() == 0, "another runner finds everything in the stages storage"
    assert [tag["tag"] for tag in elsewhere] == [tag["tag"] for tag in third]
