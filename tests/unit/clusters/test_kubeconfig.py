"""Kubeconfigs: merged as kubectl merges them, refused where they do not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.auth.secret import blank
from moorage.clusters.kubeconfig import read_contexts
from moorage.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

ONE = """
clusters: [{name: c, cluster: {server: https://one, certificate-authority: ca.crt}}]
users: [{name: u, user: {client-certificate: /etc/u.crt, client-key: keys/u.key}}]
contexts: [{name: prod, context: {cluster: c, user: u, namespace: web}}]
"""
TWO = """
clusters: [{name: c, cluster: {server: https://two}}, {name: d, cluster: {server: https://three}}]
users: [{name: v, user: {exec: {command: ./login, apiVersion: client.authentication.k8s.io/v1}, tokenFile: t}}]
contexts:
- {name: staging, context: {cluster: c, user: v}}
- {name: nobody, context: {cluster: d}}
"""


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_first_of_two_entries_counts_and_paths_start_at_their_own_file(tmp_path: Path) -> None:
    found = read_contexts([written(tmp_path, "a/one", ONE), written(tmp_path, "b/two", TWO)])
    assert list(found) == ["prod", "staging", "nobody"]
    prod, staging, nobody = found.values()
    assert prod.namespace == "web"
    assert prod.cluster == {"server": "https://one", "certificate-authority": str(tmp_path / "a/ca.crt")}
    assert prod.user == {"client-certificate": "/etc/u.crt", "client-key": str(tmp_path / "a/keys/u.key")}
    assert staging.cluster["server"] == "https://one"
    assert staging.namespace == "default"
    assert staging.user["tokenFile"] == str(tmp_path / "b/t")
    assert staging.user["exec"]["command"] == str(tmp_path / "b/login")
    assert nobody.user == {}


def test_an_empty_file_has_no_contexts(tmp_path: Path) -> None:
    assert read_contexts([written(tmp_path, "empty", "")]) == {}


def test_secrets_are_known_as_such_from_then_on(tmp_path: Path) -> None:
    text = "users: [{name: u, user: {token: tok-4711-kube, password: pass-4711-kube, client-key-data: a2V5LTQ3MTEta3ViZQ==}}]"
    read_contexts([written(tmp_path, "c", text)])
    assert blank("tok-4711-kube pass-4711-kube a2V5LTQ3MTEta3ViZQ==") == "*** *** ***"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no YAML"),
        ("users: [{name: u, user: {token: tok-1234-broken", "is no YAML"),
        ("[]", "is no kubeconfig"),
        ("clusters: none", "has no list of clusters"),
        ("users: [{name: 1, user: {}}]", r"users\[0\] needs a name"),
        ("contexts: [{name: x, context: {cluster: gone}}]", "context x of the kubeconfig: there is no cluster 'gone'"),
        ("clusters: [{name: c}]\ncontexts: [{name: x, context: {cluster: c, user: gone}}]", "there is no user 'gone'"),
        ("a: " + "x" * 1024 * 1024, "larger"),
    ],
    ids=["yaml", "yaml-with-token", "list", "clusters", "name", "no-cluster", "no-user", "large"],
)
def test_what_does_not_fit_together_is_refused_without_showing_its_text(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        read_contexts([written(tmp_path, "config", text)])
    assert "tok-1234" not in repr(caught.value)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(Refused, match="cannot be read"):
            read_contexts([path])
