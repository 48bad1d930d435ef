"""Rules, protection and guards: those of the config file, and those that the flags add."""

import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from moorage.option import Option
from moorage.policy.patterns import TagSelector
from moorage.policy.rules import Guards, Policy, Rule
from moorage.settings.options import rules, safety
from moorage.settings.request import Request


def policy_of(request: Request) -> Policy:
    options = request.options
    configured = request.config.cleanup if request.config else None
    protect = (*(configured.protect if configured else ()), *options.values(rules.PROTECT))
    exclude = options.values(rules.EXCLUDE_TAGS)
    return Policy(
        rules=(*(configured.rules if configured else ()), *_rules_of_flags(request)),
        protect=TagSelector.parse(protect) if protect else None,
        exclude=TagSelector.parse(exclude) if exclude else None,
        young=timedelta(hours=options.known(safety.KEEP_IMAGES_BUILT_WITHIN_LAST_N_HOURS)),
        delete_unknown_age=options.flag(rules.DELETE_UNKNOWN_AGE),
        delete_empty=options.flag(rules.DELETE_EMPTY_REPOSITORIES),
    )


def guards_of(request: Request, policy: Policy) -> Guards:
    """A rule that lets go of every tag, whatever its age and number, is refused unless the user said that it is meant.

    A plan that is carried out as it stands was made, and looked at, with the rules of then.
    """
    options = request.options
    meant = request.config.cleanup.meant if request.config else frozenset()
    said = options.flag(rules.DELETE_EVERYTHING) or options.is_given(safety.PLAN)
    boundless = () if said else tuple(rule for rule in policy.rules if rule.is_boundless and rule.name not in meant)
    return Guards(_limit(options.known(safety.MAX_DELETE)), _limit(options.known(safety.MAX_DELETE_PERCENT)), boundless)


def _limit(number: int) -> int | None:
    return None if number == safety.NO_LIMIT else number


def _rules_of_flags(request: Request) -> Iterator[Rule]:
    """One rule for tags, one for manifests without; an age alone is about tags."""
    options = request.options
    tags, age = options.values(rules.DELETE_TAGS), options.value(rules.OLDER_THAN)
    keep_tagged, keep_untagged = options.value(rules.KEEP_N_TAGGED), options.value(rules.KEEP_N_UNTAGGED)
    untagged = options.flag(rules.DELETE_UNTAGGED) or keep_untagged is not None
    if tags or keep_tagged is not None or (age is not None and not untagged):
        yield Rule(
            name=_written(request, rules.DELETE_TAGS, rules.OLDER_THAN, rules.KEEP_N_TAGGED),
            tags=TagSelector.parse(tags) if tags else None,
            older_than=age,
            keep_newest=keep_tagged,
        )
    if untagged:
        yield Rule(
            name=_written(request, rules.DELETE_UNTAGGED, rules.OLDER_THAN, rules.KEEP_N_UNTAGGED),
            tagged=False,
            untagged=True,
            older_than=age,
            keep_newest=keep_untagged,
        )


def _written(request: Request, *options: Option[Any]) -> str:
    """The flags as somebody would type them, wherever the values came from."""
    parts = []
    for option in options:
        if request.options.is_given(option):
            texts = request.options.texts(option)
            parts += [option.flag] if texts == ("true",) else [f"{option.flag} {shlex.quote(text)}" for text in texts]
    return " ".join(parts)
