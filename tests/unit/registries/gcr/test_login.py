"""Whose credentials are taken at Google, and what a key file has to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from moorage.auth.credential import Basic
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret, blank
from moorage.oci.reference import Registry
from moorage.registries.gcr.application_default import VARIABLE
from moorage.registries.gcr.login import GoogleKeychain
from moorage.transport.session import Session

if TYPE_CHECKING:
    from pathlib import Path

GCR = Registry("gcr.io")
NOBODY = LoginKeychain({})
SESSION = Session()
DOCUMENT = {"type": "service_account", "private_key": "sham-first-line\nsham-second-line\n", "client_email": "me@acme.example"}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(DOCUMENT, indent=2))
    return file


def test_a_key_serves_where_docker_has_nothing(key: Path) -> None:
    keychain = GoogleKeychain(NOBODY, {VARIABLE: str(key)}, SESSION)
    found = keychain.credential(GCR)
    assert isinstance(found, Basic)
    assert (found.username, found.source) == ("_json_key", VARIABLE)
    assert json.loads(found.password.reveal()) == DOCUMENT
    assert keychain.for_docker(GCR) == found


def test_its_lines_are_secrets_each(key: Path) -> None:
    GoogleKeychain(NOBODY, {VARIABLE: str(key)}, SESSION)
    assert blank("said sham-first-line and sham-second-line") == "said *** and ***"


def test_dockers_login_comes_first(key: Path) -> None:
    login = Basic("oauth2accesstoken", Secret("sham-access-token"), "the Docker config")
    keychain = GoogleKeychain(LoginKeychain({GCR: login}), {VARIABLE: str(key)}, SESSION)
    assert keychain.credential(GCR) == login
    assert keychain.for_docker(GCR) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"type": "of_tomorrow"}', '{"no": "type"}', "[" * 100_000])
def test_other_files_give_no_login(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    assert GoogleKeychain(NOBODY, {VARIABLE: str(file)}, SESSION).credential(GCR) is None


def test_no_file_is_no_login(tmp_path: Path) -> None:
    assert GoogleKeychain(NOBODY, {}, SESSION).credential(GCR) is None
    assert GoogleKeychain(NOBODY, {VARIABLE: str(tmp_path / "nowhere.json")}, SESSION).credential(GCR) is None


def test_what_docker_can_renew_is_renewed() -> None:
    class Helper:
        def __init__(self) -> None:
            self.asked = 0

        def credential(self, registry: Registry) -> Basic:
            return Basic("oauth2accesstoken", Secret(f"sham-{registry}-{self.asked}"), "docker-credential-gcloud")

        def renew(self, registry: Registry) -> bool:
            self.asked += len(registry.name) > 0
            return True

    helper = Helper()
    assert GoogleKeychain(helper, {}, SESSION).renew(GCR)
    assert helper.asked == 1
    assert not GoogleKeychain(NOBODY, {}, SESSION).renew(GCR)
