"""What a build is lent: secrets and ssh keys reach its steps, and are found nowhere afterwards."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING

from tests.publishing import ONE_TAG, Warnings, context, inspected, settings, statuses

from moorage.auth.secret import Secret
from moorage.commands.publish import publish
from moorage.commands.world import World
from moorage.settings.settings import BuildContext

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build_counter import BuildCounter
    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry

TOKEN, WORD = "glpat-hunter2hunter2", "in-a-file-hunter2"


def test_secrets_and_keys_reach_the_build_and_nothing_else(
    counter: BuildCounter, docker_engine: DockerEngine, registry: RunningRegistry, base_image: str, tmp_path: Path
) -> None:
    Secret(TOKEN)
    (tmp_path / "word").write_text(WORD)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True, timeout=60)
    folder = context(tmp_path / "app").directory
    # The values are compared by their digests: the Dockerfile's text is in the image's history.
    sums = {"token": digest(TOKEN), "word": digest(WORD)}
    checks = "\n".join(
        f"RUN --mount=type=secret,id={name} sha256sum < /run/secrets/{name} | grep -q {found}" for name, found in sums.items()
    )
    (folder / "Dockerfile").write_text(
        f'FROM {base_image}\nARG TOKEN\n{checks}\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\n'
        f'RUN printf %s "$TOKEN" | sha256sum | grep -q {sums["token"]}\n'
    )
    app = BuildContext(
        folder,
        build_args=(("TOKEN", TOKEN),),
        secrets=("id=token,env=BUILD_TOKEN", f"id=word,src={tmp_path / 'word'}"),
        ssh=(f"default={tmp_path / 'key'}",),
    )
    progress = Warnings()
    lending = World(environ={**counter.world.environ, "BUILD_TOKEN": TOKEN}, progress=progress)
    result = publish(settings(f"{registry.host}/lent", {"app": app}, ONE_TAG), lending)
    assert statuses(result) == ["published"], result
    assert any("build argument TOKEN holds a secret" in warning for warning in progress.said), progress.said
    assert not any(TOKEN in warning for warning in progress.said)
    told = counter.log.read_text()
    assert "--secret" in told
    assert "--ssh" in told
    docker_engine.run("pull", f"{registry.host}/lent/app:v1")
    shown = json.dumps(inspected(docker_engine, f"{registry.host}/lent/app:v1"))
    docker_engine.run("rmi", f"{registry.host}/lent/app:v1")
    for secret in (TOKEN, WORD):
        assert secret not in told
        assert secret not in shown


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
