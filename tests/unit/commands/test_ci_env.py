import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from moorage.commands.ci_env import CiEnvRequest, ci_env
from moorage.commands.ci_variables import TaggingStrategy
from moorage.commands.shell_syntax import Syntax
from moorage.errors import ConfigurationError
from moorage.oci.slug import slug
from moorage.option import Command
from moorage.settings.ci import CiSystem
from moorage.settings.table import BY_NAME

GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Acme/Shop", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_ACTOR": "bob",
    "GITHUB_TOKEN": "ghs_hunter2hunter2", "GITHUB_REF": "refs/heads/Feature/One", "GITHUB_REF_TYPE": "branch",
    "GITHUB_REF_NAME": "Feature/One",
}  # fmt: skip
GITLAB = {
    "GITLAB_CI": "true", "CI_PROJECT_ID": "7", "CI_REGISTRY": "registry.example.com:5050", "CI_JOB_TOKEN": "glcbt-hunter2hunter2",
    "CI_REGISTRY_IMAGE": "registry.example.com:5050/acme/shop", "CI_COMMIT_REF_NAME": "main",
}  # fmt: skip
LIMITS = {
    "MOORAGE_GIT_TAG_STRATEGY_LIMIT": "10", "MOORAGE_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30",
    "MOORAGE_GIT_COMMIT_STRATEGY_LIMIT": "50", "MOORAGE_GIT_COMMIT_STRATEGY_EXPIRY_DAYS": "30",
    "MOORAGE_GIT_HISTORY_SYNCHRONIZATION": "1",
}  # fmt: skip


class Run:
    """One `moorage ci-env`, on a machine without docker."""

    def __init__(self, place: Path, system: CiSystem, environment: dict[str, str], **options: object) -> None:
        self.output = ""
        environment = {**environment, "PATH": "/nowhere"}
        request = CiEnvRequest(system=system, environment=environment, place=place, **options)  # type: ignore[arg-type]
        self.environment = environment
        self.result = ci_env(request, self.write)

    def write(self, text: str) -> None:
        self.output += text

    @property
    def variables(self) -> dict[str, str]:
        """What a real shell has afterwards that it did not have before."""
        script = f"{self.output}\nexec /usr/bin/env -0"
        done = subprocess.run(["/bin/sh", "-c", script], env=self.environment, capture_output=True, text=True, check=True)
        after = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
        return {
            name: value
            for name, value in after.items()
            if self.environment.get(name) != value and name not in {"PWD", "_", "SHLVL"}
        }


def test_github_in_full(tmp_path: Path) -> None:
    run = Run(tmp_path, CiSystem.GITHUB, GITHUB)
    directory = str(run.result.docker_config)
    assert run.variables == {
        "DOCKER_CONFIG": directory,
        "MOORAGE_DOCKER_CONFIG": directory,
        "MOORAGE_IMAGES_REPO": "ghcr.io/acme/shop",
        "MOORAGE_IMAGES_REPO_IMPLEMENTATION": "github",
        "MOORAGE_STAGES_STORAGE": "ghcr.io/acme/shop/stages",
        "MOORAGE_STAGES_STORAGE_IMPLEMENTATION": "github",
        "MOORAGE_TAG_BY_STAGES_SIGNATURE": "true",
        "MOORAGE_REPO_GITHUB_TOKEN": "ghs_hunter2hunter2",
        **LIMITS,
    }
    assert set(json.loads((run.result.docker_config / "config.json").read_text())["auths"]) == {"ghcr.io"}


def test_gitlab_in_full(tmp_path: Path) -> None:
    run = Run(tmp_path, CiSystem.GITLAB, GITLAB)
    directory = str(run.result.docker_config)
    assert run.variables == {
        "DOCKER_CONFIG": directory,
        "MOORAGE_DOCKER_CONFIG": directory,
        "MOORAGE_IMAGES_REPO": "registry.example.com:5050/acme/shop",
        "MOORAGE_IMAGES_REPO_IMPLEMENTATION": "gitlab",
        "MOORAGE_STAGES_STORAGE": "registry.example.com:5050/acme/shop/stages",
        "MOORAGE_STAGES_STORAGE_IMPLEMENTATION": "gitlab",
        "MOORAGE_TAG_BY_STAGES_SIGNATURE": "true",
        **LIMITS,
    }
    assert set(json.loads((run.result.docker_config / "config.json").read_text())["auths"]) == {"registry.example.com:5050"}


