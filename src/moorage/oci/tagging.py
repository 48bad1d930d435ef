"""The tag strategies: which tags an image gets, and what each of them means to cleanup later."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from moorage.errors import ConfigurationError
from moorage.oci.reference import BadReference, Tag
from moorage.oci.slug import slug


class TagStrategy(StrEnum):
    """What a tag stands for; recorded in the image, in werf 1.1's words."""

    CUSTOM = "custom"
    GIT_BRANCH = "git-branch"
    GIT_TAG = "git-tag"
    GIT_COMMIT = "git-commit"
    STAGES_SIGNATURE = "stages-signature"

    @property
    def flag(self) -> str:
        """The option that asks for it."""
        return "--tag-by-stages-signature" if self is TagStrategy.STAGES_SIGNATURE else f"--tag-{self}"


@dataclass(frozen=True, slots=True)
class TagRequest:
    """One tag that every image is to get. `value` is None for the content's own signature, which differs from image to image."""

    strategy: TagStrategy
    value: str | None = None


def tag_requests(
    *,
    custom: Iterable[str] = (),
    git_branch: str | None = None,
    git_tag: str | None = None,
    git_commit: str | None = None,
    by_stages_signature: bool = False,
) -> tuple[TagRequest, ...]:
    """The requests behind the tag options, in a fixed order, each once.

    An empty git value is not given; an empty custom tag is a mistake. Values have to be tags already: they are checked, never
    changed. Raises one ConfigurationError with every bad value.
    """
    git = {TagStrategy.GIT_BRANCH: git_branch, TagStrategy.GIT_TAG: git_tag, TagStrategy.GIT_COMMIT: git_commit}
    requests = dict.fromkeys(
        (
            *(TagRequest(TagStrategy.CUSTOM, value) for value in custom),
            *(TagRequest(strategy, value) for strategy, value in git.items() if value),
        )
    )
    problems = list(_problems(requests))
    if problems:
        raise ConfigurationError(*problems)
    return (*requests, TagRequest(TagStrategy.STAGES_SIGNATURE)) if by_stages_signature else tuple(requests)


def no_tags() -> ConfigurationError:
    """What to raise where a tag is needed, none was given, and the CI system does not say one either."""
    flags = [strategy.flag for strategy in TagStrategy]
    return ConfigurationError(f"a tag is needed: give {', '.join(flags[:-1])} or {flags[-1]}")


def tag_problem(text: str) -> str | None:
    """Why a text is no tag, as a sentence that reads after "bad tag 'text': ", with what would do instead; None for a tag."""
    try:
        Tag(text)
    except BadReference as error:
        if not text:
            return "a tag cannot be empty"
        return f"{error}, this one has {len(text)}" if len(text) > 128 else f"{error}; `moorage slug` makes '{slug(text)}' of it"
    return None


def _problems(requests: Iterable[TagRequest]) -> Iterator[str]:
    for request in requests:
        problem = tag_problem(request.value) if request.value is not None else None
        if problem:
            yield f"bad {request.strategy.flag} parameter {request.value!r}: {problem}"
