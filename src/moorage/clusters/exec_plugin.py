"""Credential plugins of a kubeconfig (`users[].user.exec`): programs of clouds that print a short-lived credential.

Protocol: client.authentication.k8s.io/v1 and v1beta1, seen 2026-11; v1alpha1 left kubectl with 1.24. Run here rather than by
lightkube, which knows neither v1 nor client certificates and waits for ever.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from moorage.auth.secret import announce
from moorage.clusters.kubeconfig import REMEDY, Context
from moorage.errors import Refused
from moorage.transport.redact import text

SECONDS: Final = 60.0  # clouds' command lines take their time
_VERSIONS: Final = frozenset({"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"})
_INFO: Final = "KUBERNETES_EXEC_INFO"


def ask_plugin(context: Context, environ: Mapping[str, str], seconds: float = SECONDS) -> Mapping[str, Any]:
    """What the context's plugin says, as the fields of a kubeconfig user: a token, or a client certificate with its key.

    Raises Refused for a plugin that is missing, wants to talk to somebody, takes longer than `seconds`, fails or says nothing.
    """
    plugin = context.user["exec"]
    version = plugin.get("apiVersion")
    if version not in _VERSIONS:
        raise _refused(context, f"its credential plugin speaks {version!r}, which kubectl has given up, too")
    if plugin.get("interactiveMode") == "Always":
        raise _refused(context, "its credential plugin wants to talk to somebody, and nobody is here")
    command = str(plugin.get("command") or "")
    named = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or ()}
    environment = {**environ, **named, _INFO: json.dumps(_info(context, plugin, version))}
    path = shutil.which(command, path=environment.get("PATH", os.defpath))
    if path is None:
        hint = f": {text(str(plugin['installHint']))}" if plugin.get("installHint") else ""
        raise _refused(context, f"its credential plugin {command!r} is not on PATH{hint}")
    output = _run(context, [path, *map(str, plugin.get("args") or ())], environment, seconds)
    return _credential(context, path, output)


def _info(context: Context, plugin: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        names = ("server", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name", "proxy-url")
        spec["cluster"] = {name: context.cluster[name] for name in names if name in context.cluster}
    return {"apiVersion": version, "kind": "ExecCredential", "spec": spec}


def _run(context: Context, argv: list[str], environment: Mapping[str, str], seconds: float) -> bytes:
    """In a group of its own, so that whatever the plugin has started ends with it."""
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(environment), start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise _refused(context, f"its credential plugin {argv[0]} cannot be started: {error.strerror or error}") from None
    with process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise _refused(context, f"its credential plugin {argv[0]} did not answer within {seconds:g} s") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        said = text(errors.decode("utf-8", "replace"))
        raise _refused(context, f"its credential plugin {argv[0]} failed with exit code {process.returncode}: {said}")
    return output


def _credential(context: Context, path: str, output: bytes) -> Mapping[str, Any]:
    try:
        status = json.loads(output)["status"]
        found = {name: status[name] for name in ("token", "clientCertificateData", "clientKeyData") if status.get(name)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = {}
    for name in ("token", "clientKeyData"):
        if name in found:
            announce(str(found[name]))
    if "token" not in found and len(found) < 2:
        raise _refused(context, f"its credential plugin {path} printed no credential")
    return found


def _refused(context: Context, why: str) -> Refused:
    return Refused(f"context {context.name} of the kubeconfig cannot be used: {why}", remedy=REMEDY)
