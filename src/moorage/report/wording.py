"""The words for reasons and outcomes, and foreign text made harmless for any page or terminal."""

import unicodedata
from collections.abc import Mapping

from moorage.policy.plan import Action, Item, Outcome, RepositoryItem
from moorage.policy.reason import Code

# One sentence per reason. docs/reasons.md opens each section with the same one; tests/meta/test_reasons.py holds them together.
MEANINGS: Mapping[Code, str] = {
    Code.PROTECTED: "A `protect` pattern matches the tag, and nothing may delete what is protected.",
    Code.EXCLUDED: "An exclusion matches the tag, so this run leaves it alone.",
    Code.IN_USE: "Something that runs uses the image.",
    Code.KEEP_LIST: "A keep list names the image.",
    Code.KEEP_POLICY: "A keep policy still wants the image, going by the git history.",
    Code.NOT_COVERED: "No rule covers it, and what no rule covers is never touched.",
    Code.NOT_OLD_ENOUGH: "A rule covers it, and it has not reached the age that the rule asks for.",
    Code.AMONG_NEWEST: "A rule covers it, and it is one of the newest images that the rule keeps.",
    Code.TOO_YOUNG: "It was pushed so recently that it may still be part of something under way.",
    Code.UNKNOWN_AGE: "Nothing says how old it is, so it never counts as old.",
    Code.LAST_TAG: "It is the newest image of its repository, and no rule names its tags.",
    Code.REACHABLE: "It is part of an index that stays, such as one platform of a multi-platform image.",
    Code.FOLLOWS: "It belongs to an image that stays: a signature, an attestation, a bill of materials.",
    Code.MAY_BE_NEEDED: "Something in the repository could not be read and might need it.",
    Code.TAKES_ALONG: "Deleting it would take along something that stays: this registry deletes parts and signatures itself.",
    Code.UNREADABLE: "It could not be read, so nobody can say what would break without it.",
    Code.CANNOT_UNTAG: "The tag was to go, but this registry can only remove it together with an image that stays.",
    Code.VENDOR_LOCK: "The registry itself refuses to delete it.",
    Code.NO_RECORD: "Moorage published it, and nothing says at which commit.",
    Code.STANDS_ALONE: "At least one of its tags stays.",
    Code.STAGE_OF_KEPT_IMAGE: "It is a stage, and an image that stays was made from it.",
    Code.LAST_TAGGED: "This registry never deletes the last tagged image of a repository by itself.",
    Code.HOLDS_RECORDS: "The repository holds no image, and records that somebody may still need.",
    Code.CANNOT_DELETE_REPOSITORY: "Nothing is left in the repository, and this registry does not let us delete it.",
    Code.RULE: "A rule covers it and lets it go.",
    Code.HALF_REMOVED: "An earlier run was ended while it took this tag away, and left it on a stand-in.",
    Code.NOT_KEPT: "Moorage published it, and no keep policy wants it any more.",
    Code.LAST_TAG_GONE: "The last of its tags goes, so nobody could pull it by name.",
    Code.PARENT_GONE: "It is part of an index that goes, and of nothing that stays.",
    Code.SUBJECT_GONE: "It belongs to an image that goes.",
    Code.PURGE: "Everything that this project published was asked to go.",
    Code.STAGE_UNUSED: "It is a stage, and no image that stays was made from it.",
    Code.NOTHING_LEFT: "Nothing is left in the repository, so it goes, too.",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.PLANNED: "not done",
    Outcome.DELETED: "deleted",
    Outcome.ALREADY_GONE: "already gone",
    Outcome.CHANGED: "changed since plan",
    Outcome.FAILED: "failed",
}


def meaning(item: Item) -> str:
    """What the reason that decided about an item means, to go on a line with something else."""
    sentence = MEANINGS[item.reasons[0].code].removesuffix(".")
    return sentence[0].lower() + sentence[1:]


def outcome(item: Item | RepositoryItem, *, applied: bool) -> str:
    """What became, or is to become, of an item, in two or three words."""
    if item.action is Action.KEEP:
        return "stays"
    return OUTCOMES[item.outcome] if applied else "goes"


def plain(text: str) -> str:
    """Foreign text on one line, without anything that steers a terminal, reorders what people read, or cannot be encoded.

    Errors and reasons quote registries, so this stands between them and every format; each format escapes its own markup on top.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in " ".join(text.split()))


def _shown(character: str) -> str:
    # Cc and Cf: escape sequences, bidirectional overrides, invisible joiners. Cs: halves that UTF-8 has no bytes for.
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in {"Cc", "Cf", "Cs"} else character


def why(item: Item | RepositoryItem) -> str:
    """All reasons of an item as one line, and the error where there was one."""
    details = "; ".join(plain(reason.detail) for reason in item.reasons)
    return f"{plain(item.error)} ({details})" if item.error else details
