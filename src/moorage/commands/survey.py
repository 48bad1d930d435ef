"""Looking at a repository: list it, and ask for the facts that a plan would rest on, no more."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from moorage.errors import Denied, NotFound, RegistryError, Throttled, Unauthorized
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import BadManifest, parse_manifest
from moorage.oci.records import without_records
from moorage.oci.reference import Digest, Repository
from moorage.policy.claims import Claims
from moorage.policy.planner import Planner
from moorage.policy.rules import Policy
from moorage.registries.interface import Describer, Reader, ReferrerLister, Registry, Revealer, TagDeleter

WHOLE_MANIFESTS_ONLY = "this registry only removes whole manifests with all their tags"


@dataclass(frozen=True, slots=True)
class Question:
    """What a survey is for."""

    policy: Policy
    now: datetime
    claims: Claims


def look(registry: Registry, repository: Repository) -> Inventory:
    """What the repository holds; records are told from images whatever the registry makes of them."""
    return without_records(registry.inventory(repository))


def labelled(registry: Registry, inventory: Inventory) -> Inventory:
    """The same, with the labels of every tagged image: what a project published is told by nothing else."""
    tagged = set(inventory.tags.values()) & inventory.manifests.keys()
    wanted = [digest for digest in tagged if inventory.manifests[digest].labels is None]
    return inventory.with_manifests(described(registry, inventory, wanted)) if wanted else inventory


def complete(registry: Registry, inventory: Inventory, question: Question) -> Planner:
    """Fill in what the plan would rest on. Each round asks only for what the rounds before made relevant."""
    reason = registry.cannot_untag(inventory.repository) if isinstance(registry, TagDeleter) else WHOLE_MANIFESTS_ONLY
    asked: frozenset[Digest] = frozenset()
    while True:
        planner = Planner(inventory, question.policy, question.now, question.claims, reason)
        needs = planner.needs(asked)
        if needs.manifests:
            inventory = looked_up(registry, inventory, needs.manifests)
        elif needs.dates:
            inventory = inventory.with_manifests(described(registry, inventory, needs.dates))
        elif needs.unread:
            inventory = revealed(registry, inventory, needs.unread)
        elif needs.referrers and isinstance(registry, ReferrerLister):
            asked |= needs.referrers
            found = registry.referrers(inventory, needs.referrers)
            inventory = inventory.with_manifests(stored for stored in found if stored.digest not in inventory.manifests)
        else:
            return planner


def revealed(registry: Registry, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
    """The same, with those of these manifests read that the listing left unread."""
    wanted = [digest for digest in digests if digest in inventory.manifests and inventory.manifests[digest].unread]
    if not wanted:
        return inventory
    if not isinstance(registry, Revealer):
        raise TypeError("a registry that leaves manifests unread has to read them on request")
    return registry.reveal(inventory, wanted)


def seen_again(registry: Registry, before: Inventory, digests: Iterable[Digest]) -> Inventory:
    """What a repository holds by now, these manifests read. What was read before is not read again: no digest's bytes change."""
    anew = look(registry, before.repository)
    read = {digest: stored for digest, stored in before.manifests.items() if not stored.unread}
    known = [stored.with_bytes_of(read[digest]) for digest, stored in anew.manifests.items() if stored.unread and digest in read]
    return revealed(registry, anew.with_manifests(known), digests)


def looked_up(registry: Registry, inventory: Inventory, digests: Iterable[Digest]) -> Inventory:
    """The same, with these manifests and all that they lead to; each is then known, unreadable or missing.

    Raises Unauthorized, Denied and Throttled, which concern the repository as a whole.
    """
    manifests: dict[Digest, Stored] = {}
    unreadable: dict[Digest, str] = {}
    missing: set[Digest] = set()
    queue = list(digests)
    for digest in queue:  # grows while it is walked
        try:
            stored = _read(registry, inventory.repository, digest)
        except NotFound:
            missing.add(digest)
        except (Unauthorized, Denied, Throttled):
            raise
        except (RegistryError, BadManifest) as error:
            unreadable[digest] = str(error)
        else:
            manifests[digest] = stored
            queue += [child for child in stored.children if child not in inventory.manifests and child not in queue]
    return replace(
        inventory,
        manifests={**inventory.manifests, **manifests},
        unreadable={**inventory.unreadable, **unreadable},
        missing=inventory.missing | missing,
    )


def _read(registry: Registry, repository: Repository, digest: Digest) -> Stored:
    if not isinstance(registry, Reader):
        registry.resolve(repository, digest)
        raise BadManifest("cannot be read on this registry")
    content, media_type = registry.manifest(repository, digest)
    return Stored.of(parse_manifest(content, media_type), content)


def described(registry: Registry, inventory: Inventory, digests: Iterable[Digest]) -> list[Stored]:
    """Every one of these with `dated` set, whatever the registry could say: what was asked is not asked again."""
    wanted = set(digests)
    answers = registry.describe(inventory, wanted) if isinstance(registry, Describer) else ()
    found = {stored.digest: replace(stored, dated=True) for stored in answers}
    silent = (replace(inventory.manifests[digest], dated=True) for digest in wanted - found.keys())
    return [*found.values(), *silent]
