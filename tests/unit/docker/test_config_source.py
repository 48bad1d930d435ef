import base64
import json
from pathlib import Path

import pytest

from moorage.auth.secret import blank
from moorage.docker.config_source import read_source
from moorage.errors import ConfigurationError


def directory(path: Path, text: str = "") -> Path:
    path.mkdir()
    if text:
        (path / "config.json").write_text(text, encoding="utf-8")
    return path


def test_only_what_a_run_needs_is_kept(tmp_path: Path) -> None:
    whole = {
        "auths": {"quay.io": {"auth": "dTpw"}}, "credHelpers": {"gcr.io": "gcloud"}, "credsStore": "pass",
        "HttpHeaders": {"X": "y"}, "proxies": {"default": {}}, "currentContext": "remote", "cliPluginsExtraDirs": ["/p"],
        "psFormat": "table", "aliases": {"builder": "buildx"}, "plugins": {"hooks": {}}, "detachKeys": "ctrl-e",
    }  # fmt: skip
    found = read_source(directory(tmp_path / "docker", json.dumps(whole)))
    assert set(whole) - set(found.content) == {"psFormat", "aliases", "plugins", "detachKeys"}


def test_no_file_is_an_empty_configuration(tmp_path: Path) -> None:
    assert read_source(tmp_path).content == {}


def test_broken_json_is_named_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"docker/config.json, line 2, column 3: .*Expecting"):
        read_source(directory(tmp_path / "docker", '{\n  auths: {"quay.io": {"auth": "c2VjcmV0"}}}'))


def test_every_misfit_is_named_at_once_and_no_value_is_shown(tmp_path: Path) -> None:
    text = json.dumps({"auths": "hunter2hunter2", "HttpHeaders": [], "credsStore": ["pass"]})
    with pytest.raises(ConfigurationError) as caught:
        read_source(directory(tmp_path / "docker", text))
    named = [problem.partition("config.json: ")[2] for problem in caught.value.problems]
    assert named == ["auths must be an object", "credsStore must be a text", "HttpHeaders must be an object"]


def test_a_login_that_is_none_is_named_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"auths\.quay\.io") as caught:
        read_source(directory(tmp_path / "docker", '{"auths": {"quay.io": "hunter2hunter2"}}'))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", '"auths"', "null", "7"])
def test_a_document_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="an object in braces"):
        read_source(directory(tmp_path / "docker", text))


def test_the_secrets_in_it_are_known_as_secrets_from_then_on(tmp_path: Path) -> None:
    auth = base64.b64encode(b"bob:correct-horse").decode()
    text = json.dumps(
        {"auths": {"quay.io": {"auth": auth, "email": None}, "b.io": {"identitytoken": "refresh-me"}, "gcr.io": None}}
    )
    read_source(directory(tmp_path / "docker", text))
    assert blank(f"{auth} correct-horse refresh-me bob") == "*** *** *** bob"
