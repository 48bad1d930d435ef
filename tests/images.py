"""Images as bytes, for tests of everything: deterministic, tiny, and real enough for docker, skopeo and any registry.

    app = image(layer("hello"), labels={"a": "b"})           # an OCI image, linux/amd64
    old = image(layer("hello"), docker=True)                 # with Docker's media types
    both = index(app, image(layer("hi"), platform="linux/arm64"), attestation(app))
    sbom = artifact(app, "application/spdx+json", b"{}")     # OCI 1.1 referrer: its subject is app
    tag, signature = cosign(app)                             # tag sha256-<hex>.sig, as cosign pushes it
    push(registry, repository, both, "v1", "latest")         # through any Writer

The same arguments give the same digests in every run; `filler(n)` gives layers of n bytes that do not compress.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from moorage.oci import media_type
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moorage.registries.interface import Writer

CREATED = "2024-05-06T07:08:09Z"
IN_TOTO = "application/vnd.in-toto+json"
SIGNED_PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"


@dataclass(frozen=True, repr=False)
class Layer:
    """One layer: the tar, and its bytes as stored."""

    tar: bytes
    stored: bytes
    media_type: str

    def __repr__(self) -> str:
        return f"<Layer {self.digest.short}>"

    @property
    def diff_id(self) -> Digest:
        return Digest.of(self.tar)

    @property
    def digest(self) -> Digest:
        return Digest.of(self.stored)


@dataclass(frozen=True, repr=False)
class Image:
    """Any manifest, with all that it leads to. `blobs` are its own; `beside` is what an index says of it in its descriptor."""

    content: bytes
    media_type: str
    blobs: Mapping[Digest, bytes] = field(default_factory=dict)
    children: tuple[Image, ...] = ()
    beside: Mapping[str, object] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()

    def __repr__(self) -> str:
        return f"<Image {self.digest.short} over {', '.join(child.digest.short for child in self.children) or 'layers'}>"

    @property
    def digest(self) -> Digest:
        return Digest.of(self.content)

    @property
    def document(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.content)
        return found

    @property
    def config(self) -> bytes:
        """The config's bytes."""
        config = self.document["config"]
        assert isinstance(config, dict)
        return self.blobs[Digest(config["digest"])]

    def manifests(self) -> tuple[Image, ...]:
        """All manifests, children before the indexes that need them; shared ones once."""
        found = {one.digest: one for child in self.children for one in child.manifests()}
        return (*found.values(), self)

    def all_blobs(self) -> dict[Digest, bytes]:
        return {digest: content for one in self.manifests() for digest, content in one.blobs.items()}


def layer(text: str = "hello", *, name: str = "file.txt", compressed: bool = True, docker: bool = False) -> Layer:
    """A layer with one file that holds `text`."""
    return layer_of({name: text.encode()}, compressed=compressed, docker=docker)


def filler(size: int, *, seed: int = 0, docker: bool = False) -> Layer:
    """A layer of about `size` bytes that do not compress."""
    return layer_of({f"filler-{seed}": random.Random(seed).randbytes(size)}, docker=docker)


def layer_of(files: Mapping[str, bytes], *, compressed: bool = True, docker: bool = False) -> Layer:
    tar = tar_of(files)
    if not compressed:
        kind = media_type.OCI_LAYER if not docker else "application/vnd.docker.image.rootfs.diff.tar"
        return Layer(tar, tar, kind)
    return Layer(tar, gzip.compress(tar, mtime=0), media_type.DOCKER_LAYER_GZIP if docker else media_type.OCI_LAYER_GZIP)


def image(
    *layers: Layer,
    labels: Mapping[str, str] | None = None,
    created: str | None = CREATED,
    platform: str = "linux/amd64",
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
    parent: str = "",
) -> Image:
    """An image of these layers; `layer()` when none are given. `parent` is the ID of the image that it says it was built on."""
    layers = layers or (layer(docker=docker),)
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    named = {"architecture": architecture, "os": system} | ({"variant": variant} if variant else {})
    config = {
        **named,
        **({"created": created} if created is not None else {}),
        "config": {
            "Cmd": ["/bin/true"],
            **({"Image": parent} if parent else {}),
            **({"Labels": dict(labels)} if labels is not None else {}),
        },
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id.text for one in layers]},
        "history": [{"created_by": f"layer {number}"} for number in range(len(layers))],
    }
    blob = _json(config)
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.DOCKER_MANIFEST if docker else media_type.OCI_MANIFEST,
        "config": _descriptor(blob, media_type.DOCKER_CONFIG if docker else media_type.OCI_CONFIG),
        "layers": [_descriptor(one.stored, one.media_type) for one in layers],
        **({"annotations": dict(annotations)} if annotations else {}),
    }
    blobs = {Digest.of(content): content for content in (blob, *(one.stored for one in layers))}
    return Image(_json(document), str(document["mediaType"]), blobs, beside={"platform": named}, layers=layers)