@pytest.mark.parametrize("strategy", list(TaggingStrategy))
@pytest.mark.parametrize(("system", "environment"), [(CiSystem.GITHUB, GITHUB), (CiSystem.GITLAB, GITLAB)])
def test_every_variable_is_an_option_of_publish_or_cleanup(
    system: CiSystem, environment: dict[str, str], strategy: TaggingStrategy, tmp_path: Path
) -> None:
    known = {option.variable for option in BY_NAME.values() if option.commands & {Command.PUBLISH, Command.CLEANUP}}
    assert set(Run(tmp_path, system, environment, strategy=strategy).variables) - known == {"DOCKER_CONFIG"}


def test_an_enterprise_server_has_its_registry_beside_it(tmp_path: Path) -> None:
    run = Run(tmp_path, CiSystem.GITHUB, {**GITHUB, "GITHUB_SERVER_URL": "https://git.example.com"})
    assert run.variables["MOORAGE_IMAGES_REPO"] == "containers.git.example.com/acme/shop"


def test_what_the_user_has_set_stays_except_the_docker_config(tmp_path: Path) -> None:
    own = {"MOORAGE_IMAGES_REPO": "quay.io/acme", "DOCKER_CONFIG": "/own", "MOORAGE_REPO_GITHUB_TOKEN": "own-hunter2"}
    run = Run(tmp_path, CiSystem.GITHUB, {**GITHUB, **own, "MOORAGE_TAG_CUSTOM": "v1\necho pwned"})
    assert "# skip MOORAGE_IMAGES_REPO=quay.io/acme (current)" in run.output
    assert "# MOORAGE_IMAGES_REPO_IMPLEMENTATION= (quay.io/acme is not in ghcr.io)" in run.output
    assert "# skip MOORAGE_TAG_CUSTOM=v1 echo pwned (current)" in run.output
    assert "# skip MOORAGE_REPO_GITHUB_TOKEN=*** (current)" in run.output
    assert "own-hunter2" not in run.output
    assert run.variables["DOCKER_CONFIG"] == str(run.result.docker_config)
    assert "MOORAGE_TAG_BY_STAGES_SIGNATURE" not in run.variables


def test_the_users_own_address_in_gitlabs_registry_is_gitlabs_a_look_alike_is_not(tmp_path: Path) -> None:
    own = {"MOORAGE_IMAGES_REPO": "registry.example.com:5050/acme/other"}
    assert Run(tmp_path, CiSystem.GITLAB, {**GITLAB, **own}).variables["MOORAGE_IMAGES_REPO_IMPLEMENTATION"] == "gitlab"
    own = {"MOORAGE_IMAGES_REPO": "registry.example.com:50505/acme"}
    assert "MOORAGE_IMAGES_REPO_IMPLEMENTATION" not in Run(tmp_path, CiSystem.GITLAB, {**GITLAB, **own}).variables


def test_without_a_token_there_is_no_login(tmp_path: Path) -> None:
    run = Run(tmp_path, CiSystem.GITHUB, {**GITHUB, "GITHUB_TOKEN": ""})
    assert "# no login: the job has no token" in run.output
    assert not json.loads((run.result.docker_config / "config.json").read_text()).get("auths")


def test_a_project_without_a_registry_gets_no_address_and_is_told(tmp_path: Path) -> None:
    environment = {name: value for name, value in GITLAB.items() if not name.startswith("CI_REGISTRY")}
    run = Run(tmp_path, CiSystem.GITLAB, environment)
    assert "# MOORAGE_IMAGES_REPO= (CI_REGISTRY_IMAGE is not set: the project's container registry is off)" in run.output
    assert "# MOORAGE_STAGES_STORAGE= (CI_REGISTRY_IMAGE" in run.output
    assert set(run.variables) == {"DOCKER_CONFIG", "MOORAGE_DOCKER_CONFIG", "MOORAGE_TAG_BY_STAGES_SIGNATURE", *LIMITS}


def test_tag_or_branch_becomes_a_tag_that_a_registry_takes(tmp_path: Path) -> None:
    strategy = TaggingStrategy.TAG_OR_BRANCH
    variables = Run(tmp_path, CiSystem.GITHUB, GITHUB, strategy=strategy).variables
    assert variables["MOORAGE_TAG_GIT_BRANCH"] == slug("Feature/One") != "Feature/One"
    variables = Run(tmp_path, CiSystem.GITLAB, {**GITLAB, "CI_COMMIT_TAG": "v1.0"}, strategy=strategy).variables
    assert variables["MOORAGE_TAG_GIT_TAG"] == "v1.0"
    assert "MOORAGE_TAG_GIT_BRANCH" not in variables
    assert "MOORAGE_TAG_BY_STAGES_SIGNATURE" not in variables


