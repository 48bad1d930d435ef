"""No secret is seen: not in a log line, not in an error with all its causes, not in the `repr` of anything."""

from __future__ import annotations

import base64
import logging
import traceback
from typing import TYPE_CHECKING

import pytest
from tests.images import image
from tests.simulators.faults import ALWAYS

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.errors import Failure, RegistryError
from moorage.oci.reference import Digest, Tag
from moorage.registries.interface import TagDeleter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.scene import Login, Scene


class SecrecyPromises:
    @pytest.fixture(autouse=True)
    def _nothing_leaks(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        """Every test of the suite is also a test of its log, at the most talkative level."""
        caplog.set_level(logging.DEBUG)
        yield
        assert not leaks(scene, caplog.text), "a secret stands in the log"

    def test_no_error_holds_a_secret(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        errors: list[Failure] = []
        for status in (400, 401, 403, 404, 409, 500):
            for login in (scene.writer, scene.reader, scene.stranger):
                scene.simulator.faults.bursts.clear()
                scene.simulator.faults.burst(status, times=ALWAYS, document=_indiscreet(scene))
                errors += [error for call in _calls(scene, login) if (error := _error(call))]
        scene.simulator.faults.bursts.clear()
        assert errors
        told = "\n".join(
            "".join(traceback.format_exception(error)) + error.remedy + repr(error) + repr(vars(error)) for error in errors
        )
        assert not leaks(scene, told)

    def test_no_repr_holds_a_secret(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = scene.open()
        registry.inventory(scene.repository)
        found = [repr(registry), str(registry), *(repr(value) for value in vars(registry).values()), repr(scene.writer)]
        assert not leaks(scene, "\n".join(found))


def _indiscreet(scene: Scene) -> object:
    """An error of a server that repeats what it was told."""
    return {"errors": [{"code": "DENIED", "message": f"bad credentials: {secret}"} for secret in scene.simulator.secrets()[:3]]}


def _calls(scene: Scene, login: Login) -> list[Callable[[], object]]:
    registry = scene.open(login)
    calls: list[Callable[[], object]] = [
        lambda: registry.inventory(scene.repository),
        lambda: registry.resolve(scene.repository, Tag("v1")),
        lambda: registry.delete_manifest(scene.repository, Digest.of(b"never pushed")),
    ]
    if isinstance(registry, TagDeleter):
        calls.append(lambda: registry.delete_tag(scene.repository, Tag("v1")))
    return calls


def _error(call: Callable[[], object]) -> Failure | None:
    try:
        call()
    except RegistryError as error:
        return error
    return None


def leaks(scene: Scene, text: str) -> list[str]:
    """The secrets of the scene that stand in a text, in whatever spelling."""
    return [secret for secret in _spellings(scene) if secret in text]


def _spellings(scene: Scene) -> list[str]:
    """Each secret of the scene, and its form in a Basic header."""
    plain = list(scene.simulator.secrets())
    for login in (scene.writer, scene.reader, scene.stranger):
        if isinstance(login.docker, Basic):
            pair = f"{login.docker.username}:{login.docker.password.reveal()}"
            plain += [login.docker.password.reveal(), base64.b64encode(pair.encode()).decode()]
        plain += [value.reveal() for value in login.options.values() if isinstance(value, Secret)]
    return [secret for secret in dict.fromkeys(plain) if len(secret) >= 8]
