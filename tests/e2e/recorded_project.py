"""A project that publishes to a registry and cleans up there, with everything that it asks of it on record."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.calling import Called, call
from tests.history import git
from tests.images import image, layer, push

from moorage.auth.keychain import LoginKeychain
from moorage.oci.records import is_record
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.default.registry import DefaultRegistry
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.vendor import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scripted_server import ScriptedServer

    from moorage.transport.session import Session


@dataclass
class Project:
    """A clone with an origin, and a registry that counts what it is asked. Images are published in monorepo mode."""

    folder: Path
    server: ScriptedServer
    session: Session
    name: str
    stages: tuple[str, ...] = ()
    _seen: int = field(default=0)

    def __post_init__(self) -> None:
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", "shop.git")
        git(self.folder, "clone", "--quiet", "shop.git", "clone")

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def repository(self) -> Repository:
        return Repository(Registry(self.server.host), self.name)

    @property
    def port(self) -> DefaultRegistry:
        return DefaultRegistry(Connection(self.repository.registry, self.session, LoginKeychain({})))

    def commit(self, branch: str) -> str:
        git(self.clone, "checkout", "--quiet", "-B", branch)
        git(self.clone, "commit", "--quiet", "--allow-empty", "-m", branch)
        git(self.clone, "push", "--quiet", "--force", "origin", branch)
        return git(self.clone, "rev-parse", "HEAD").strip()

    def publish(self, name: str, content: str, tag: str) -> None:
        source = Registry(f"oci:{self.folder / 'built'}")
        push(LayoutRegistry(source), Repository(source, "image"), image(layer(content)), "built")
        called = self.call("publish", "--image", f"{name}=oci:{self.folder / 'built'}/image:built", "--tag-custom", tag)
        assert called.code == 0, called.err

    def cleanup(self, *argv: str) -> Called:
        called = self.call("cleanup", "--keep-images-built-within-last-n-hours", "0", "--without-kube", "--output", "json", *argv)
        assert called.code == 0, called.err
        return called

    def purge(self, *argv: str) -> Called:
        called = self.call("purge", "--yes", "--keep-images-built-within-last-n-hours", "0", "--without-kube", *argv)
        assert called.code == 0, called.err
        return called

    def forget(self, branch: str) -> None:
        """Delete a branch at origin, and notice that."""
        git(self.folder / "shop.git", "update-ref", "-d", f"refs/heads/{branch}")
        git(self.clone, "fetch", "--quiet", "--prune")

    def call(self, command: str, *argv: str) -> Called:
        where = ("--images-repo", str(self.repository), "--images-repo-mode", "monorepo", "--dir", str(self.clone), *self.stages)
        self._seen = len(self.server.requests)
        return call(command, *where, *argv, environ={"HOME": str(self.folder), "PATH": os.environ["PATH"]})

    def asked(self, pattern: str = "") -> list[str]:
        """What the last call asked for, as `METHOD PATH`."""
        lines = [f"{request.method} {request.path}" for request in self.server.requests[self._seen :]]
        return [line for line in lines if re.search(pattern, line)]

    def tags(self, name: str | None = None) -> frozenset[Tag]:
        return self.port.tag_names(Repository(self.repository.registry, name or self.name))

    def images(self) -> set[str]:
        return {tag.text for tag in self.tags() if not is_record(tag)}
