"""boto3 is big and optional: it costs nothing to those who do not use ECR, and is asked for where it is missing."""

from __future__ import annotations

import subprocess
import sys

_LATE = """
import sys
from moorage.registries.catalog import VENDORS
assert VENDORS["ecr"].name == "ecr"
assert not {"boto3", "botocore", "requests"} & set(sys.modules)
"""
_MISSING = """
import sys
sys.modules["boto3"] = None
from moorage.errors import ConfigurationError
try:
    import moorage.registries.ecr.registry
except ConfigurationError as error:
    assert "boto3" in error.message and "moorage[ecr]" in error.remedy
else:
    raise SystemExit("nobody missed it")
"""
_QUIET = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
import moorage.registries.ecr.aws
assert not logging.getLogger("botocore.parsers").isEnabledFor(logging.DEBUG)
assert not logging.getLogger("botocore.auth").isEnabledFor(logging.DEBUG)
"""


def _run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_catalogue_loads_without_it() -> None:
    _run(_LATE)


def test_its_absence_is_said_with_what_to_install() -> None:
    _run(_MISSING)


def test_its_debug_lines_which_hold_secrets_stay_unheard() -> None:
    _run(_QUIET)
