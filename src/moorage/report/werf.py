"""What werf 1.1 writes with --publish-report-path, for whatever reads that: its keys, and those that it lacks beside them.

werf has one record for each image, of the tag that it published last, and writes nothing unless everything went well. Readers
that know no more find the same here; `Tags` has all tags, those that are not up with their errors.
"""

import json
from typing import Any

from moorage.report.published import Published, PublishedTag


def published_werf(published: Published) -> str:
    """The document, in one line as werf's. An image of which no tag is up has its names, and no digests."""
    images: dict[str, dict[str, Any]] = {}
    for tag in published.images:
        record = images.setdefault(
            tag.image, {"WerfImageName": tag.image, **_names(tag), "DockerImageID": "", "DockerImageDigest": ""}
        )
        if tag.error is None:
            record |= {**_names(tag), "DockerImageID": str(tag.config or ""), "DockerImageDigest": str(tag.digest or "")}
        record.setdefault("Tags", []).append(_tag(tag))
    return json.dumps({"Images": images}, separators=(",", ":")) + "\n"


def _names(tag: PublishedTag) -> dict[str, str]:
    return {"DockerRepo": tag.repository, "DockerTag": tag.final_tag}


def _tag(tag: PublishedTag) -> dict[str, str]:
    error = {"Error": tag.error.message} if tag.error is not None else {}
    return {"DockerTag": tag.final_tag, "DockerImageDigest": str(tag.digest or ""), "Status": tag.status, **error}
