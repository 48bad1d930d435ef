"""Every example in the README and the docs is one that Moorage would take: YAML parses, names exist, command lines are valid."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.calling import config_in, requested

from moorage.cli.arguments import check_flags, take_apart
from moorage.cli.verbs import USAGES
from moorage.option import Command
from moorage.settings.problems import Problems
from moorage.surfaces.component import render_component
from moorage.surfaces.outputs import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = re.compile(r"(docker://ghcr\.io/moorage/moorage:[\w.]+|moorage/moorage@[\w.]+)")
IMAGE = re.compile(r"(ghcr\.io/moorage/)?moorage(:[\w.]+)?")
CONFIG_KEYS = {"project", "options", "images", "cleanup"}


@dataclass(frozen=True)
class Example:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(*languages: str) -> list[Example]:
    return [example for page in PAGES for example in on_page(page) if example.language in languages]


def on_page(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield Example(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(value, dict):
        yield value
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(entry)


def steps(example: Example) -> list[dict[str, Any]]:
    return [part for part in parts(yaml.safe_load(example.text)) if OURS.fullmatch(str(part.get("uses", "")))]


def includes(example: Example) -> list[dict[str, Any]]:
    return [part for part in parts(yaml.safe_load(example.text)) if "/moorage@" in str(part.get("component", ""))]


def is_config(document: Any) -> bool:
    return isinstance(document, dict) and document.keys() <= CONFIG_KEYS


YAML = examples("yaml", "yml")
CONSOLE = examples("console", "sh", "bash", "shell")
STEPS = [example for example in YAML if steps(example)]
INCLUDES = [example for example in YAML if includes(example)]
CONFIGS = [example for example in YAML if is_config(yaml.safe_load(example.text))]


def test_there_are_examples_of_every_kind() -> None:
    assert min(len(STEPS), len(INCLUDES), len(CONFIGS), len(CONSOLE)) >= 1
    assert {example.language for example in YAML} == {"yaml"}


@pytest.mark.parametrize("example", STEPS, ids=str)
def test_steps_give_the_action_what_it_takes(example: Example, tmp_path: Path) -> None:
    for step in steps(example):
        inputs = {name: _spelled(value) for name, value in step.get("with", {}).items()}
        check_inputs(inputs, tmp_path, {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main"})
    used = dict(re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", example.text))
    ours = {step["id"] for step in steps(example) if "id" in step}
    assert {output for step, output in used.items() if step in ours} <= OUTPUTS.keys()


@pytest.mark.parametrize("example", INCLUDES, ids=str)
def test_includes_give_the_component_what_it_takes(example: Example, tmp_path: Path) -> None:
    known = next(yaml.safe_load_all(render_component()))["spec"]["inputs"]
    for include in includes(example):
        inputs = include.get("inputs", {})
        assert inputs.keys() <= known.keys()
        for name, value in inputs.items():
            assert isinstance(value, list if known[name].get("type") == "array" else str), f"{name} is not quoted"
            assert value in known[name].get("options", [value])
        of_jobs = {"job-name", "stage", "job-image", "services"}
        check_inputs({name: value for name, value in inputs.items() if name not in of_jobs}, tmp_path, {"GITLAB_CI": "true"})


def check_inputs(inputs: dict[str, str], directory: Path, environ: dict[str, str]) -> None:
    given = {f"INPUT_{name.upper()}": re.sub(r"\$\{\{.*?\}\}", "1", value) for name, value in inputs.items()}
    request = requested(directory, inputs.get("command", "publish"), environ={**environ, **given})
    request.problems.raise_any()
    assert not request.strays


def _spelled(value: object) -> str:
    """As the runner hands it over."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("example", CONFIGS, ids=str)
def test_config_files_are_read(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "moorage.yaml"
    file.write_text(example.text, encoding="utf-8")
    assert config_in(file).path == file


@pytest.mark.parametrize("example", YAML, ids=str)
def test_yaml_parses(example: Example) -> None:
    assert yaml.safe_load(example.text)


@pytest.mark.parametrize("example", CONSOLE, ids=str)
def test_command_lines_are_valid(example: Example) -> None:
    for argv in command_lines(example):
        problems = Problems()
        found = take_apart(argv, problems)
        if not (found.help or found.version):
            word, *words = found.words
            check_flags(Command(word), found, problems)
            usage = USAGES[Command(word)]
            assert usage.fewest <= len(words) <= (len(words) if usage.most is None else usage.most), argv
        problems.raise_any()


def command_lines(example: Example) -> Iterator[list[str]]:
    """What comes after `moorage`, or after the image's name in `docker run`."""
    for line in re.sub(r" *\\\n *", " ", example.text).splitlines():
        if not line.startswith("$ "):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        start = next((place for place, word in enumerate(words) if IMAGE.fullmatch(word)), None)
        if words[0] == "moorage" or (words[:2] == ["docker", "run"] and start is not None):
            yield words[(start or 0) + 1 :]


def test_variables_for_later_jobs_are_named_after_outputs() -> None:
    for page in PAGES:
        for name in re.findall(r"\bMOORAGE_OUT_([A-Z_]+[A-Z])", page.read_text(encoding="utf-8")):
            assert name.removesuffix("_FILE").lower().replace("_", "-") in OUTPUTS, f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = target.partition("#")
        if file.startswith(("http://", "https://")):
            continue
        other = (page.parent / file).resolve() if file else page
        assert other.exists(), f"{page.name}: {target}"
        if heading:
            assert heading in anchors(other), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
