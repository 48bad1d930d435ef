"""A repository of Harbor as an inventory: the artifact listing, and what that listing hides.

Hidden are children of indexes (known from their index's `references`) and accessories (known from their subject's `accessories`);
the tags of accessories, such as cosign's, only stand in /v2's own list of tags.
"""

from collections.abc import Collection, Iterable, Mapping

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.snapshot import Readings, read_digests, resolve_tags, with_children
from moorage.registries.harbor import payloads
from moorage.registries.harbor.api import HarborApi
from moorage.registries.harbor.payloads import Artifact

_IMMUTABLE = "a tag immutability rule of the project covers it"
_LISTING: Mapping[str, str] = {
    "sort": "push_time",  # what is pushed meanwhile comes last, and shifts no page
    "with_tag": "true",
    "with_accessory": "true",
    "with_immutable_status": "true",
}


def take_inventory(api: HarborApi, client: Distribution, repository: Repository, *, parallel: int) -> Inventory:
    """Every manifest and every tag. Costs a page per 100 artifacts, one list of tags, one HEAD per hidden tag, and one GET per
    child that may be an index itself. Raises NotFound for a repository that is not there.
    """
    # First, and for its 404: the artifacts of a repository that is not there are merely none (source of 2.x, seen 2026-11).
    names = client.tags(repository)
    listed = _artifacts(api, repository)
    records = {record.name: artifact.digest for artifact in listed for record in artifact.tags}
    hidden = resolve_tags(client, repository, [name for name in names if name not in records], parallel=parallel)
    found = _manifests(client, repository, listed, hidden.values(), parallel)
    return Inventory(
        repository=repository,
        tags={**records, **{tag: digest for tag, digest in hidden.items() if isinstance(digest, Digest)}},
        manifests=found.manifests,
        unreadable=found.unreadable,
        unresolved={tag: reason for tag, reason in hidden.items() if isinstance(reason, str)},
        missing=found.missing,
        locked_tags={record.name: _IMMUTABLE for artifact in listed for record in artifact.tags if record.immutable},
        tag_dates={record.name: record.pushed for artifact in listed for record in artifact.tags if record.pushed},
        lists_untagged=True,
        takes_along=True,
    )


def tags_on(api: HarborApi, repository: Repository, digests: Collection[Digest]) -> Mapping[Digest, frozenset[Tag]]:
    """The tags on those of these manifests that Harbor lists, by a page per 100 artifacts."""
    wanted = frozenset(digests)
    return {
        artifact.digest: frozenset(record.name for record in artifact.tags)
        for artifact in _artifacts(api, repository)
        if artifact.digest in wanted
    }


def _artifacts(api: HarborApi, repository: Repository) -> list[Artifact]:
    place = f"{repository}: Harbor's list of artifacts"
    path = f"{api.repository_path(repository)}/artifacts"
    return api.listed(path, _LISTING, "artifact:list", lambda answer: payloads.artifacts(answer.json(), place))


def _manifests(
    client: Distribution, repository: Repository, listed: Iterable[Artifact], hidden: Iterable[Digest | str], parallel: int
) -> Readings:
    manifests = {artifact.digest: _stored(artifact) for artifact in listed}
    for artifact in listed:
        for accessory in artifact.accessories:
            manifests.setdefault(
                accessory.digest,
                Stored(
                    accessory.digest,
                    subject=artifact.digest,
                    size=accessory.size,
                    date=accessory.created,
                    dated=accessory.created is not None,
                ),
            )
    children = [child for artifact in listed for child in artifact.children]
    images = {child.digest: Stored(child.digest) for child in children if child.is_image}
    known = manifests.keys() | images.keys()
    doubtful = {child.digest for child in children} | {digest for digest in hidden if isinstance(digest, Digest)}
    first = read_digests(client, repository, sorted(doubtful - known), parallel=parallel)
    deeper = with_children(client, repository, first, parallel=parallel)
    return Readings({**images, **deeper.manifests, **manifests}, deeper.unreadable, deeper.missing)


def _stored(artifact: Artifact) -> Stored:
    return Stored(
        artifact.digest,
        artifact.media_type,
        children=tuple(child.digest for child in artifact.children),
        annotations=artifact.annotations,
        size=artifact.size,
        labels=artifact.labels,
        date=artifact.pushed,
        dated=artifact.pushed is not None,  # else the config may say when it was built
    )
