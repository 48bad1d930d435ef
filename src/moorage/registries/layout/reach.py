"""What a layout knows: every manifest that `index.json` lists, and what those lead to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moorage.errors import Contradiction, NotFound
from moorage.oci.layout import LayoutIndex
from moorage.oci.manifest import BadManifest, Manifest
from moorage.oci.reference import Digest

ReadManifest = Callable[[Digest, str], Manifest]
"""A manifest by digest and declared media type. Raises NotFound, Contradiction, BadManifest."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Reach:
    """The manifests reached from an index, over children and subjects.

    `dates` are push dates, each manifest having the latest of its own and of the indexes that it belongs to.
    """

    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    unreadable: dict[Digest, str] = field(default_factory=dict)
    missing: set[Digest] = field(default_factory=set)
    dates: dict[Digest, datetime] = field(default_factory=dict)

    def __contains__(self, digest: Digest) -> bool:
        return digest in self.manifests or digest in self.unreadable or digest in self.missing

    def parents(self, digest: Digest) -> list[Digest]:
        """The manifests that have this one as a child."""
        return sorted(manifest.digest for manifest in self.manifests.values() if digest in manifest.children)

    def needed(self) -> set[Digest]:
        """Every blob that something reached refers to, the manifests themselves included.

        Whatever an unreadable manifest refers to is not in it: while there is one, nothing may be freed.
        """
        found = set(self.manifests)
        for manifest in self.manifests.values():
            found.update(manifest.children)
            found.update(blob.digest for blob in manifest.blobs)
        return found


def reach(index: LayoutIndex, read: ReadManifest) -> Reach:
    """Walk everything that the index lists. Broken and absent manifests become findings; nothing stops the walk."""
    found = Reach()
    # The latest is walked first and whole, so that whatever is reached again later has the right date already.
    roots = sorted(index, key=lambda entry: entry.pushed or _LONG_AGO)
    waiting = [_Step(entry.digest, entry.media_type, entry.pushed) for entry in roots]
    while waiting:
        step = waiting.pop()
        if _settled(found, step):
            continue
        if step.pushed is not None:
            found.dates.setdefault(step.digest, step.pushed)
        manifest = _visit(found, step, read)
        if manifest is not None:
            waiting.extend(_Step(child, "", step.pushed, certain=manifest.is_index) for child in manifest.children)
            if manifest.subject is not None:
                waiting.append(_Step(manifest.subject, "", None))
    return found


@dataclass(frozen=True, slots=True)
class _Step:
    digest: Digest
    media_type: str
    pushed: datetime | None
    certain: bool = True  # False: mentioned by a manifest of unknown kind, so it may be a layer or a config as well


def _settled(found: Reach, step: _Step) -> bool:
    if step.pushed is not None and step.digest not in found.dates:
        return False
    if step.digest in found.missing:
        return not step.certain
    return step.digest in found.manifests or step.digest in found.unreadable


def _visit(found: Reach, step: _Step, read: ReadManifest) -> Manifest | None:
    known = found.manifests.get(step.digest)
    if known is not None:
        return known
    try:
        manifest = read(step.digest, step.media_type)
    except NotFound:
        found.missing.add(step.digest)
    except (Contradiction, BadManifest) as error:
        if step.certain:
            found.unreadable[step.digest] = str(error)
            found.missing.discard(step.digest)
        else:
            found.missing.add(step.digest)
    else:
        found.manifests[step.digest] = manifest
        found.missing.discard(step.digest)
        return manifest
    return None
