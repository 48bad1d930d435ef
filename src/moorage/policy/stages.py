"""Which stages may go: those that nothing was made from that stays.

A stages storage holds what was built for the next build. Whose a stage is, and what it was made from, is told by labels: our own,
which name stages by their signatures, and those of werf 1.1, where image configs name each other by image ID (the digest of the
config). A tag that merely looks like a stage's is nobody's.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from moorage.oci import labels
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import parse_time
from moorage.oci.reference import Digest, Tag
from moorage.oci.werf_tag import StageTag, rejected_stage
from moorage.policy.claims import Claims
from moorage.policy.planner import Planner
from moorage.policy.reason import Code, Reason

_WERF_PROJECT: Final = "werf"
_WERF_IMAGE: Final = "werf-image"
_WERF_SIGNATURE: Final = "werf-stage-signature"
_WERF_IMPORT: Final = "werf-import-"

Name = str
"""What leads to a stage calls it so: a signature of ours, or the ID of an image that werf built."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Image IDs out of an image config: its own, and that of the image which it was built on, or empty."""

    own: Name
    parent: Name = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """`below` is what it was built on: needed wherever it is needed itself. `imports` is what files were copied from.

    Labels are inherited: what an image was made from directly says all imports. So they count there and not further down.
    `kept` is when it was put into the storage, where it says so.
    """

    tag: Tag
    digest: Digest
    name: Name
    below: tuple[Name, ...] = ()
    imports: tuple[Name, ...] = ()
    kept: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """A project's stages in one repository. `rejected` are werf's marks on stages that are not to be used, each with its stage.

    `others` are how many stages other projects have here.
    """

    stages: Sequence[Stage]
    rejected: Mapping[Tag, Tag] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)

    def needed(self, names: Mapping[Name, str]) -> Mapping[Tag, str]:
        """The stages that these names lead to, each with what needs it; `names` come with that, in words."""
        by_name: dict[Name, list[Stage]] = {}
        for stage in self.stages:
            by_name.setdefault(stage.name, []).append(stage)
        found: dict[Tag, str] = {}
        starts, begun = list(names.items()), set[Name]()
        for start, whose in starts:  # grows while it is walked
            if start in begun:
                continue
            begun.add(start)
            starts += [(name, whose) for stage in by_name.get(start, ()) for name in stage.imports]
            waiting = [start]
            while waiting:
                for stage in by_name.get(waiting.pop(), ()):
                    if stage.tag not in found:
                        found[stage.tag] = whose
                        waiting += stage.below
        return found

    def dated(self, inventory: Inventory) -> Inventory:
        """The same moment, with stages no older than they have been in the storage: layers may be older by far."""
        manifests = [(inventory.manifests[stage.digest], stage.kept) for stage in self.stages if stage.kept is not None]
        return inventory.with_manifests(
            replace(stored, date=max(stored.date or kept, kept), dated=True) for stored, kept in manifests
        )


def made_from(stored: Stored, ancestry: Ancestry | None = None) -> tuple[Name, ...]:
    """The stages that an image outside of the storage was made from, by what it says itself."""
    words = _words(stored)
    own = (words.get(labels.SIGNATURE, ""), *words.get(labels.STAGES, "").split(), ancestry.parent if ancestry else "")
    return tuple(name for name in own if name)


def is_of_werf(stored: Stored) -> bool:
    """Whether werf built it, so that its config says what it was made from."""
    return _WERF_PROJECT in _words(stored)


def stages_in(inventory: Inventory, project: str, ancestry: Mapping[Digest, Ancestry]) -> Stages:
    """The project's stages. Everything that is tagged has to have its labels; `ancestry` is that of what werf built."""
    found: list[Stage] = []
    others: dict[str, int] = {}
    for tag, digest in sorted(inventory.tags.items()):
        stored = inventory.manifests.get(digest)
        if stored is None:
            continue
        owner, stage = _read(tag, stored, ancestry.get(digest))
        if stage is not None and owner == project:
            found.append(stage)
        elif stage is not None:
            others[owner] = others.get(owner, 0) + 1
    own = {stage.tag for stage in found}
    rejected = {
        tag: marked
        for tag, digest in inventory.tags.items()
        if (marked := rejected_stage(tag)) in own and _says_nothing(inventory.manifests.get(digest)) and marked is not None
    }
    return Stages(found, rejected, others)


