"""The tables of cases beside this file."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def cases(name: str) -> Any:
    """The document in `name`.yaml."""
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))
