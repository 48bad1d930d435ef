"""Small blobs by digest, kept on disk between runs: what has a digest never changes, so nothing here can be stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage.commands.atomic import write_atomically
from moorage.errors import ConfigurationError
from moorage.oci.reference import Digest


@dataclass(frozen=True, slots=True)
class BlobCache:
    """`directory` None keeps nothing. A cache that cannot be written to, or holds damaged files, is only slower."""

    directory: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "BlobCache":
        """`$XDG_CACHE_HOME/moorage`, else `~/.cache/moorage` (XDG Base Directory Specification 0.8)."""
        if environ.get("XDG_CACHE_HOME"):
            return cls(Path(environ["XDG_CACHE_HOME"]) / "moorage")
        return cls(Path(environ["HOME"]) / ".cache" / "moorage") if environ.get("HOME") else cls()

    def get(self, digest: Digest) -> bytes | None:
        if self.directory is None:
            return None
        try:
            content = self._place(self.directory, digest).read_bytes()
        except OSError:
            return None
        return content if Digest.of(content) == digest else None

    def put(self, content: bytes) -> None:
        if self.directory is None:
            return
        try:
            write_atomically(self._place(self.directory, Digest.of(content)), content, mode=0o600)
        except ConfigurationError:
            return

    @staticmethod
    def _place(directory: Path, digest: Digest) -> Path:
        return directory / "sha256" / digest.hex
