"""ECR as a scene: whose AWS credentials a run finds stands in the environment, as it does in a job."""

from __future__ import annotations

import functools
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import JSONFileLoader
from tests.contract.scene import Login, Scene, repository_at
from tests.simulators.accounts import Account
from tests.simulators.ecr import ACCOUNT, READER, REGION, WRITER, EcrSimulator
from tests.simulators.ecr_public import ALIAS, PublicEcrSimulator
from tests.simulators.network import Network, network
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.registries.ecr import VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from moorage.registries.interface import Registry

_LOADER = JSONFileLoader()
PUBLIC_NAMES = ("public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com")
STRANGER = Account("AKIDSHAMWRITER", "sham-and-wrong-secret-key")
_FOREIGN_TO_TESTS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE")


@dataclass(frozen=True)
class AwsLogin(Login):
    """The keys of an account, beside what docker may have."""

    key_id: str = ""
    key: Secret = field(default_factory=lambda: Secret(""))

    @classmethod
    def of(cls, account: Account, docker: Basic | None = None) -> AwsLogin:
        return cls(docker, {}, account.name, Secret(account.password))

    @property
    def environment(self) -> Mapping[str, str]:
        """Where AWS's chain looks first."""
        return {"AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.key.reveal()}


class EcrScene(Scene):
    """Opening a registry puts the login's keys into the environment of this process."""

    def open(self, login: Login | None = None, **changes: Any) -> Registry:
        chosen = login or self.writer
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.pop(name, None)
        if isinstance(chosen, AwsLogin):
            os.environ.update(chosen.environment)
        return super().open(chosen, **changes)


def aws_env(home: str = "/nonexistent") -> dict[str, str]:
    """An environment in which AWS's chain finds nothing but what a test puts there."""
    files = {"AWS_SHARED_CREDENTIALS_FILE": f"{home}/credentials", "AWS_CONFIG_FILE": f"{home}/config"}
    return {"AWS_EC2_METADATA_DISABLED": "true", **files}


@contextmanager
def private_scene(upstream: str, path: str = "") -> Iterator[EcrScene]:
    """A forced `ecr` on a loopback port, with its API on the same."""
    with pytest.MonkeyPatch.context() as patch, serving(EcrSimulator(upstream)) as (simulator, host):
        _isolate(patch)
        patch.setenv("AWS_ENDPOINT_URL_ECR", f"http://{host}")
        options = {"ecr-registry-id": ACCOUNT, "ecr-region": REGION}
        scene = scene_at(simulator, host, path or f"team/{uuid.uuid4().hex}", options)
        yield scene
        scene.close()


_read_once = functools.cache(JSONFileLoader.load_file)  # of botocore's own data: parsing it for each client took half the time


def _isolate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JSONFileLoader, "load_file", lambda _, path: _read_once(_LOADER, path))
    for name in (*_FOREIGN_TO_TESTS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "")  # so that it is put back whatever a scene does to it
        patch.delenv(name)
    for name, value in aws_env().items():
        patch.setenv(name, value)


@pytest.fixture
def aws_chain() -> Iterator[None]:
    """AWS's chain finds nothing, until a scene is opened."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch)
        yield


def scene_at(simulator: EcrSimulator, host: str, path: str, options: Mapping[str, Any] | None = None) -> EcrScene:
    """A scene at a host that leads to the simulator. Docker has a login of its own, as after amazon-ecr-login."""
    docker = Basic("AWS", Secret(simulator.accounts.issue(WRITER)), "the Docker config")
    wrong = Basic("AWS", Secret("sham-and-wrong-password"), "the Docker config")
    writer, reader = AwsLogin.of(WRITER, docker), AwsLogin.of(READER)
    return EcrScene(VENDOR, repository_at(host, path), simulator, writer, reader, AwsLogin.of(STRANGER, wrong), options or {})


@pytest.fixture(scope="module")
def public_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network in which public.ecr.aws leads to whatever simulator a scene puts there: one certificate for all of a module."""
    nobody = PublicEcrSimulator("127.0.0.1:1")
    with network(dict.fromkeys(PUBLIC_NAMES, nobody), tmp_path_factory.mktemp("network")) as found:
        yield found


@contextmanager
def public_scene(upstream: str, names: Network) -> Iterator[EcrScene]:
    """public.ecr.aws under its own name: there is one, and its API is found without being told where."""
    simulator = PublicEcrSimulator(upstream)
    names.listener.hosts.update(dict.fromkeys(PUBLIC_NAMES, simulator))
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch)
        for name, value in names.env.items():
            patch.setenv(name, value)
        scene = scene_at(simulator, PUBLIC_NAMES[0], f"{ALIAS}/team/{uuid.uuid4().hex}")
        yield scene
        scene.close()
    simulator.finish()
