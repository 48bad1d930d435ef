"""action.yml: a docker action in which every option is an input."""

from typing import Any, Final

from moorage.settings.describe import described
from moorage.settings.options import access, general
from moorage.settings.table import TABLE
from moorage.surfaces.outputs import OUTPUTS
from moorage.surfaces.yaml_text import yaml_text

# The runner hands over a default as if its user had given it, which would beat $MOORAGE_… and the config file: so there are only
# those that nobody could set better.
_DEFAULTS: Final = {general.COMMAND.name: "publish", access.GITHUB_TOKEN.name: "${{ github.token }}"}


def render_action() -> str:
    """The text of action.yml."""
    document: dict[str, Any] = {
        "name": "Moorage",
        "description": "Publish container images under computed names, and clean registries up by policy.",
        "author": "The Moorage authors",
        "branding": {"icon": "anchor", "color": "blue"},
        "inputs": {option.name: _input(option.name, described(option)) for option in TABLE},
        "outputs": {name: {"description": text} for name, text in OUTPUTS.items()},
        "runs": {"using": "docker", "image": "Dockerfile", "post-entrypoint": "/opt/moorage/entrypoint/post.py"},
    }
    return yaml_text(document)


def _input(name: str, description: str) -> dict[str, Any]:
    default = {"default": _DEFAULTS[name]} if name in _DEFAULTS else {}
    return {"description": description, "required": False, **default}
