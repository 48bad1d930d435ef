"""Scenes at GitHub, for the contract tests of its two registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.scene import Login, Scene, repository_at
from tests.simulators.github import READER, WRITER, GithubSimulator

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.registries.github import VENDOR
from moorage.registries.github.registry import GithubRegistry

if TYPE_CHECKING:
    from tests.simulators.accounts import Account

SHAM = "sham-and-expired-token"


def docker(account: Account) -> Login:
    """A login as docker keeps it; GitHub takes any user name."""
    return Login(Basic("anybody", Secret(account.password), "the Docker config"))


def by_option(account: Account) -> Login:
    return Login(None, {"github-token": Secret(account.password)})


def scene_at(simulator: GithubSimulator, host: str, path: str, **options: Any) -> Scene:
    stranger = Login(Basic("anybody", Secret(SHAM), "the Docker config"))
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Scene(VENDOR, repository_at(host, path), simulator, docker(WRITER), docker(READER), stranger, named)


def opened(scene: Scene, login: Login | None = None, **changes: Any) -> GithubRegistry:
    registry = scene.open(login, **changes)
    assert isinstance(registry, GithubRegistry)
    return registry


def github(scene: Scene) -> GithubSimulator:
    assert isinstance(scene.simulator, GithubSimulator)
    return scene.simulator
