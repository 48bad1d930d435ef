"""Images as files, for tests of sources: layouts, `oci-archive` tars, and what `docker save` writes, old and new."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from moorage.oci.reference import Digest
from tests.images import tar_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.images import Image

LAYOUT_MARK = b'{"imageLayoutVersion":"1.0.0"}'


def layout_files(named: Mapping[str, Image], *, extra: Sequence[Image] = ()) -> dict[str, bytes]:
    """The files of a layout that holds these images under these names, and `extra` without any."""
    entries = [(image, {"org.opencontainers.image.ref.name": name}) for name, image in named.items()]
    entries += [(image, {}) for image in extra]
    document = {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": image.media_type,
                "digest": image.digest.text,
                "size": len(image.content),
                **({"annotations": annotations} if annotations else {}),
            }
            for image, annotations in entries
        ],
    }
    files = {"oci-layout": LAYOUT_MARK, "index.json": json.dumps(document).encode()}
    for image, _ in entries:
        files |= _blobs(image)
    return files


def write_layout(folder: Path, named: Mapping[str, Image], *, extra: Sequence[Image] = ()) -> Path:
    """A layout in a directory, as other tools write it: no dates, no entries for the children of an index."""
    for name, content in layout_files(named, extra=extra).items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def layout_archive(named: Mapping[str, Image], *, extra: Sequence[Image] = ()) -> bytes:
    return tar_of(layout_files(named, extra=extra))


def docker_archive(named: Mapping[str, Image]) -> bytes:
    """`docker save` up to 24: `<id>/layer.tar`, uncompressed; a layer shared by two images is a link to the first one's."""
    return tar_of(docker_archive_files(named))


def docker_archive_files(named: Mapping[str, Image]) -> dict[str, bytes | str]:
    """Names are `repository:tag`; several names of one image become one entry, a name that begins with `<none>` none."""
    files: dict[str, bytes | str] = {}
    entries: dict[Digest, dict[str, object]] = {}
    homes: dict[Digest, str] = {}
    for name, image in named.items():
        config = Digest.of(image.config)
        files[f"{config.hex}.json"] = image.config
        places = []
        for number, one in enumerate(image.layers):
            place = f"{Digest.of(config.hex.encode() + bytes([number])).hex}/layer.tar"
            files.setdefault(place, f"../{homes[one.diff_id]}" if one.diff_id in homes else one.tar)
            homes.setdefault(one.diff_id, place)
            places.append(place)
        entry = entries.setdefault(config, {"Config": f"{config.hex}.json", "RepoTags": [], "Layers": places})
        tags = entry["RepoTags"]
        assert isinstance(tags, list)
        tags += [] if name.startswith("<none>") else [name]
    files["manifest.json"] = json.dumps(list(entries.values())).encode()
    return files


def docker_25_archive(named: Mapping[str, Image]) -> bytes:
    """`docker save` since 25: a layout with a `manifest.json` for old readers beside it."""
    files: dict[str, bytes | str] = {}
    manifests, entries = [], []
    for name, image in named.items():
        files |= _blobs(image)
        annotations = {
            "io.containerd.image.name": f"docker.io/library/{name}",
            "org.opencontainers.image.ref.name": name.split(":")[1],
        }
        descriptor = {"mediaType": image.media_type, "digest": image.digest.text, "size": len(image.content)}
        manifests.append({**descriptor, "annotations": annotations})
        own = next(one for one in image.manifests() if one.layers)
        entries.append(
            {
                "Config": f"blobs/sha256/{Digest.of(own.config).hex}",
                "RepoTags": [name],
                "Layers": [f"blobs/sha256/{one.digest.hex}" for one in own.layers],
            }
        )
    files["oci-layout"] = LAYOUT_MARK
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    files["manifest.json"] = json.dumps(entries).encode()
    return tar_of(files)


def _blobs(image: Image) -> dict[str, bytes]:
    blobs = {**image.all_blobs(), **{one.digest: one.content for one in image.manifests()}}
    return {f"blobs/sha256/{digest.hex}": content for digest, content in blobs.items()}
