"""The real parts are what the other tests take them for; where one changes, this says so first."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import sync_playwright
from tests.provision.engine import alive, engine_version
from tests.realparts import absence
from tests.realparts.environment import is_developers
from tests.realparts.fixtures import CHROMIUM_FLAGS

from moorage.oci.media_type import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.fixtures import GitlabCiLocal, RegistryFactory
    from tests.realparts.oci_schemas import OciSchemas
    from tests.realparts.registry import RunningRegistry
    from tests.realparts.token_registry import TokenRegistry

MANIFEST = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
LIMIT = 10  # seconds, for any one request to loopback


def push(engine: DockerEngine, reference: str, payload: str = "") -> str:
    """Push a tiny image and return the digest that docker reports."""
    engine.import_tiny(reference, payload)
    said = engine.run("push", reference).stdout
    found = re.search(r"digest: (sha256:[0-9a-f]{64})", said)
    assert found, said
    return found.group(1)


def digest_of(registry: RunningRegistry, repository: str, tag: str) -> str | None:
    """What the registry itself says; None when the tag is not there."""
    answer = requests.head(f"{registry.url}/v2/{repository}/manifests/{tag}", headers=MANIFEST, timeout=LIMIT)
    return answer.headers.get("Docker-Content-Digest") if answer.ok else None


def delete(registry: RunningRegistry, repository: str, reference: str) -> int:
    """The status that DELETE of a tag or digest answers."""
    url = f"{registry.url}/v2/{repository}/manifests/{reference}"
    return requests.delete(url, headers=MANIFEST, timeout=LIMIT).status_code


def test_the_environment_is_not_the_developers(tmp_path: Path) -> None:
    assert not [name for name in os.environ if name.startswith(("MOORAGE_", "INPUT_", "CI", "AWS_"))]
    assert os.environ["HOME"].startswith(str(tmp_path.parent))


@pytest.mark.parametrize("name", ["INPUT_IMAGES-REPO", "CI", "CI_JOB_TOKEN", "GITHUB_TOKEN", "DOCKER_CONFIG"])
def test_variables_that_belong_to_the_developer(name: str) -> None:
    assert is_developers(name)
    assert not is_developers("PATH")
    assert not is_developers("DOCKER_HOST")


def test_a_missing_part_fails_unless_it_was_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "DECLARED", frozenset({"gitlab"}))
    with pytest.raises(pytest.fail.Exception, match=r"skopeo is missing.*tests\.provision"):
        absence.need("registry", None, "skopeo")
    with pytest.raises(pytest.skip.Exception, match="names gitlab"):
        absence.need("gitlab", None, "gitlab-ci-local")
    absence.need("registry", "/usr/bin/skopeo", "skopeo")


def test_a_zombie_is_no_running_engine(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "60"])
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{process.pid}\n")
    try:
        assert alive("sleep", pid_file)
        assert not alive("dockerd", pid_file), "a reused pid is not the engine"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody reaps it
        assert not alive("sleep", pid_file)
    finally:
        process.wait(LIMIT)


def test_engine_builds_from_the_base_image_with_every_client(
    docker_engine: DockerEngine, base_image: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base_image}\nRUN echo built > /it\n")
    for client in docker_engine.clients:
        engine = replace(docker_engine, client=client)
        engine.run("buildx", "build", "--quiet", "--tag", "moorage-test/built", tmp_path)
        assert engine.run("run", "--rm", "moorage-test/built", "cat", "/it").stdout == "built\n"
    assert docker_engine.version == engine_version()


def test_push_is_read_back_under_the_same_digest(docker_engine: DockerEngine, registry: RunningRegistry) -> None:
    pushed = push(docker_engine, f"{registry.host}/parts/push:one")
    assert digest_of(registry, "parts/push", "one") == pushed


def test_distribution_deletes_by_digest_with_every_tag_and_refuses_a_tag(
    docker_engine: DockerEngine, registry: RunningRegistry
) -> None:
    pushed = push(docker_engine, f"{registry.host}/parts/delete:one")
    docker_engine.run("tag", f"{registry.host}/parts/delete:one", f"{registry.host}/parts/delete:two")
    docker_engine.run("push", f"{registry.host}/parts/delete:two")
    assert delete(registry, "parts/delete", "one") == 400
    assert delete(registry, "parts/delete", pushed) == 202
    assert digest_of(registry, "parts/delete", "two") is None
    listed = requests.get(f"{registry.url}/v2/parts/delete/tags/list", timeout=LIMIT).json()
    assert listed == {"name": "parts/delete", "tags": None}


def test_second_implementation_deletes_one_tag_and_spares_its_sibling(
    docker_engine: DockerEngine, tag_deleting_registry: RunningRegistry
) -> None:
    name = f"{tag_deleting_registry.host}/parts/tags"
    pushed = push(docker_engine, f"{name}:one")
    docker_engine.run("tag", f"{name}:one", f"{name}:two")
    docker_engine.run("push", f"{name}:two")
    assert delete(tag_deleting_registry, "parts/tags", "one") == 202
    assert digest_of(tag_deleting_registry, "parts/tags", "one") is None
    assert digest_of(tag_deleting_registry, "parts/tags", "two") == pushed


def test_deletion_can_be_disabled_and_storage_made_read_only(
    docker_engine: DockerEngine, registry_factory: RegistryFactory
) -> None:
    writable = registry_factory(delete=False)
    pushed = push(docker_engine, f"{writable.host}/parts/kept:one")
    assert delete(writable, "parts/kept", pushed) == 405
    readonly = registry_factory(readonly=True, storage=writable.storage)
    assert digest_of(readonly, "parts/kept", "one") == pushed
    assert delete(readonly, "parts/kept", pushed) == 405


def test_basic_auth_lets_in_who_knows_the_password(
    docker_engine: DockerEngine, registry_factory: RegistryFactory, tmp_path: Path
) -> None:
    closed = registry_factory(users={"ana": "sham"})
    assert requests.get(f"{closed.url}/v2/", timeout=LIMIT).status_code == 401
    assert requests.get(f"{closed.url}/v2/", auth=("ana", "sham"), timeout=LIMIT).status_code == 200
    engine = docker_engine.with_config(tmp_path / "ana")
    login = ("login", "--username", "ana", "--password-stdin", closed.host)
    assert engine.run(*login, stdin="wrong", check=False).returncode != 0
    engine.run(*login, stdin="sham")


def test_token_registry_lets_a_writer_push_after_login(
    docker_engine: DockerEngine, token_registry: TokenRegistry, tmp_path: Path
) -> None:
    writer = token_registry.writer
    engine = docker_engine.with_config(tmp_path / "writer")
    before = len(token_registry.service.requests)
    engine.run("login", "-u", writer.name, "--password-stdin", token_registry.host, stdin=writer.password)
    push(engine, f"{token_registry.host}/parts/token:one")
    served = token_registry.service.requests[before:]
    assert {request.user for request in served} == {"writer"}
    assert "repository:parts/token:push,pull" in {scope for request in served for scope in request.granted}
    stored = json.loads((tmp_path / "writer" / "config.json").read_text())["auths"][token_registry.host]
    assert stored["identitytoken"] in token_registry.service.refresh_tokens


def token_for(registry: TokenRegistry, scope: str, user: tuple[str, str] | None) -> str:
    """Fetch a token as a client does: from the realm that the registry's own challenge names."""
    challenge = requests.get(f"{registry.url}/v2/", verify=str(registry.ca_file), timeout=LIMIT)
    assert challenge.status_code == 401
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge.headers["WWW-Authenticate"]))
    query = {"service": fields["service"], "scope": scope}
    answer = requests.get(fields["realm"], query, auth=user, verify=str(registry.ca_file), timeout=LIMIT)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def test_token_service_drops_what_a_reader_may_not_do_without_a_word(
    docker_engine: DockerEngine, token_registry: TokenRegistry, tmp_path: Path
) -> None:
    writer, reader = token_registry.writer, token_registry.reader
    engine = docker_engine.with_config(tmp_path / "writer")
    engine.run("login", "-u", writer.name, "--password-stdin", token_registry.host, stdin=writer.password)
    pushed = push(engine, f"{token_registry.host}/parts/drop:one")
    url = f"{token_registry.url}/v2/parts/drop/manifests/{pushed}"

    def status(method: str, user: tuple[str, str]) -> int:
        token = token_for(token_registry, "repository:parts/drop:pull,delete", user)
        headers = {**MANIFEST, "Authorization": f"Bearer {token}"}
        return requests.request(method, url, headers=headers, verify=str(token_registry.ca_file), timeout=LIMIT).status_code

    assert status("GET", (reader.name, reader.password)) == 200
    assert status("DELETE", (reader.name, reader.password)) == 401
    assert token_registry.service.requests[-1].granted == ("repository:parts/drop:pull",)
    assert status("DELETE", (writer.name, writer.password)) == 202