def index(
    *children: Image, docker: bool = False, annotations: Mapping[str, str] | None = None, subject: Image | None = None
) -> Image:
    """An index (with `docker`, a manifest list) over images, attestations or other indexes."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.DOCKER_LIST if docker else media_type.OCI_INDEX,
        "manifests": [{**_descriptor(one.content, one.media_type), **one.beside} for one in children],
        **({"subject": _descriptor(subject.content, subject.media_type)} if subject else {}),
        **({"annotations": dict(annotations)} if annotations else {}),
    }
    return Image(_json(document), str(document["mediaType"]), children=children)


def attestation(of: Image, statement: str = "{}") -> Image:
    """What BuildKit puts beside an image in its index: platform unknown/unknown, an in-toto statement as its layer."""
    payload = statement.encode()
    nowhere = {"architecture": "unknown", "os": "unknown"}
    config = _json({**nowhere, "config": {}, "rootfs": {"type": "layers", "diff_ids": [Digest.of(payload).text]}})
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.OCI_MANIFEST,
        "config": _descriptor(config, media_type.OCI_CONFIG),
        "layers": [
            {**_descriptor(payload, IN_TOTO), "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}}
        ],
    }
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.digest.text}
    blobs = {Digest.of(content): content for content in (config, payload)}
    return Image(_json(document), media_type.OCI_MANIFEST, blobs, beside={"platform": nowhere, "annotations": marks})


def artifact(subject: Image | None, artifact_type: str = "application/vnd.example", payload: bytes = b"payload") -> Image:
    """An OCI 1.1 artifact with an empty config; a referrer of `subject` when there is one."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": _descriptor(b"{}", media_type.OCI_EMPTY),
        "layers": [_descriptor(payload, artifact_type)],
        **({"subject": _descriptor(subject.content, subject.media_type)} if subject else {}),
    }
    blobs = {Digest.of(content): content for content in (b"{}", payload)}
    return Image(_json(document), media_type.OCI_MANIFEST, blobs)


def cosign(of: Image, suffix: str = ".sig") -> tuple[Tag, Image]:
    """A signature (`.att`, `.sbom`) the way cosign stored them before OCI 1.1: an image under a tag named after its target."""
    payload = _json({"critical": {"image": {"docker-manifest-digest": of.digest.text}}, "kind": suffix})
    config = _json(
        {"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [Digest.of(payload).text]}}
    )
    document = {
        "schemaVersion": 2,
        "mediaType": media_type.OCI_MANIFEST,
        "config": _descriptor(config, media_type.OCI_CONFIG),
        "layers": [_descriptor(payload, SIGNED_PAYLOAD)],
    }
    blobs = {Digest.of(content): content for content in (config, payload)}
    return Tag(f"sha256-{of.digest.hex}{suffix}"), Image(_json(document), media_type.OCI_MANIFEST, blobs)


def push(writer: Writer, repository: Repository, what: Image, *tags: str) -> Digest:
    """Store an image and all below it through the port, under these tags, or by digest alone."""
    for digest, content in what.all_blobs().items():
        writer.put_blob(repository, Blob(digest, len(content)), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
    for one in what.manifests():
        if one.digest != what.digest:
            writer.put_manifest(repository, one.digest, one.content, one.media_type)
    references: list[Tag | Digest] = [Tag(tag) for tag in tags]
    for reference in references or [what.digest]:
        writer.put_manifest(repository, reference, what.content, what.media_type)
    return what.digest


def tar_of(files: Mapping[str, bytes | str]) -> bytes:
    """A tar of these files; a text instead of bytes makes a symbolic link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _descriptor(content: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": Digest.of(content).text, "size": len(content)}


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
