"""Reading layouts without Moorage's code, to find out whether what it left is valid and whole."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REF_NAME = "org.opencontainers.image.ref.name"


def entries(folder: Path) -> list[dict[str, Any]]:
    """The descriptors of `index.json`; fails when the directory is no valid layout."""
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    document = json.loads((folder / "index.json").read_bytes())
    assert document["schemaVersion"] == 2
    for entry in document["manifests"]:
        assert entry["mediaType"]
        assert entry["size"] == (folder / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).stat().st_size
    found: list[dict[str, Any]] = document["manifests"]
    return found


def tags(folder: Path) -> Mapping[str, str]:
    """Tag to digest."""
    named = [
        (entry["annotations"][REF_NAME], entry["digest"]) for entry in entries(folder) if REF_NAME in entry.get("annotations", {})
    ]
    assert len(dict(named)) == len(named), "a tag stands in index.json twice"
    return dict(named)


def untagged(folder: Path) -> set[str]:
    """The digests that `index.json` lists without a tag."""
    return {entry["digest"] for entry in entries(folder) if REF_NAME not in entry.get("annotations", {})}


def blobs(folder: Path) -> set[str]:
    """The digests of all files under `blobs`; each must be what its name says."""
    found = set()
    for place in (folder / "blobs/sha256").iterdir():
        assert sha256(place.read_bytes()).hexdigest() == place.name
        found.add(f"sha256:{place.name}")
    return found


def whole(folder: Path) -> set[str]:
    """Every digest that `index.json` leads to, blobs included; fails where one is missing or damaged."""
    there, reached = blobs(folder), set[str]()
    waiting = [(entry["digest"], entry["mediaType"]) for entry in entries(folder)]
    while waiting:
        digest, kind = waiting.pop()
        assert digest in there, f"{digest} is needed and gone"
        if digest in reached:
            continue
        reached.add(digest)
        document = json.loads((folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes())
        assert document.get("mediaType", kind) == kind
        waiting += [(child["digest"], child["mediaType"]) for child in document.get("manifests", [])]
        parts = [document["config"]["digest"]] if "config" in document else []
        parts += [entry["digest"] for entry in document.get("layers", [])]
        assert there.issuperset(parts), f"{digest} lacks {set(parts) - there}"
        reached.update(parts)
    return reached
