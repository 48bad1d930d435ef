"""Keep lists: files that name what must stay, one reference or digest per line.

A line is a full reference (`HOST/PATH:TAG`, `HOST/PATH@sha256:…`, docker's short forms, `oci:DIR/NAME:TAG`), a digest on its own,
which then stays in every repository, or a tag on its own, which stays in every repository too. Empty lines and what follows ` #`
are passed over.
A tag that is listed keeps its manifest, and so every other thing that the manifest leads to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moorage.errors import ConfigurationError
from moorage.oci.reference import (
    DIGEST,
    LAYOUT_SCHEME,
    TAG,
    BadReference,
    Digest,
    Reference,
    Registry,
    Repository,
    Tag,
    parse_reference,
    split_reference,
)
from moorage.policy.claims import Claims, Reasons
from moorage.policy.reason import Code, Reason

SIZE_LIMIT = 16 * 1024 * 1024  # bytes


@dataclass
class _Lines:
    """What the lists say: for one repository, and (under None) for all of them."""

    tags: dict[Repository | None, dict[Tag, Reasons]] = field(default_factory=dict)
    digests: dict[Repository | None, dict[Digest, Reasons]] = field(default_factory=dict)

    def add(self, meant: Reference | Digest | Tag, reasons: Reasons) -> None:
        repository = meant.repository if isinstance(meant, Reference) else None
        digest = meant.digest if isinstance(meant, Reference) else meant
        if isinstance(digest, Digest):
            self.digests.setdefault(repository, {})[digest] = reasons
        tag = meant.tag if isinstance(meant, Reference) else meant
        if isinstance(tag, Tag):
            self.tags.setdefault(repository, {})[tag] = reasons


def read_keep_lists(paths: Iterable[Path], repositories: Iterable[Repository]) -> Mapping[Repository, Claims]:
    """What the lists claim in each of these repositories.

    Raises ConfigurationError with every line that names nothing: a list that is misread protects less than its author thinks.
    """
    repositories = tuple(repositories)
    lines, problems = _Lines(), []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            problems.append(f"--keep-list {path} cannot be read: {error.strerror}")
            continue
        if len(content) > SIZE_LIMIT:
            problems.append(f"--keep-list {path} is larger than {SIZE_LIMIT} bytes")
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            text = line.partition(" #")[0].strip()
            if not text or text.startswith("#"):
                continue
            try:
                lines.add(_meant(text, repositories), (Reason(Code.KEEP_LIST, f"named in {path}, line {number}"),))
            except BadReference as error:
                problems.append(f"--keep-list {path}, line {number}: '{text}': {error}")
    if problems:
        raise ConfigurationError(*problems)
    return {repository: _claims(lines, repository) for repository in repositories}


def _meant(text: str, repositories: Iterable[Repository]) -> Reference | Digest | Tag:
    if DIGEST.fullmatch(text):
        return Digest(text)
    if TAG.fullmatch(text):
        return Tag(text)
    if text.startswith(LAYOUT_SCHEME):
        name, tag, digest = split_reference(text)
        return Reference(_layout(name, repositories), tag, digest)
    return parse_reference(text)


def _layout(name: str, repositories: Iterable[Repository]) -> Repository:
    """Only the repositories at hand tell where the directory ends; any other concerns none of them."""
    for repository in repositories:
        if str(repository) == name:
            return repository
    directory, slash, path = name.rpartition("/")
    if not slash:
        raise BadReference("a repository in a directory of layouts is needed, as in oci:DIR/NAME:TAG")
    return Repository(Registry(directory), path)


def _claims(lines: _Lines, repository: Repository) -> Claims:
    return Claims(
        keep_tags={**lines.tags.get(None, {}), **lines.tags.get(repository, {})},
        keep_digests={**lines.digests.get(None, {}), **lines.digests.get(repository, {})},
    )