def test_token_service_takes_refresh_tokens_by_post(token_registry: TokenRegistry) -> None:
    user = token_registry.reader
    realm, ca = token_registry.server.realm, str(token_registry.ca_file)
    first = requests.get(realm, {"offline_token": "true"}, auth=(user.name, user.password), verify=ca, timeout=LIMIT).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "registry:catalog:*"}
    second = requests.post(realm, form, verify=ca, timeout=LIMIT)
    assert second.status_code == 200
    assert second.json()["expires_in"] == token_registry.service.lifetime
    refused = requests.post(realm, {**form, "refresh_token": "another"}, verify=ca, timeout=LIMIT)
    assert refused.status_code == 401


def test_daemon_verifies_tls_away_from_loopback(
    docker_engine: DockerEngine, token_registry_factory: Callable[..., TokenRegistry], tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.fail("Only root may write /etc/docker/certs.d: run this test as root")
    registry = token_registry_factory(bind="0.0.0.0")  # noqa: S104 - containers reach it on the bridge
    engine = docker_engine.with_config(tmp_path / "bridge")
    host = f"172.17.0.1:{registry.port}"
    login = ("login", "-u", registry.writer.name, "--password-stdin", host)
    untrusted = engine.run(*login, stdin=registry.writer.password, check=False)
    assert "certificate signed by unknown authority" in untrusted.stderr
    with registry.trusted_by_daemon("172.17.0.1"):
        engine.run(*login, stdin=registry.writer.password)
        push(engine, f"{host}/parts/bridge:one")


def test_skopeo_lists_what_was_pushed(docker_engine: DockerEngine, registry: RunningRegistry, skopeo: Path) -> None:
    push(docker_engine, f"{registry.host}/parts/skopeo:one")
    argv = [str(skopeo), "list-tags", "--tls-verify=false", f"docker://{registry.host}/parts/skopeo"]
    listed = json.loads(subprocess.run(argv, capture_output=True, timeout=30, check=True).stdout)
    assert listed["Tags"] == ["one"]


def test_the_specifications_schemas_tell_right_from_wrong(oci_schemas: OciSchemas) -> None:
    index = {"schemaVersion": 2, "manifests": [{"mediaType": OCI_MANIFEST, "digest": f"sha256:{'0' * 64}", "size": 2}]}
    assert oci_schemas.problems(OCI_INDEX, index) == []
    assert oci_schemas.problems(OCI_INDEX, {**index, "manifests": [{"digest": "none"}]})
    assert oci_schemas.problems(OCI_MANIFEST, index)
    assert oci_schemas.problems(OCI_CONFIG, {"os": "linux"})


def test_chromium_renders_a_page(chromium: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        page = browser.new_page()
        page.set_content("<h1>Moorage</h1>")
        assert page.inner_text("h1") == "Moorage"
        browser.close()


def test_gitlab_ci_local_runs_a_job(gitlab_ci_local: GitlabCiLocal, tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("job:\n  script: [echo from the job]\n")
    for argv in (["init", "-q"], ["remote", "add", "origin", "git@gitlab.invalid:group/project.git"]):
        subprocess.run(["git", *argv], cwd=tmp_path, check=True, timeout=30)
    done = gitlab_ci_local.run("--shell-executor-no-image", "job", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from the job" in done.stdout
