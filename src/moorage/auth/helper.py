"""Asks docker's credential helpers: `docker-credential-NAME get`, the registry on stdin, JSON on stdout.

Protocol: docker/docker-credential-helpers README, seen 2026-11. A registry that a helper does not know is no mistake; a helper
that is missing, hangs or prints something else is one, because going on anonymously would only fail later and say less.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Final

from moorage.auth.credential import Basic, Credential, IdentityToken
from moorage.auth.secret import Secret, blank
from moorage.errors import ConfigurationError

HELPER_SECONDS: Final = 10.0
HELPER_PREFIX: Final = "docker-credential-"
_NOT_FOUND: Final = "credentials not found in native keychain"  # printed on stdout, with exit code 1
_TOKEN_USER: Final = "<token>"  # noqa: S105 -- the user name that marks an identity token
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def ask_helper(
    name: str, server: str, *, environ: Mapping[str, str], seconds: float = HELPER_SECONDS, named_by: str = "the docker config"
) -> Credential | None:
    """The credential that `docker-credential-NAME` has for a server, None when it has none.

    Raises ConfigurationError for a helper that is missing, takes longer than `seconds`, fails or prints garbage.
    """
    program = HELPER_PREFIX + name
    remedy = f"Install or repair {program}, or remove it from {named_by}."
    path = shutil.which(program, path=environ.get("PATH", os.defpath)) if _NAME.fullmatch(name) else None
    if path is None:
        raise ConfigurationError(f"{program}, named by {named_by}, is not on PATH", remedy=remedy)
    code, output = _run(path, server, environ, seconds, ConfigurationError(
        f"{program} did not answer for {server} within {seconds:g} s", remedy=remedy
    ))  # fmt: skip
    text = output.decode("utf-8", "replace").strip()
    if code != 0:
        if _NOT_FOUND in text:
            return None
        said = f": {blank(text.splitlines()[0])[:200]}" if text else ""  # helpers report their errors on stdout
        raise ConfigurationError(f"{program} failed for {server} with exit code {code}{said}", remedy=remedy)
    user, secret = _parsed(text, ConfigurationError(f"{program} printed no credential for {server}", remedy=remedy))
    if not secret:
        return None
    return IdentityToken(Secret(secret), program) if user == _TOKEN_USER else Basic(user, Secret(secret), program)


def _run(path: str, server: str, environ: Mapping[str, str], seconds: float, late: ConfigurationError) -> tuple[int, bytes]:
    """Run in a group of its own, so that whatever the helper has started ends with it."""
    try:
        process = subprocess.Popen(
            [path, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(environ), start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be started: {error.strerror or error}", remedy=late.remedy) from None
    with process:
        try:
            output, _ = process.communicate(server.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise late from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output


def _parsed(text: str, garbage: ConfigurationError) -> tuple[str, str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise garbage from None
    if not isinstance(document, dict):
        raise garbage
    user, secret = document.get("Username", ""), document.get("Secret", "")
    if not isinstance(user, str) or not isinstance(secret, str):
        raise garbage
    return user, secret
