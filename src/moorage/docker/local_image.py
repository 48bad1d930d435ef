"""What the engine says about itself and about an image that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.oci.media_type import INDEXES
from moorage.oci.reference import Digest


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """Versions as docker writes them ("28.2.2", "20.10.24+dfsg1"); `server` is empty where no engine answers."""

    client: str
    server: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "EngineVersion":
        """From `docker version --format '{{json .}}'`. Raises KeyError or TypeError for anything else."""
        return cls(document["Client"]["Version"], (document.get("Server") or {}).get("Version") or "")

    @property
    def client_major(self) -> int:
        """The first number of the client's version, 0 where it starts with none."""
        first = self.client.partition(".")[0]
        return int(first) if first.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image in the engine. `layers` are the digests of its uncompressed layers, `tags` the references that name it locally.

    In containerd's store it may be an index, of which the rest describes the one image that fits the engine.
    """

    id: Digest
    tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    created: str
    os: str
    architecture: str
    variant: str
    size: int
    layers: tuple[str, ...]
    labels: Mapping[str, str]
    on_build: tuple[str, ...]
    is_index: bool = False

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "LocalImage":
        """From `docker image inspect --format '{{json .}}'`; newer engines leave empty fields out."""
        config = document.get("Config") or {}
        return cls(
            id=Digest("sha256:" + document["Id"].removeprefix("sha256:")),
            tags=tuple(document.get("RepoTags") or ()),
            repo_digests=tuple(document.get("RepoDigests") or ()),
            created=document.get("Created") or "",
            os=document.get("Os") or "",
            architecture=document.get("Architecture") or "",
            variant=document.get("Variant") or "",
            size=document.get("Size") or 0,
            layers=tuple((document.get("RootFS") or {}).get("Layers") or ()),
            labels=dict(config.get("Labels") or {}),
            on_build=tuple(config.get("OnBuild") or ()),
            is_index=(document.get("Descriptor") or {}).get("mediaType") in INDEXES,
        )

    @property
    def platform(self) -> str:
        """`os/architecture[/variant]`, as --platform takes it."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
