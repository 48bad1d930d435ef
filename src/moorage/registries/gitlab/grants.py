"""What a token of the registry says of itself: which actions were granted, and which tags it must not touch.

GitLab's token service leaves refused actions out without a word, and writes the project's rules for protected and immutable tags
into the token (app/services/auth/container_registry_authentication_service.rb, seen 2026-11). Reading them there costs nothing.
Nothing dangerous rests on it: the registry decides, and a token that cannot be read says nothing.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.auth.secret import Secret
from moorage.oci.reference import Repository, Tag

_PROTECTED = "a protection rule of the project keeps this tag from this login"
_IMMUTABLE = "an immutability rule of the project covers this tag"


@dataclass(frozen=True, slots=True)
class Grants:
    """What was granted in one repository. The rules are regular expressions of RE2, searched for, not matched in full."""

    actions: frozenset[str] = frozenset()
    protected: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()

    @property
    def has_rules(self) -> bool:
        """Whether there are rules, in which case the registry deletes no manifest by its digest."""
        return bool(self.protected or self.immutable)

    def lock(self, tag: Tag) -> str:
        """Why this tag cannot be deleted, or empty."""
        for rules, reason in ((self.immutable, _IMMUTABLE), (self.protected, _PROTECTED)):
            if any(_covers(rule, tag) for rule in rules):
                return reason
        return ""


def read_grants(token: Secret | None, repository: Repository) -> Grants | None:
    """What a JSON web token grants in this repository; None for a token of another form, and for none."""
    if token is None:
        return None
    try:
        payload = token.reveal().split(".")[1]
        entries = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["access"] or ()
        return next((_grants(entry) for entry in entries if entry["name"] == repository.path), Grants())
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _grants(entry: Mapping[str, Any]) -> Grants:
    meta = entry.get("meta") or {}
    denied = (meta.get("tag_deny_access_patterns") or {}).get("delete") or ()
    immutable = meta.get("tag_immutable_patterns") or ()
    return Grants(frozenset(map(str, entry["actions"])), tuple(map(str, denied)), tuple(map(str, immutable)))


def _covers(rule: str, tag: Tag) -> bool:
    import re2  # noqa: PLC0415 -- 20 ms that only projects with such rules pay

    try:
        return re2.search(rule, tag.text) is not None
    except re2.error:
        return True  # the registry refuses everything while a rule is broken
