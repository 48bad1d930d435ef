"""`moorage doctor` tells the truth about real registries, and changes nothing there."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.calling import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.realparts.token_registry import TokenRegistry


def logged_in(folder: Path, host: str, name: str, password: str) -> dict[str, str]:
    """An environment whose Docker config knows this login."""
    auth = base64.b64encode(f"{name}:{password}".encode()).decode()
    (folder / ".docker").mkdir(exist_ok=True)
    (folder / ".docker" / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return {"HOME": str(folder)}


def rights(document: Any) -> dict[str, object]:
    [place] = document["repositories"]
    return {right["name"]: right["possible"] for right in place["rights"]}


def test_an_open_registry(registry: RunningRegistry, tmp_path: Path) -> None:
    before = len(registry.log.read_text().splitlines())
    found = call("doctor", "--images-repo", f"{registry.host}/doctor/app", "--output", "json", environ={"HOME": str(tmp_path)})
    assert found.code == 0, found.err
    document = found.document
    assert (document["implementation"], document["form"], document["mode"]) == ("default", "repository", "multirepo")
    assert document["credential"] == "none: anonymous"
    assert rights(document) == {"list": None, "pull": None, "push": None, "delete": None}
    asked = registry.log.read_text().splitlines()[before:]
    changing = [f"http.request.method={method}" for method in ("PUT", "POST", "DELETE", "PATCH")]
    assert not [line for line in asked if any(method in line for method in changing)]


@pytest.mark.parametrize(("who", "may"), [("writer", True), ("reader", False)])
def test_a_token_service_says_what_it_grants(token_registry: TokenRegistry, tmp_path: Path, who: str, may: bool) -> None:
    user = getattr(token_registry, who)
    environ = logged_in(tmp_path, token_registry.host, user.name, user.password)
    options = ("--images-repo", f"{token_registry.host}/doctor/app", "--ca-file", str(token_registry.ca_file))
    found = call("doctor", *options, "--output", "json", environ=environ)
    assert found.code == (0 if may else 3), found.err
    assert rights(found.document) == {"list": None, "pull": True, "push": may, "delete": may}
    assert user.name in found.document["credential"]
    assert user.password not in found.out + found.err
    if not may:
        assert any("grant repository:doctor/app:delete" in problem for problem in found.document["problems"])


def test_a_wrong_password_is_named_by_its_source(token_registry: TokenRegistry, tmp_path: Path) -> None:
    environ = logged_in(tmp_path, token_registry.host, "nobody", "wrong-password")
    options = ("--images-repo", f"{token_registry.host}/doctor/app", "--ca-file", str(token_registry.ca_file))
    found = call("doctor", *options, environ=environ)
    assert found.code == 3
    assert "config.json" in found.err + found.out
    assert "wrong-password" not in found.out + found.err


def test_nobody_answers(tmp_path: Path) -> None:
    found = call("doctor", "--images-repo", "localhost:1/doctor/app", "--output", "json", environ={"HOME": str(tmp_path)})
    assert found.code == 3


def test_a_basic_registry_is_not_tried(registry_factory: object, tmp_path: Path) -> None:
    closed = registry_factory(users={"ana": "sham-password"})  # type: ignore[operator]
    environ = logged_in(tmp_path, closed.host, "ana", "sham-password")
    found = call("doctor", "--images-repo", f"{closed.host}/doctor/app", environ=environ)
    assert found.code == 0, found.err
    assert "only trying would tell" in found.out
    assert requests.get(f"{closed.url}/v2/_catalog", auth=("ana", "sham-password"), timeout=10).json() == {"repositories": []}


def test_what_becomes_of_repositories_is_listed_among_the_abilities(registry: RunningRegistry, tmp_path: Path) -> None:
    def abilities(address: str, *argv: str) -> dict[str, object]:
        found = call("doctor", "--images-repo", address, *argv, "--output", "json", environ={"HOME": str(tmp_path)})
        return {ability["name"]: ability["possible"] for ability in found.document["abilities"]}

    plain, layouts = abilities(f"{registry.host}/doctor/app"), abilities(f"oci:{tmp_path}/layouts")
    assert (plain["make repositories"], plain["delete an empty repository"]) == (False, False)
    assert (layouts["make repositories"], layouts["delete an empty repository"]) == (False, True)
    quay = abilities(f"{registry.host}/doctor/app", "--images-repo-implementation", "quay")
    assert quay["delete an empty repository"] is False
