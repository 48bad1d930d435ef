"""The rendered files are up to date, and what GitHub and GitLab accept."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regress
import yaml

from moorage.surfaces.__main__ import SURFACES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", SURFACES)
def test_rendered_files_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == SURFACES[name](), "run: python -m moorage.surfaces --write"


def schema(name: str) -> Any:
    """A schema that check-jsonschema carries along."""
    return json.loads((files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json").read_text(encoding="utf-8"))


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Any:
    """These schemas hold JavaScript expressions."""
    if isinstance(instance, str) and regress.Regex(pattern).find(instance) is None:
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def errors(name: str, document: Any) -> list[str]:
    found = schema(name)
    kind = jsonschema.validators.validator_for(found)
    extend: Any = jsonschema.validators.extend
    validator = extend(kind, {"pattern": _pattern})(found)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_github_accepts_the_action() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert errors("github-actions", action) == []
    assert all(re.fullmatch(r"[_a-zA-Z][a-zA-Z0-9_-]*", name) for name in [*action["inputs"], *action["outputs"]])
    assert errors("github-actions", {**action, "runs": {"using": "dcker"}}) != []


@pytest.mark.parametrize("name", [".gitlab-ci-component.yml", "templates/moorage.yml"])
def test_gitlab_accepts_the_component(name: str) -> None:
    header, jobs = yaml.safe_load_all((ROOT / name).read_text(encoding="utf-8"))
    assert errors("gitlab-ci", header) == []
    assert errors("gitlab-ci", _filled(jobs, header["spec"]["inputs"])) == []
    assert errors("gitlab-ci", {"job": {"script": 5}}) != []


def _filled(value: Any, inputs: dict[str, Any]) -> Any:
    """The jobs with the defaults of the inputs in their places, as GitLab's interpolation leaves them."""
    if isinstance(value, dict):
        return {_filled(key, inputs): _filled(entry, inputs) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, inputs) for entry in value]
    match = re.fullmatch(r"\$\[\[ inputs\.([a-z0-9-]+) \]\]", value) if isinstance(value, str) else None
    return inputs[match[1]]["default"] if match else value
