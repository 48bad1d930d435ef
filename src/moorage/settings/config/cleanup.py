"""The `cleanup:` part of the config file: rules, protection, guards and keep policies."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from moorage.option import duration, patterns, whole_number
from moorage.policy.keep_policies import EVERYTHING, KeepPolicy, Limit, NamePattern, Operator, ReferenceKind
from moorage.policy.patterns import TagPattern, TagSelector
from moorage.policy.rules import Rule
from moorage.settings.config.document import Place, Scalar
from moorage.settings.config.reading import Reading
from moorage.settings.options import safety
from moorage.settings.problems import Problems
from moorage.settings.sources import Given

KEYS: Final = ("keepPolicies", "keepImagesBuiltWithinLastNHours", "rules", "protect", "guards")
_RULE_KEYS: Final = ("tags", "untagged", "olderThan", "keepNewest", "everything")
_LIMIT_KEYS: Final = ("last", "in", "operator")


@dataclass(frozen=True, slots=True)
class CleanupConfig:
    """What the section says. `options` are those of its keys that are options too, by the option's name.

    `meant` are the names of rules that say `everything: true`, the explicit word for a rule without an age and a number.
    """

    rules: tuple[Rule, ...] = ()
    meant: frozenset[str] = frozenset()
    protect: tuple[str, ...] = ()
    keep_policies: tuple[KeepPolicy, ...] = ()
    options: dict[str, Given] = field(default_factory=dict)


def read_cleanup(section: Reading) -> CleanupConfig:
    """The section as values. Mistakes go to the section's problems."""
    rules, meant = [], set()
    for reading in section.sections("rules", _RULE_KEYS):
        rules.append(_rule(reading))
        if reading.boolean("everything"):
            meant.add(rules[-1].name)
    return CleanupConfig(
        rules=tuple(rules),
        meant=frozenset(meant),
        protect=_tag_patterns(section, "protect"),
        keep_policies=tuple(
            policy
            for reading in section.sections("keepPolicies", ("references", "imagesPerReference"))
            if (policy := _keep_policy(reading))
        ),
        options=_options(section),
    )


def _options(section: Reading) -> dict[str, Given]:
    guards = section.section_of("guards", ("maxDelete", "maxDeletePercent"))
    pairs = [(section, "keepImagesBuiltWithinLastNHours", safety.KEEP_IMAGES_BUILT_WITHIN_LAST_N_HOURS)]
    pairs += [(guards, "maxDelete", safety.MAX_DELETE), (guards, "maxDeletePercent", safety.MAX_DELETE_PERCENT)] if guards else []
    found = {}
    for reading, key, option in pairs:
        text = reading.text(key)
        if text is not None:
            found[option.name] = Given((text,), str(reading.place_of(key)))
    return found


def _rule(reading: Reading) -> Rule:
    untagged = bool(reading.boolean("untagged"))
    tags = _selector(reading, "tags")
    return Rule(
        name=reading.place.key,
        tags=tags,
        tagged=tags is not None or not untagged,
        untagged=untagged,
        older_than=reading.duration("olderThan"),
        keep_newest=reading.number("keepNewest"),
    )


def _selector(reading: Reading, key: str) -> TagSelector | None:
    if key not in reading.section.entries:
        return None
    texts = reading.texts(key, patterns)
    if not texts:
        reading.problems.add(f"{reading.place_of(key)} is empty; leave it out to cover every tag")
    return TagSelector.parse(_checked(texts, reading.problems))


def _tag_patterns(reading: Reading, key: str) -> tuple[str, ...]:
    return tuple(_checked(reading.texts(key, patterns), reading.problems))


def _checked(texts: Iterable[tuple[str, Place]], problems: Problems) -> Iterable[str]:
    for text, place in texts:
        try:
            TagPattern(text.removeprefix("!"))
        except ValueError as error:
            problems.add(f"{place} {text!r}: {error}")
        else:
            yield text


def _keep_policy(reading: Reading) -> KeepPolicy | None:
    references = reading.section_of("references", ("branch", "tag", "limit"))
    images = _limit(reading, "imagesPerReference")
    if references is None:
        if not reading.has("references"):
            reading.problems.add(f"{reading.place}: a keep policy needs references")
        return None
    named = [kind for kind in ReferenceKind if kind in references.section.entries]
    if len(named) != 1:
        reading.problems.add(f"{references.place}: exactly one of branch and tag is needed")
        return None
    kind = named[0]
    if kind is ReferenceKind.TAG and images.last is not None and images.last > 1:
        place = f"{reading.place_of('imagesPerReference')}.last"
        reading.problems.add(f"{place}: a tag has one commit, so more than 1 makes no sense")
    pattern, limit = _name_pattern(references, kind), _limit(references, "limit")
    return KeepPolicy(kind, pattern, limit, images) if pattern else None


def _name_pattern(references: Reading, kind: ReferenceKind) -> NamePattern | None:
    value = references.section.entries[kind]
    if not isinstance(value, Scalar) or value.is_null or not value.text:
        references.problems.add(f"{value.place}: a name or a /regular expression/ is needed")
        return None
    return references.parsed(kind, NamePattern)


def _limit(reading: Reading, key: str) -> Limit:
    if key not in reading.section.entries:
        return EVERYTHING
    section = reading.section_of(key, _LIMIT_KEYS)
    if section is None or not (section.has("last") or section.has("in")):
        reading.problems.add(f"{reading.place_of(key)} needs last, in, or both")
        return EVERYTHING
    last = section.parsed("last", whole_number(-1), "a number")
    within = section.parsed("in", duration, "a duration")
    operator = section.parsed("operator", _operator) or Operator.AND
    return Limit(last, within, operator)


def _operator(text: str) -> Operator:
    if text not in set(Operator):
        raise ValueError("And or Or is needed")
    return Operator(text)
