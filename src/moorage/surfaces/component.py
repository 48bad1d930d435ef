"""The GitLab CI component: a job whose inputs are the options, handed over as INPUT_… variables.

Inputs get variables of their own because an input that is left out must not hide a MOORAGE_… variable of the project. An input
may name a variable (`password: $DEPLOY_TOKEN`); GitLab puts its value in when the job starts, so that no secret stands in the
text of the pipeline.
"""

from typing import Any, Final

from moorage import __version__
from moorage.option import Option, Shape
from moorage.settings.describe import described
from moorage.settings.options import access, general, reports
from moorage.settings.table import TABLE
from moorage.surfaces.yaml_text import yaml_text

_REPORT: Final = "moorage-report.html"
_DOTENV: Final = "moorage.env"
_DEFAULTS: Final = {general.COMMAND.name: "publish", general.DOTENV.name: _DOTENV, reports.REPORT.name: _REPORT}
_LEFT_OUT: Final = frozenset({access.GITHUB_TOKEN.name, general.SUMMARY.name})  # GitHub's own
_JOB_INPUTS: Final[dict[str, dict[str, Any]]] = {
    "job-name": {"default": "moorage", "description": "Name of the job."},
    "stage": {"default": "deploy", "description": "Stage of the job."},
    "job-image": {"default": f"ghcr.io/moorage/moorage:{__version__}", "description": "Moorage's container image."},
    "services": {"type": "array", "default": [], "description": "Services of the job, such as docker:dind to build with."},
}


def render_component() -> str:
    """The text of the component, the same in both of its places."""
    inputs = {**_JOB_INPUTS, **{option.name: _input(option) for option in _options()}}
    return yaml_text({"spec": {"inputs": inputs}}, {"$[[ inputs.job-name ]]": _job()})


def _options() -> list[Option[Any]]:
    return [option for option in TABLE if option.name not in _LEFT_OUT]


def _input(option: Option[Any]) -> dict[str, Any]:
    """Everything is a text that may be empty, since an input that is left out must count as not given."""
    default = _DEFAULTS.get(option.name, "")
    choices = ("true", "false") if option.shape is Shape.FLAG else option.choices
    allowed = {"options": list(dict.fromkeys([default, *map(str, choices)]))} if choices else {}
    return {"default": default, **allowed, "description": described(option)}


def _job() -> dict[str, Any]:
    variables = {option.input_variable.replace("-", "_"): f"$[[ inputs.{option.name} ]]" for option in _options()}
    return {
        "stage": "$[[ inputs.stage ]]",
        "image": {"name": "$[[ inputs.job-image ]]", "entrypoint": [""]},
        "services": "$[[ inputs.services ]]",
        "variables": {"GIT_DEPTH": "0", **variables},
        "script": ["moorage"],  # in our image, and on runners without containers that have it installed
        "artifacts": {
            "when": "always",
            "expose_as": "Moorage report",
            "paths": [_REPORT],
            "reports": {"dotenv": f"$[[ inputs.{general.DOTENV.name} ]]"},
        },
    }
