"""Names of things in registries. Types nest as the field nests: Registry ⊂ Repository ⊂ Tag | Digest.

Grammar: OCI distribution-spec 1.1, "Pulling manifests"; lengths as Docker enforces them (255 for host and path, 128 for a tag).
A `Registry` may also be `oci:DIR`, a directory of image layouts; everything above the registries treats both alike.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
PATH_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:.]+\])"
    r"(?::(?P<port>[0-9]+))?",
    re.ASCII,
)
LAYOUT_SCHEME = "oci:"
PATH_LIMIT = 255
TAG_LIMIT = 128


class BadReference(ValueError):
    """A text that names nothing; the message reads after the text itself."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """`sha256:` and 64 hexadecimal digits; the only algorithm that registries use."""

    text: str

    def __post_init__(self) -> None:
        if not DIGEST.fullmatch(self.text):
            raise BadReference("a digest is sha256: and 64 lower-case hexadecimal digits")

    def __str__(self) -> str:
        return self.text

    @property
    def hex(self) -> str:
        return self.text.partition(":")[2]

    @property
    def short(self) -> str:
        """The first twelve digits, as docker shows them."""
        return self.hex[:12]

    @classmethod
    def of(cls, content: bytes) -> "Digest":
        return cls("sha256:" + sha256(content).hexdigest())


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """A name that points at one manifest of a repository and can be moved."""

    text: str

    def __post_init__(self) -> None:
        if not TAG.fullmatch(self.text):
            raise BadReference(
                "a tag holds letters, digits, _ . and -, starts with none of the last two, "
                f"and has at most {TAG_LIMIT} characters"
            )

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Registry:
    """A host with an optional port, or `oci:DIR`."""

    name: str

    def __post_init__(self) -> None:
        if self.is_layout:
            if self.name == LAYOUT_SCHEME:
                raise BadReference("a directory is needed after oci:")
            return
        found = _HOST.fullmatch(self.name)
        if not found:
            raise BadReference("a registry is a host name or address with an optional :port, without a scheme")
        if found["port"] is not None and not 0 < int(found["port"]) < 65536:
            raise BadReference("a port lies between 1 and 65535")

    def __str__(self) -> str:
        return self.name

    @property
    def is_layout(self) -> bool:
        return self.name.startswith(LAYOUT_SCHEME)

    @property
    def directory(self) -> str:
        """The directory of a layout registry. Raises ValueError for any other."""
        if not self.is_layout:
            raise ValueError(f"{self.name} is not a directory of layouts")
        return self.name.removeprefix(LAYOUT_SCHEME)


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A path in a registry; holds manifests and the tags that point at them."""

    registry: Registry
    path: str

    def __post_init__(self) -> None:
        if not self.path:
            raise BadReference("a repository path is needed")
        if len(self.path) > PATH_LIMIT:
            raise BadReference(f"a repository path has at most {PATH_LIMIT} characters, this one has {len(self.path)}")
        for component in self.path.split("/"):
            if not PATH_COMPONENT.fullmatch(component):
                raise BadReference(
                    f"path component '{component}' is not lower-case letters and digits, separated by single . or _, __ or dashes"
                )

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A repository and what of it is meant: a tag, a digest, or a tag pinned to a digest."""

    repository: Repository
    tag: Tag | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        if self.tag is None and self.digest is None:
            raise BadReference("a reference needs a tag or a digest")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def split_host(text: str) -> tuple[str | None, str]:
    """Host and path of a reference as docker splits it: the first part is a host when it holds `.` or `:` or is `localhost`."""
    first, slash, rest = text.partition("/")
    if "." in first or ":" in first or first == "localhost":
        return first, rest if slash else ""
    return None, text


DOCKER_HUB = Registry("index.docker.io")
DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def parse_reference(text: str) -> Reference:
    """`[HOST/]PATH[:TAG][@DIGEST]`, with docker's short forms.

    No host means Docker Hub, one segment there means `library/`, no tag means `latest`.
    """
    name, tag, digest = split_reference(text)
    return Reference(parse_repository(name), tag, digest)


def split_reference(text: str) -> tuple[str, Tag | None, Digest | None]:
    """Name, tag and digest of `NAME[:TAG][@DIGEST]`; without either the tag is `latest`."""
    rest, at, digest_text = text.partition("@")
    digest = Digest(digest_text) if at else None
    name, colon, tag_text = rest.rpartition(":")
    if not colon or "/" in tag_text:
        name, colon = rest, ""
    return name, Tag(tag_text) if colon else (None if digest else Tag("latest")), digest


def parse_repository(text: str) -> Repository:
    """`[HOST/]PATH` to a repository; Docker Hub's aliases become one host, and its one-segment names get `library/`."""
    host, path = split_host(text)
    if host is None or host in DOCKER_HUB_HOSTS:
        return Repository(DOCKER_HUB, path if "/" in path else f"library/{path}")
    return Repository(Registry(host), path)
