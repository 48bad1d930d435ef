"""Deleting from a Nexus: a tag by its component, a manifest by the components of its tags and then by its digest.

`DELETE /v2/NAME/manifests/DIGEST` took the tags along until about 3.81; later versions leave them standing over nothing
(sonatype/nexus-public#925, seen 2026-11). With the tags' components gone first, both come to the same.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from moorage.errors import Denied, ItemRefused, NotFound, Unsupported
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.just_seen import JustSeen
from moorage.registries.nexus.api import NexusApi, privilege
from moorage.registries.nexus.payloads import Component
from moorage.registries.nexus.place import Place, Places

_REBUILD: Final = "Let Nexus run its task `Repair - Rebuild repository search` for this repository, then run again."


class Deletion:
    """Thread-safe. What was listed is remembered, so that a component need not be searched for again.

    `seen` is told where tags were found to point; no component is deleted on an older look than that.
    """

    def __init__(self, api: NexusApi, client: Distribution, places: Places) -> None:
        self._api = api
        self._client = client
        self._places = places
        self._lock = threading.Lock()
        self.seen: JustSeen[tuple[Repository, Tag | Digest], Digest] = JustSeen()
        self._listed: dict[Repository, dict[Tag, Component]] = {}
        self._tagged: dict[Repository, dict[Digest, tuple[Tag, ...]]] = {}

    def learn(self, inventory: Inventory, components: Iterable[Component]) -> None:
        """Remember the components of tags, and the tags of every manifest that was seen."""
        tagged = {**dict.fromkeys(inventory.manifests, ()), **inventory.tags_of()}
        with self._lock:
            self._listed[inventory.repository] = {one.reference: one for one in components if isinstance(one.reference, Tag)}
            self._tagged[inventory.repository] = tagged

    def obstacle(self, place: Place) -> tuple[str, str]:
        """Why nothing can be deleted in this repository, and what to do about it; both empty where nothing speaks against it."""
        kind = self._api.kind(place)
        if kind is None or kind.type == "hosted":
            return "", ""
        if kind.type == "group":
            names = self._api.members(place)
            members = f"one of its members ({', '.join(names)})" if names else "the hosted repository that is its member"
            return (
                f"{place.repository} is a group of repositories in Nexus, and nothing is deleted in a group",
                f"Name {members} with --nexus-repository, at an address that leads to it.",
            )
        return (
            f"{place.repository} is a {kind.type} repository of Nexus: what is deleted there comes back with the next pull",
            "Delete in the registry that it stands for.",
        )

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Raises NotFound; Unsupported, with nothing changed, outside of hosted repositories."""
        self._delete_component(repository, self._place(repository), tag)

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        """Remove a manifest and every tag that still points at it; tags that have moved on stay."""
        place = self._place(repository)
        gone = False
        for tag in self._tags(repository, place, digest):
            if (self.seen.take((repository, tag)) or self._target(repository, tag)) == digest:
                self._delete_component(repository, place, tag)
                gone = True
        try:
            self._client.delete(repository, digest)
        except NotFound:
            if not gone:
                raise
        except Denied as error:
            if isinstance(error, ItemRefused):
                raise
            raise self._api.denied(error.message, privilege(place, "delete")) from None

    def _place(self, repository: Repository) -> Place:
        place = self._places.of(repository)
        why, remedy = self.obstacle(place)
        if why:
            raise Unsupported(f"{repository}: {why}", remedy=remedy)
        return place

    def _tags(self, repository: Repository, place: Place, digest: Digest) -> Sequence[Tag]:
        """The tags that the inventory saw on a manifest; a manifest that it did not see is searched for."""
        with self._lock:
            listed = self._tagged.get(repository, {}).get(digest)
        if listed is not None:
            return listed
        found = self._api.search(place, **{"docker.contentDigest": str(digest)})
        return [one.reference for one in found if isinstance(one.reference, Tag) and one.image == place.image]

    def _delete_component(self, repository: Repository, place: Place, tag: Tag) -> None:
        """A component that was pushed anew since the listing has another id, so what is not there is searched for once."""
        with self._lock:
            listed = self._listed.get(repository, {}).get(tag)
        if listed is not None and self._api.delete(place, listed):
            return
        for component in self._api.search(place, name=f'"{place.image}"', version=f'"{tag}"'):
            if component.image == place.image and component.reference == tag and self._api.delete(place, component):
                return
        if self._target(repository, tag) is None:
            raise NotFound(f"{repository}:{tag} is not there")
        raise ItemRefused(f"{repository}:{tag} is there, and Nexus's search does not find it, so it cannot go", remedy=_REBUILD)

    def _target(self, repository: Repository, tag: Tag) -> Digest | None:
        try:
            return self._client.head(repository, tag).digest
        except NotFound:
            return None
