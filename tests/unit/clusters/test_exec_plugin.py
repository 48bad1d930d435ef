"""Credential plugins: real programs, well and badly behaved."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from moorage.auth.secret import blank
from moorage.clusters.exec_plugin import ask_plugin
from moorage.clusters.kubeconfig import Context
from moorage.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

V1 = "client.authentication.k8s.io/v1"
ENVIRON = {"PATH": os.environ["PATH"]}


def context(plugin: Path | str, **more: Any) -> Context:
    user = {"exec": {"apiVersion": V1, "command": str(plugin), **more}}
    return Context("prod", "default", ("c", "u"), {"server": "https://c", "proxy-url": "http://p"}, user)


def program(folder: Path, body: str) -> Path:
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_token(tmp_path: Path) -> None:
    answer = json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {"token": "tok-of-plugin"}})
    plugin = program(tmp_path, f"""[ "$1" = get-token ] && [ "$REGION" = eu ] && echo '{answer}'""")
    found = ask_plugin(context(plugin, args=["get-token"], env=[{"name": "REGION", "value": "eu"}]), ENVIRON)
    assert found == {"token": "tok-of-plugin"}
    assert blank("tok-of-plugin") == "***"


def test_it_is_told_what_kubectl_tells(tmp_path: Path) -> None:
    plugin = program(
        tmp_path, f"""printf '%s' "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; echo '{{"status":{{"token":"abcdef"}}}}'"""
    )
    ask_plugin(context(plugin, provideClusterInfo=True), ENVIRON)
    assert json.loads((tmp_path / "info").read_text()) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://c", "proxy-url": "http://p"}},
    }


def test_a_client_certificate(tmp_path: Path) -> None:
    status = {"clientCertificateData": "PEM c", "clientKeyData": "PEM key-4711"}
    plugin = program(tmp_path, f"echo '{json.dumps({'status': status})}'")
    assert ask_plugin(context(plugin), ENVIRON) == status
    assert blank("PEM key-4711") == "***"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo no; exit 0", "printed no credential"),
        ("echo '[]'", "printed no credential"),
        ("""echo '{"status": {"clientKeyData": "x"}}'""", "printed no credential"),
        ("echo log in first >&2; exit 3", "failed with exit code 3: log in first"),
        ("sleep 60", "did not answer within 0.2 s"),
    ],
)
def test_one_that_does_not_do_its_work_is_refused(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        ask_plugin(context(program(tmp_path, body)), ENVIRON, seconds=0.2 if "sleep" in body else 30)


def test_what_is_refused_without_running_anything(tmp_path: Path) -> None:
    plugin = program(tmp_path, f"touch {tmp_path}/ran")
    with pytest.raises(Refused, match="given up"):
        ask_plugin(context(plugin, apiVersion="client.authentication.k8s.io/v1alpha1"), ENVIRON)
    with pytest.raises(Refused, match="talk to somebody"):
        ask_plugin(context(plugin, interactiveMode="Always"), ENVIRON)
    with pytest.raises(Refused, match="'no-such-plugin' is not on PATH: ask your admin"):
        ask_plugin(context("no-such-plugin", installHint="ask your admin"), ENVIRON)
    assert not (tmp_path / "ran").exists()
