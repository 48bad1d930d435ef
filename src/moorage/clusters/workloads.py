"""Which images the objects of a cluster mention, and in whose name: pure reading of what the API has listed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_FINISHED: Final = frozenset({"Complete", "Failed"})  # conditions of a Job that ended
_ENDED: Final = frozenset({"Succeeded", "Failed"})  # phases of a Pod that ended
_OWN_MASTERS: Final = frozenset({"Node"})  # owners of static pods, which nobody would look for


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One image that something in a cluster uses. `image` is as the cluster spells it, `why` a sentence for people."""

    image: str
    why: str


@dataclass(frozen=True, slots=True)
class Thing:
    """What is remembered of one object of the API. `owner` is the identity, kind and name of what controls it.

    `over` marks what ran to its end and is merely still listed.
    """

    uid: str
    kind: str
    namespace: str
    name: str
    images: frozenset[str]
    owner: tuple[str, str, str] | None = None
    over: bool = False
    dormant: bool = False  # an old ReplicaSet: nothing runs, but its Deployment can go back to it

    @classmethod
    def of(cls, kind: str, found: Any) -> "Thing":
        """`found` is an object as lightkube gives it, all of whose fields may be None."""
        meta = found.metadata
        controller = next((owner for owner in meta.ownerReferences or () if owner.controller), None)
        return cls(
            uid=meta.uid or "",
            kind=kind,
            namespace=meta.namespace or "",
            name=meta.name or "",
            images=frozenset(_images(kind, found)),
            owner=(controller.uid, controller.kind, controller.name) if controller else None,
            over=_over(kind, found),
            dormant=kind == "ReplicaSet" and not (found.spec and found.spec.replicas),
        )


def uses_of(things: Iterable[Thing], context: str) -> frozenset[Use]:
    """What these objects use, in the name of whatever controls them; Jobs that ended use nothing, and nor do their Pods."""
    every = list(things)
    known = {thing.uid: thing for thing in every if thing.uid}
    over = {thing.uid for thing in every if thing.kind == "Job" and thing.over}
    found = set()
    for thing in every:
        if thing.uid in over or (thing.over and thing.owner is not None and thing.owner[0] in over):
            continue
        kind, name = _master(thing, known)
        deed = f"can go back to it (ReplicaSet {thing.name})" if thing.dormant and kind == "Deployment" else "runs it"
        why = f"{kind} {thing.namespace}/{name} in context {context} {deed}"
        found |= {Use(image, why) for image in thing.images}
    return frozenset(found)


def _master(thing: Thing, known: dict[str, Thing]) -> tuple[str, str]:
    """Kind and name of what stands at the top, which people know it by."""
    kind, name, seen = thing.kind, thing.name, {thing.uid}
    while thing.owner is not None and thing.owner[0] not in seen and thing.owner[1] not in _OWN_MASTERS:
        uid, kind, name = thing.owner
        seen.add(uid)
        if uid not in known:
            break
        thing = known[uid]
    return kind, name


def _over(kind: str, found: Any) -> bool:
    if found.status is None:
        return False
    if kind == "Job":
        return any(condition.type in _FINISHED and condition.status == "True" for condition in found.status.conditions or ())
    return kind == "Pod" and found.status.phase in _ENDED


def _images(kind: str, found: Any) -> Iterator[str]:
    if kind == "Pod":
        yield from _of_spec(found.spec)
        yield from _of_status(found.status)
        return
    spec = found.spec.jobTemplate.spec if kind == "CronJob" and found.spec else found.spec
    template = spec.template if spec else None
    yield from _of_spec(template.spec if template else None)


def _of_spec(spec: Any) -> Iterator[str]:
    if spec is None:
        return
    for containers in (spec.containers, spec.initContainers, spec.ephemeralContainers):
        yield from (container.image for container in containers or () if container.image)
    for volume in spec.volumes or ():
        if volume.image is not None and volume.image.reference:
            yield volume.image.reference


def _of_status(status: Any) -> Iterator[str]:
    """What was really pulled: a tag may have moved since."""
    if status is None:
        return
    for states in (status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses):
        yield from (state.imageID for state in states or () if state.imageID)
