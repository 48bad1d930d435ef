"""Tags with placeholders: `{branch-slug}-{sha7}` becomes `main-1a2b3c4`.

No tag may hold braces, so a text with them can only be meant as a template. What each placeholder stands for is known of the
commit that is built; some stand for nothing there (`{semver}` where no git tag is built), and then the whole tag is left out, so
that one list of tags serves branches, git tags and pull requests, as people know it from docker's metadata-action.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Final


class Placeholder(StrEnum):
    """What may stand between braces; the values are what people type."""

    BRANCH_SLUG = "branch-slug"
    TAG_SLUG = "tag-slug"
    REF_SLUG = "ref-slug"
    SHA = "sha"
    SHA7 = "sha7"
    SEMVER = "semver"
    SEMVER_MAJOR = "semver-major"
    SEMVER_MINOR = "semver-minor"
    PR = "pr"
    DATE = "date"
    TIME = "time"

    @property
    def meaning(self) -> str:
        """For the documentation: what it stands for, with an example."""
        return _MEANINGS[self]


_MEANINGS: Final[Mapping[Placeholder, str]] = {
    Placeholder.BRANCH_SLUG: "the branch, made safe: `feature-x-5a1c2b3d`; of a pull request, its own branch",
    Placeholder.TAG_SLUG: "the git tag, made safe: `v1.2.3`",
    Placeholder.REF_SLUG: "the git tag if one is built, else the branch",
    Placeholder.SHA: "the commit, all digits of it",
    Placeholder.SHA7: "the first seven digits of the commit: `1a2b3c4`",
    Placeholder.SEMVER: "the version in the git tag, without its v: `1.2.3`",
    Placeholder.SEMVER_MAJOR: "its first part: `1`; of a pre-release the whole version, since `1` must not become a candidate",
    Placeholder.SEMVER_MINOR: "its first two parts: `1.2`; of a pre-release the whole version",
    Placeholder.PR: "the number of the pull or merge request: `42`",
    Placeholder.DATE: "the day, in UTC: `20261125`",
    Placeholder.TIME: "the second, in UTC: `20261125-134501`",
}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
# Semantic Versioning 2.0.0, with the v that git tags mostly have, after the name of a part of a monorepo (`web/v1.2.3`).
_SEMVER: Final = re.compile(
    r"(?:.*/)?v?(?P<core>(?P<major>0|[1-9][0-9]*)\.(?P<minor>0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*))"
    r"(?P<pre>-[0-9A-Za-z.-]+)?(?P<build>\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)


def is_template(text: str) -> bool:
    """Whether a text has anything in braces."""
    return _PLACEHOLDER.search(text) is not None


def problem_of(text: str) -> str | None:
    """What is wrong with a template, as a sentence that reads after "bad tag 'text': "; None where nothing is."""
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in set(Placeholder)]
    if not unknown:
        return None
    name = unknown[0]
    near = get_close_matches(name.strip().lower(), [str(one) for one in Placeholder], n=1)
    hint = f"did you mean {{{near[0]}}}? " if near else ""
    return f"there is no placeholder {{{name}}}, {hint}known are {', '.join(f'{{{one}}}' for one in Placeholder)}"


def filled(text: str, values: Mapping[Placeholder, str]) -> str | None:
    """The tag, or None where something in it stands for nothing. The text has no problem."""
    if not all(values.get(Placeholder(name)) for name in _PLACEHOLDER.findall(text)):
        return None
    return _PLACEHOLDER.sub(lambda found: values[Placeholder(found[1])], text)


def version_values(git_tag: str) -> Mapping[Placeholder, str]:
    """What the semver placeholders stand for; nothing where the git tag is no version."""
    found = _SEMVER.fullmatch(git_tag)
    if not found:
        return {}
    whole = found["core"] + (found["pre"] or "") + (found["build"] or "").replace("+", "-")  # no tag holds a +
    major, minor = (whole, whole) if found["pre"] else (found["major"], f"{found['major']}.{found['minor']}")
    return {Placeholder.SEMVER: whole, Placeholder.SEMVER_MAJOR: major, Placeholder.SEMVER_MINOR: minor}
