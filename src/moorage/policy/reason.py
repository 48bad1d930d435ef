"""Why an image stays or goes. Every item of a plan carries at least one reason; people read the detail, machines the code."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable names for reasons; docs/reasons.md explains each."""

    # stays
    PROTECTED = "protected"
    EXCLUDED = "excluded"
    IN_USE = "in-use"
    KEEP_LIST = "keep-list"
    KEEP_POLICY = "keep-policy"
    NOT_COVERED = "not-covered"
    NOT_OLD_ENOUGH = "not-old-enough"
    AMONG_NEWEST = "among-newest"
    TOO_YOUNG = "too-young"
    UNKNOWN_AGE = "unknown-age"
    LAST_TAG = "last-tag"
    REACHABLE = "reachable"
    FOLLOWS = "follows"
    MAY_BE_NEEDED = "may-be-needed"
    TAKES_ALONG = "takes-along"
    UNREADABLE = "unreadable"
    CANNOT_UNTAG = "cannot-untag"
    VENDOR_LOCK = "vendor-lock"
    NO_RECORD = "no-record"
    STANDS_ALONE = "stands-alone"
    STAGE_OF_KEPT_IMAGE = "stage-of-kept-image"
    LAST_TAGGED = "last-tagged"
    HOLDS_RECORDS = "holds-records"
    CANNOT_DELETE_REPOSITORY = "cannot-delete-repository"
    # goes
    RULE = "rule"
    HALF_REMOVED = "half-removed"
    NOT_KEPT = "not-kept"
    LAST_TAG_GONE = "last-tag-gone"
    PARENT_GONE = "parent-gone"
    SUBJECT_GONE = "subject-gone"
    PURGE = "purge"
    STAGE_UNUSED = "stage-unused"
    NOTHING_LEFT = "nothing-left"


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """A code and a sentence for people; the sentence makes sense next to the name of the image."""

    code: Code
    detail: str
