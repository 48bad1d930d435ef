"""Blobs on their way in, and where this run has seen them before."""

from collections.abc import Callable
from typing import BinaryIO

from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository
from moorage.registries.distribution.client import Distribution


class SeenBlobs:
    """Uploads to one registry. What this run has seen in one repository is mounted in the next instead of being sent again.

    Thread-safe: two threads that see the same blob first agree on one place, and any place will do.
    """

    def __init__(self, client: Distribution) -> None:
        self._client = client
        self._places: dict[Digest, Repository] = {}

    def has(self, repository: Repository, digest: Digest) -> bool:
        """Whether the repository holds this blob already."""
        found = self._client.has_blob(repository, digest)
        if found:
            self._places.setdefault(digest, repository)
        return found

    def put(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        """Mount the blob from where it was seen, else upload it; `content` opens it anew for each attempt."""
        seen = self._places.get(blob.digest)
        self._client.put_blob(repository, blob, content, source=seen if seen != repository else None)
        self._places.setdefault(blob.digest, repository)
