"""What runs in Kubernetes, as claims: asked once before a plan is made, and nothing is deleted where that could not be told."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from moorage.commands.world import World
from moorage.errors import Refused
from moorage.oci.inventory import Inventory
from moorage.oci.reference import BadReference, Digest, Repository, Tag, parse_reference
from moorage.policy.claims import Claims, Reasons
from moorage.policy.reason import Code, Reason
from moorage.settings.problems import nearest
from moorage.settings.settings import ClusterSettings

if TYPE_CHECKING:
    from moorage.clusters.kubeconfig import Context
    from moorage.clusters.workloads import Use

NO_KUBECONFIG: Final = "there is no kubeconfig, so nobody asks Kubernetes which images run (--without-kube: this is meant)"
_REMEDY: Final = "Correct --kube-config and --kube-context, or say --without-kube and name what runs in --keep-list FILE."
_DIGEST: Final = re.compile(r"(?:^|@|//)(sha256:[0-9a-f]{64})$", re.ASCII)
_SCHEME: Final = re.compile(r"^[a-z-]+://", re.ASCII)  # docker-pullable://, docker://: how runtimes mark the identity of an image
_CONTENT: Final = "of --kube-config-base64"  # what that one is called
_TOLD: Final = 3  # workloads that a reason names, at most


@dataclass(frozen=True, slots=True)
class Running:
    """What is in use. `named` are the tags that workloads name, `digests` all that they name or have pulled, from wherever.

    A digest says what runs whatever repository it was pulled from: a node that has an image under two names reports either.
    `here` are the digests that were named as being of a repository; they are in use there even where they are not listed.
    `objections` are why a real run would be refused, in a dry run.
    """

    named: Mapping[Repository, Mapping[Tag, Reasons]] = field(default_factory=dict)
    digests: Mapping[Digest, Reasons] = field(default_factory=dict)
    here: Mapping[Repository, frozenset[Digest]] = field(default_factory=dict)
    objections: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def claims(self, inventory: Inventory) -> Claims:
        """What this claims in one repository: tags by name; digests with every index that they are part of."""
        there = {*inventory.manifests, *inventory.unreadable, *inventory.tags.values(), *self.here.get(inventory.repository, ())}
        kept: dict[Digest, Reasons] = {digest: reasons for digest, reasons in self.digests.items() if digest in there}
        for digest, stored in inventory.manifests.items():
            if (
                stored.config is not None and stored.config in self.digests
            ):  # docker's own identity of an image, which some nodes report
                kept.setdefault(digest, self.digests[stored.config])
        return Claims(keep_tags=self.named.get(inventory.repository, {}), keep_digests={**_wholes(inventory, kept), **kept})


def running(clusters: ClusterSettings | None, world: World, *, dry_run: bool) -> Running:
    """Ask the clusters. Raises Refused where one could not be asked in full; in a dry run that is an objection."""
    if clusters is None:
        return Running()
    if not clusters.files and not clusters.asked_for:
        world.progress.note(NO_KUBECONFIG)
        return Running()
    try:
        return _found(_uses(clusters, world))
    except Refused as refusal:
        if not dry_run:
            raise
        world.progress.warn(refusal.message)
        return Running(objections=(f"what runs in Kubernetes is not known: {refusal.message}",))


def _uses(clusters: ClusterSettings, world: World) -> frozenset["Use"]:
    contexts = _contexts(clusters)
    chosen = _chosen(clusters, contexts)
    if not chosen and clusters.asked_for:
        raise Refused(f"{_spelled(clusters)} names no context, so nobody could say what runs", remedy=_REMEDY)
    if not chosen:
        world.progress.note(f"{_spelled(clusters)} names no context, so nobody asks Kubernetes which images run")
        return frozenset()
    if find_spec("lightkube") is None:
        raise Refused(
            f"there is {_spelled(clusters)}, and asking Kubernetes needs the package lightkube, which is not installed",
            remedy="pip install 'moorage[kubernetes]', use the container image of Moorage, or say --without-kube.",
        )
    from moorage.clusters.listing import Scope, what_runs  # noqa: PLC0415 -- see above

    world.progress.start("Asking Kubernetes what runs", len(chosen))
    found = what_runs(chosen, Scope(world.environ, clusters.own_namespace))
    world.progress.done(f"{len({use.image for use in found})} images run in {', '.join(context.name for context in chosen)}")
    return found


def _chosen(clusters: ClusterSettings, contexts: Mapping[str, "Context"]) -> list["Context"]:
    if clusters.context is None:
        return list(contexts.values())
    if clusters.context not in contexts:
        meant = nearest(clusters.context, tuple(contexts))
        there = f"did you mean {meant}?" if meant else f"there are {', '.join(contexts) or 'none'}"
        raise Refused(f"there is no context {clusters.context!r} in {_spelled(clusters)}: {there}", remedy=_REMEDY)
    return [contexts[clusters.context]]


def _contexts(clusters: ClusterSettings) -> Mapping[str, "Context"]:
    from moorage.clusters.kubeconfig import contexts_in, read_contexts  # noqa: PLC0415 -- YAML is for those who have a cluster

    if clusters.content is not None:
        return contexts_in(clusters.content, _CONTENT)
    files = [path for path in clusters.files if path.exists()]  # of several, kubectl passes over those that are not there
    return read_contexts(files or clusters.files)


def _spelled(clusters: ClusterSettings) -> str:
    files = [_CONTENT] if clusters.content is not None else map(str, clusters.files)
    return "the kubeconfig " + (", ".join(files) or "(there is none)")


def _found(uses: Iterable["Use"]) -> Running:
    tags: dict[Repository, dict[Tag, list[str]]] = {}
    digests: dict[Digest, list[str]] = {}
    here: dict[Repository, set[Digest]] = {}
    notes = []
    for use in sorted(uses):
        image = _SCHEME.sub("", use.image)
        digest = Digest(found[1]) if (found := _DIGEST.search(use.image)) else None
        if digest is not None:
            digests.setdefault(digest, []).append(use.why)
        if digest is not None and image == digest.text:
            continue
        try:
            meant = parse_reference(image)
        except BadReference as error:
            notes.append(f"{use.why}, {use.image!r}, which is no reference: {error}")
            continue
        if digest is not None:
            here.setdefault(meant.repository, set()).add(digest)
        elif meant.tag is not None:
            tags.setdefault(meant.repository, {}).setdefault(meant.tag, []).append(use.why)
    return Running(
        named={where: {tag: _reasons(whys) for tag, whys in found.items()} for where, found in tags.items()},
        digests={digest: _reasons(whys) for digest, whys in digests.items()},
        here={where: frozenset(found) for where, found in here.items()},
        notes=tuple(notes),
    )


def _reasons(whys: Iterable[str]) -> Reasons:
    distinct = list(dict.fromkeys(whys))
    reasons = [Reason(Code.IN_USE, why) for why in distinct[:_TOLD]]
    if len(distinct) > _TOLD:
        reasons.append(Reason(Code.IN_USE, f"{len(distinct) - _TOLD} more workloads run it"))
    return tuple(reasons)


def _wholes(inventory: Inventory, running: Mapping[Digest, Reasons]) -> Mapping[Digest, Reasons]:
    """The indexes, at any depth, whose part runs: people deploy the index, and a node reports the part for its platform."""
    parents: dict[Digest, list[Digest]] = {}
    for digest, stored in inventory.manifests.items():
        for child in stored.children:
            parents.setdefault(child, []).append(digest)
    found: dict[Digest, Reasons] = {}
    for part, reasons in running.items():
        for whole in _above(part, parents):
            if whole not in found:
                found[whole] = tuple(Reason(reason.code, f"{reason.detail}, as its part {part.short}") for reason in reasons)
    return found


def _above(part: Digest, parents: Mapping[Digest, list[Digest]]) -> Iterator[Digest]:
    seen = {part}
    waiting = [part]
    while waiting:
        for whole in parents.get(waiting.pop(), ()):
            if whole not in seen:
                seen.add(whole)
                waiting.append(whole)
                yield whole
