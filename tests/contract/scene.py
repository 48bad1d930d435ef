"""One repository at one vendor, with everything that a contract test needs of it."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moorage.auth.keychain import LoginKeychain
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.interface import Reader
from moorage.registries.vendor import Connection, VendorOptions
from moorage.transport.session import Session, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.images import Image
    from tests.simulators.clock import FakeClock
    from tests.simulators.simulator import Simulator

    from moorage.auth.credential import Credential
    from moorage.registries.interface import Registry as RegistryPort
    from moorage.registries.vendor import Vendor


@dataclass(frozen=True)
class Login:
    """How somebody logs in: a credential as docker keeps it, values of the vendor's options by name, or both."""

    docker: Credential | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Scene:
    """`writer` may do everything, `reader` may only pull and list, `stranger` has a wrong password."""

    vendor: Vendor
    repository: Repository
    simulator: Simulator
    writer: Login
    reader: Login
    stranger: Login
    options: Mapping[str, Any] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    _docker: Distribution | None = None

    @property
    def clock(self) -> FakeClock:
        return self.simulator.clock

    @property
    def path(self) -> str:
        return self.repository.path

    def now(self) -> datetime:
        return self.clock.now()

    def open(self, login: Login | None = None, **changes: Any) -> RegistryPort:
        """The vendor's registry as a run opens it, on a clock that does not wait. `changes` go to the Connection."""
        login = login or self.writer
        options = VendorOptions({**self.options, **login.options})
        registry = self.repository.registry
        keychain = LoginKeychain({registry: login.docker} if login.docker else {})
        settings: dict[str, Any] = {"allow_stub": True, "parallel": 4, **changes}
        return self.vendor.open(Connection(registry, self._session(), keychain, options, **settings))

    def close(self) -> None:
        for session in self.sessions:
            session.close()

    def push(self, image: Image, *tags: str, age: timedelta = timedelta()) -> Digest:
        """Push an image and all it leads to, as docker does; without tags by its digest. `age` is when, for who dates pushes."""
        with self.aged(age):
            client = self.pusher()
            for digest, content in image.all_blobs().items():
                client.put_blob(self.repository, Blob(digest, len(content)), _opening(content))
            for one in image.manifests():
                for tag in tags if one is image else ():
                    client.put_manifest(self.repository, Tag(tag), one.content, one.media_type)
                if one is not image or not tags:
                    client.put_manifest(self.repository, one.digest, one.content, one.media_type)
        return image.digest

    def tags(self) -> dict[str, Digest]:
        """What a pull of each tag would get right now, by the registry behind."""
        return self.simulator.truth(self.path)

    def has(self, digest: Digest) -> bool:
        return self.simulator.upstream.manifest(self.path, digest) is not None

    def broken(self, digest: Digest) -> list[str]:
        """What is missing of a manifest and all it leads to; nothing, when it can be pulled whole."""
        content = self.simulator.upstream.manifest(self.path, digest)
        if content is None or Digest.of(content) != digest:
            return [f"manifest {digest}"]
        document = json.loads(content)
        blobs = [*document.get("layers", ()), *([document["config"]] if "config" in document else [])]
        lost = [f"blob {blob['digest']}" for blob in blobs if not self.simulator.upstream.has_blob(self.path, blob["digest"])]
        return lost + [line for child in document.get("manifests", ()) for line in self.broken(Digest(child["digest"]))]

    def settle(self) -> None:
        """Let what the vendor does later happen now."""
        self.simulator.settle()

    def changes(self) -> object:
        """What has been asked to change so far; equal only when nothing more was asked."""
        return self.simulator.changes()

    def unreadable(self, digest: Digest) -> None:
        """Damage a manifest's bytes on their way out."""
        self.simulator.faults.unreadable.add(digest)

    def read(self, registry: RegistryPort, digest: Digest) -> bytes:
        assert isinstance(registry, Reader)
        return registry.manifest(self.repository, digest)[0]

    def pusher(self) -> Distribution:
        """Docker's part: pushes go by /v2 with the login that docker has."""
        if self._docker is None:
            keychain = LoginKeychain({self.repository.registry: self.writer.docker} if self.writer.docker else {})
            self._docker = Distribution(self.repository.registry, self._session(), keychain)
        return self._docker

    def _session(self) -> Session:
        self.sessions.append(Session(Wire(parallel=4), clock=self.clock.for_transport()))
        return self.sessions[-1]

    @contextmanager
    def aged(self, age: timedelta) -> Iterator[None]:
        self.simulator.back = age
        try:
            yield
        finally:
            self.simulator.back = timedelta()


def _opening(content: bytes) -> Callable[[], io.BytesIO]:
    return lambda: io.BytesIO(content)


def repository_at(host: str, path: str) -> Repository:
    return Repository(Registry(host), path)
