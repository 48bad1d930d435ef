"""The real registry behind a simulator, asked directly: what it holds is the truth, whatever the vendor in front of it says."""

from __future__ import annotations

import http.client
import json

from moorage.oci import media_type
from moorage.oci.reference import Digest


class Upstream:
    """`host` is "127.0.0.1:PORT" of a registry without authentication. Thread-safe."""

    def __init__(self, host: str) -> None:
        self.host = host

    def manifest(self, repository: str, reference: str | Digest) -> bytes | None:
        """The bytes of a manifest, None where the registry has none."""
        status, content = self._ask("GET", f"/v2/{repository}/manifests/{reference}")
        return content if status == 200 else None

    def has_blob(self, repository: str, digest: Digest | str) -> bool:
        return self._ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200

    def blob(self, repository: str, digest: Digest | str) -> bytes:
        """The bytes of a blob, empty where the registry has none."""
        status, content = self._ask("GET", f"/v2/{repository}/blobs/{digest}")
        return content if status == 200 else b""

    def tags(self, repository: str) -> dict[str, Digest]:
        """Each tag with the digest of what a pull of it gets."""
        status, content = self._ask("GET", f"/v2/{repository}/tags/list")
        names = (json.loads(content).get("tags") or []) if status == 200 else []
        found = {name: self.manifest(repository, name) for name in names}
        return {name: Digest.of(manifest) for name, manifest in found.items() if manifest is not None}

    def delete(self, repository: str, digest: Digest) -> int:
        """Delete a manifest for good; the status is 202, or 404 when it was gone."""
        return self._ask("DELETE", f"/v2/{repository}/manifests/{digest}")[0]

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, headers={"Accept": media_type.ACCEPT})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