def failing(place: Path, system: CiSystem, environment: dict[str, str], **options: object) -> tuple[str, ConfigurationError]:
    written: list[str] = []
    request = CiEnvRequest(system=system, environment={**environment, "PATH": "/x"}, place=place, **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as caught:
        ci_env(request, written.append)
    return "".join(written), caught.value


def test_a_failure_stops_the_shell_that_sources_the_output(tmp_path: Path) -> None:
    written, error = failing(tmp_path, CiSystem.GITHUB, {})
    assert "GITHUB_REPOSITORY is not set" in str(error)
    done = subprocess.run(
        ["/bin/bash", "-c", f"source <(echo {written})\necho went on"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert not (tmp_path / "moorage").exists()


@pytest.mark.parametrize(
    ("environment", "options", "message"),
    [
        ({"GITLAB_CI": "true"}, {"strategy": TaggingStrategy.TAG_OR_BRANCH}, "neither tag nor branch is known"),
        ({}, {}, "none of GITLAB_CI"),
        (GITLAB, {"as_file": True, "as_env_file": True}, "exclude each other"),
        (GITLAB, {"output": Path("x")}, "--output-file-path needs"),
        (GITLAB, {"output": Path("/dev/null"), "as_file": True}, "is no regular file"),
        (GITLAB, {"output": Path("/nowhere/x"), "as_file": True}, "cannot be written: No such file"),
        ({**GITLAB, "CI_REGISTRY_IMAGE": "a\nb"}, {"as_env_file": True}, "MOORAGE_IMAGES_REPO: an env file cannot hold"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    environment: dict[str, str], options: dict[str, object], message: str, tmp_path: Path
) -> None:
    written, error = failing(tmp_path, CiSystem.GITLAB, environment, **options)
    assert message in str(error)
    assert written == ("" if options.get("as_file") or options.get("as_env_file") else "exit 1\n")
    assert not list((tmp_path / "moorage").glob("*"))


def test_a_file_is_written_beside_the_docker_config_for_its_owner_alone(tmp_path: Path) -> None:
    run = Run(tmp_path, CiSystem.GITHUB, GITHUB, as_file=True)
    file = run.result.file
    assert file == run.result.docker_config / "ci-env.sh"
    assert run.output == f"{file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert 'export MOORAGE_IMAGES_REPO="ghcr.io/acme/shop"' in file.read_text()


@pytest.mark.parametrize(
    ("shell", "suffix", "line"),
    [
        (Syntax.POWERSHELL, ".ps1", '$Env:MOORAGE_IMAGES_REPO = "ghcr.io/acme/shop"'),
        (Syntax.CMD, ".bat", "set MOORAGE_IMAGES_REPO=ghcr.io/acme/shop"),
    ],
)
def test_other_shells_have_their_own_files(shell: Syntax, suffix: str, line: str, tmp_path: Path) -> None:
    file = Run(tmp_path, CiSystem.GITHUB, GITHUB, as_file=True, shell=shell).result.file
    assert file is not None
    assert file.suffix == suffix
    assert line in file.read_text().splitlines()


def test_a_named_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "job.env"
    target.write_text("OLD=1\n" * 1000)
    target.chmod(0o755)
    run = Run(tmp_path, CiSystem.GITLAB, GITLAB, as_env_file=True, output=target)
    lines = [line for line in target.read_text().splitlines() if line and not line.startswith("#")]
    assert f"DOCKER_CONFIG={run.result.docker_config}" in lines
    assert "MOORAGE_IMAGES_REPO=registry.example.com:5050/acme/shop" in lines
    assert "OLD=1" not in lines
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.env", "moorage"]


def test_githubs_own_file_is_added_to(tmp_path: Path) -> None:
    shared = tmp_path / "set_env"
    shared.write_text("BEFORE=1\n")
    Run(tmp_path, CiSystem.GITHUB, {**GITHUB, "GITHUB_ENV": str(shared)}, as_env_file=True, output=shared)
    lines = shared.read_text().splitlines()
    assert lines[0] == "BEFORE=1"
    assert "MOORAGE_IMAGES_REPO=ghcr.io/acme/shop" in lines
    assert [line for line in lines if line.startswith("#") or "=" not in line] == [], "the runner knows no comments"


def test_the_process_environment_is_the_default() -> None:
    assert CiEnvRequest(system=CiSystem.GITHUB).environment == dict(os.environ)
