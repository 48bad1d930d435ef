"""GitHub's runner, as far as a docker action can tell: its `docker run`, its mounts, its variables, its files.

Taken from actions/runner, ContainerActionHandler.cs and ContainerOperationProvider.cs (seen 2026-11): every input that
action.yml declares is set, unset ones to ""; variables travel by name, their values in the client's environment; values
that begin with a mounted directory of the host are rewritten; a step's files are its own, and the next step gets what it
wrote to GITHUB_ENV; the post step is a new container that gets STATE_... .
"""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.realparts.engine import DockerEngine

RUNNER_USER = 1001  # the uid of "runner" on GitHub's machines
REPOSITORY = "acme/shop"
_COMMAND_FILES = {
    "GITHUB_OUTPUT": "set_output", "GITHUB_ENV": "set_env", "GITHUB_STATE": "save_state", "GITHUB_PATH": "add_path",
    "GITHUB_STEP_SUMMARY": "step_summary",
}  # fmt: skip
_VALUE = re.compile(r"(?P<name>[^=<\n]+)<<(?P<delimiter>[^\n]+)\n(?P<value>.*?)(?:^|\n)(?P=delimiter)(?:\n|\Z)", re.DOTALL)
_LOG_COMMAND = re.compile(r"^::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*(?:%3A[^:]*)*))?::(?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """What one step did, as the runner sees it."""

    code: int
    stdout: str
    stderr: str
    outputs: Mapping[str, str]
    variables: Mapping[str, str]
    """For the next steps, as they stand in GITHUB_ENV."""
    state: Mapping[str, str]
    summary: str

    @property
    def log(self) -> str:
        """Both streams: the runner shows one log."""
        return self.stdout + self.stderr

    def commands(self, name: str) -> list[str]:
        """The texts of the log's workflow commands of one kind, unescaped."""
        found = (match for match in _LOG_COMMAND.finditer(self.log) if match["name"] == name)
        return [_unescaped(match["text"]) for match in found]

    @property
    def shown(self) -> str:
        """The log as people see it: masks are taken out of it, and hide their text in the rest."""
        masked = [text for text in self.commands("add-mask") if text]
        shown = "\n".join(line for line in self.log.splitlines() if not line.startswith("::add-mask::"))
        for text in sorted(masked, key=len, reverse=True):
            shown = shown.replace(text, "***")
        return shown


@dataclass
class GithubRunner:
    """One job. `root` is the runner's own directory: its work folder is made in there, with a workspace for the test to fill."""

    engine: DockerEngine
    image: str
    action: Path
    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    """What steps exported so far."""

    def __post_init__(self) -> None:
        for folder in self._mounts:
            folder.mkdir(parents=True, exist_ok=True)
        (self.temp / "_github_workflow" / "event.json").write_text("{}", encoding="utf-8")

    @property
    def temp(self) -> Path:
        """RUNNER_TEMP on the host."""
        return self.root / "work" / "_temp"

    @property
    def home(self) -> Path:
        """HOME of container steps; it outlives each of them."""
        return self.temp / "_github_home"

    @property
    def workspace(self) -> Path:
        """The checkout."""
        return self.root / "work" / "shop" / "shop"

    def give_to_runner(self) -> None:
        """Everything belongs to the runner's user, who is not root; call it when the workspace is filled."""
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, RUNNER_USER, RUNNER_USER, follow_symlinks=False)

    def step(self, /, network: str | None = None, **inputs: str) -> Step:
        """`uses: moorage/moorage` with these inputs, written with _ for -; a network is joined where the job has services."""
        declared = _declared(self.action)
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        unknown = sorted(given.keys() - declared.keys())
        assert not unknown, f"action.yml declares no input {unknown}"  # the runner only warns, and a test would prove nothing
        return self._run(_input_variables({**declared, **given}), network=network)

    def post(self, after: Step, /, **inputs: str) -> Step:
        """The action's post step, run after the job's last step."""
        entry: str = _document(self.action)["runs"]["post-entrypoint"]
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        state = {f"STATE_{name}": value for name, value in after.state.items()}
        return self._run({**_input_variables({**_declared(self.action), **given}), **state}, entry=entry)

    def _run(self, variables: Mapping[str, str], *, entry: str | None = None, network: str | None = None) -> Step:
        files = self._command_files()
        shown = {name: str(file) for name, file in files.items()}
        inside = {
            name: self._translated(value)
            for name, value in {**self.variables, **self._job_variables(), **shown, **variables}.items()
        }
        inside["HOME"] = "/github/home"
        argv = [
            str(self.engine.client),
            "run",
            "--name",
            f"moorage-test-{uuid.uuid4().hex[:12]}",
            "--workdir",
            "/github/workspace",
        ]
        argv += ["--rm", *(word for name in inside for word in ("-e", name)), "-e", "GITHUB_ACTIONS=true", "-e", "CI=true"]
        argv += ["--network", network] if network else []
        argv += ["--entrypoint", entry] if entry else []
        argv += ["-v", "/var/run/docker.sock:/var/run/docker.sock"]
        argv += [word for outer, inner in self._mounts.items() for word in ("-v", f"{outer}:{inner}")]
        # HOME and DOCKER_CONFIG of the client are the runner's, those of the container travel with `-e`.
        inside_only = {name: inside.pop(name) for name in ("HOME", "DOCKER_CONFIG", "PATH") if name in inside}
        argv = [f"{word}={inside_only[word]}" if word in inside_only else word for word in argv]
        done = subprocess.run(
            [*argv, self.image], env={**self.engine.env, **inside}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        written = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        values = {name: _values(text) for name, text in written.items() if name != "GITHUB_STEP_SUMMARY"}
        step = Step(
            done.returncode, done.stdout, done.stderr, values["GITHUB_OUTPUT"], values["GITHUB_ENV"],
            values["GITHUB_STATE"], written["GITHUB_STEP_SUMMARY"],
        )  # fmt: skip
        self.variables.update(step.variables)
        return step

    @property
    def _mounts(self) -> dict[Path, str]:
        return {
            self.temp: "/github/runner_temp",
            self.home: "/github/home",
            self.temp / "_github_workflow": "/github/workflow",
            self.temp / "_runner_file_commands": "/github/file_commands",
            self.workspace: "/github/workspace",
        }

    def _job_variables(self) -> dict[str, str]:
        return {
            "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_REPOSITORY_OWNER": "acme", "GITHUB_ACTOR": "ana",
            "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch",
            "GITHUB_SHA": "2b66fd261ee5c6cfc8de7fa466bab600bcfe4f69", "GITHUB_EVENT_NAME": "push",
            "GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": "https://api.github.com",
            "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql", "GITHUB_RUN_ID": "1", "GITHUB_JOB": "publish",
            "GITHUB_WORKSPACE": str(self.workspace), "GITHUB_EVENT_PATH": str(self.temp / "_github_workflow" / "event.json"),
            "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache", "RUNNER_WORKSPACE": str(self.workspace.parent),
        }  # fmt: skip

    def _translated(self, value: str) -> str:
        """A path of the host as the container has it; the innermost directory decides."""
        for outer, inner in sorted(self._mounts.items(), key=lambda mount: len(str(mount[0])), reverse=True):
            if value == str(outer) or value.startswith(f"{outer}/"):
                return inner + value.removeprefix(str(outer))
        return value

    def _command_files(self) -> dict[str, Path]:
        folder = self.temp / "_runner_file_commands"
        name = uuid.uuid4()
        files = {variable: folder / f"{prefix}_{name}" for variable, prefix in _COMMAND_FILES.items()}
        for file in files.values():
            file.touch()
            os.chown(file, *_owner(folder))
        return files


def _owner(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid


def _document(action: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(action.read_text(encoding="utf-8"))
    return document


def _declared(action: Path) -> dict[str, str]:
    """Every input with its default; an expression is worth nothing here, as in a job without a token."""
    inputs = _document(action)["inputs"]
    defaults = {name: str(entry.get("default", "")) for name, entry in inputs.items()}
    return {name: "" if "${{" in value else value for name, value in defaults.items()}


def _input_variables(inputs: Mapping[str, str]) -> dict[str, str]:
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()}


def _values(text: str) -> dict[str, str]:
    """What the runner reads from one of its files. What it cannot read fails the step, and so the test."""
    found = {match["name"]: match["value"] for match in _VALUE.finditer(text)}
    rest = _VALUE.sub("", text).strip()
    assert not rest, f"the runner cannot read {rest!r}"
    return found


def _unescaped(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