def settle(stages: Stages, names: Mapping[Name, str], because: Reason, plan_for: Callable[[Claims], Planner]) -> Planner:
    """The planner under which no stage goes that is needed: by images (`names`, each with one), or by a stage that stays.

    A stage may stay for many reasons, which the planner knows: too young, protected, in use, locked. `because` is why those go
    that nobody needs. What marks a stage as rejected goes only where its stage does.
    """
    names, stuck = dict(names), frozenset[Tag]()
    while True:
        needed = stages.needed(names)
        planner = plan_for(_claims(stages, needed, stuck, because))
        staying = {item.tag for item in planner.plan().items if item.tag is not None and not item.goes}
        new = {
            name: f"the stage {stage.tag.text}, which stays,"
            for stage in stages.stages
            if stage.tag in staying and stage.tag not in needed
            for name in (*stage.below, *stage.imports)
            if name not in names
        }
        marks = frozenset(mark for mark, stage in stages.rejected.items() if stage in staying)
        if not new and marks == stuck:
            return planner
        names, stuck = {**new, **names}, marks


def kept(needed: Mapping[Tag, str]) -> Claims:
    """What keeps stages that something was made from, as `Stages.needed` says it."""
    return Claims({tag: (Reason(Code.STAGE_OF_KEPT_IMAGE, f"{whose} was made from it"),) for tag, whose in needed.items()})


def _claims(stages: Stages, needed: Mapping[Tag, str], stuck: Collection[Tag], because: Reason) -> Claims:
    unneeded = [stage.tag for stage in stages.stages if stage.tag not in needed]
    marks = {mark: stage for mark, stage in stages.rejected.items() if mark not in stuck and stage not in needed}
    return Claims(
        keep_tags=kept(needed).keep_tags,
        let_go={
            **dict.fromkeys(unneeded, (because,)),
            **{mark: (Reason(Code.SUBJECT_GONE, f"says that {stage} is rejected, which goes"),) for mark, stage in marks.items()},
        },
    )


def _read(tag: Tag, stored: Stored, ancestry: Ancestry | None) -> tuple[str, Stage | None]:
    """A stage with the project that it belongs to, by its labels; no stage for anything else."""
    words = _words(stored)
    if tag.text in words.get(labels.SIGNATURE, "").split() and labels.PROJECT in words and _was_kept(words):
        below = tuple(name for name in words.get(labels.STAGES, "").split() if name != tag.text)
        stage = Stage(tag, stored.digest, tag.text, below, kept=parse_time(words.get(labels.KEPT)))
        return words[labels.PROJECT], stage
    named = StageTag.parse(tag.text)
    if named is not None and words.get(_WERF_SIGNATURE) == named.signature and words.get(_WERF_IMAGE) == "false" and ancestry:
        below = (ancestry.parent,) if ancestry.parent else ()
        return words.get(_WERF_PROJECT, ""), Stage(tag, stored.digest, ancestry.own, below, tuple(_imports(words)))
    return "", None


def _was_kept(words: Mapping[str, str]) -> bool:
    """Whether it was put there as a stage: what is published under its signature looks alike, and says that it was not."""
    return bool(words[labels.KEPT]) if labels.KEPT in words else labels.IMAGE not in words


def _says_nothing(stored: Stored | None) -> bool:
    """Whether it can be a mark of werf's, which has no words of its own: an image by the name of one has."""
    return stored is not None and not stored.children and not _words(stored)


def _imports(words: Mapping[str, str]) -> Iterable[Name]:
    return (value for label, value in sorted(words.items()) if label.startswith(_WERF_IMPORT) and value)


def _words(stored: Stored) -> Mapping[str, str]:
    return {**stored.annotations, **(stored.labels or {})}
