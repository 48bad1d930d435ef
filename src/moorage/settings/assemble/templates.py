"""Tags with placeholders, filled with what CI and git know of the commit that is built."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from moorage.errors import ConfigurationError
from moorage.oci.slug import slug
from moorage.oci.tag_template import Placeholder, filled, is_template, problem_of, version_values
from moorage.settings.options import git, tags
from moorage.settings.request import Request

if TYPE_CHECKING:
    from moorage.git.repository import GitRepository


def custom_tags(request: Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values of --tag-custom, each once, and why others are left out: a placeholder of theirs stands for nothing here.

    Git is asked only where a template is given. Raises one ConfigurationError with every unknown placeholder.
    """
    texts = request.options.values(tags.TAG_CUSTOM)
    templates = [text for text in texts if is_template(text)]
    if not templates:
        return texts, ()
    flag = tags.TAG_CUSTOM.flag
    problems = [f"bad {flag} parameter {text!r}: {problem}" for text in templates if (problem := problem_of(text))]
    if problems:
        raise ConfigurationError(*problems)
    values = values_of(request)
    found = [tag for text in texts if (tag := filled(text, values) if is_template(text) else text) is not None]
    return tuple(dict.fromkeys(found)), tuple(_reasons(templates, values))


def values_of(request: Request) -> Mapping[Placeholder, str]:
    """What each placeholder stands for: branch and tag as the CI system says, else as the clone does. The rest is not in it."""
    job = request.job
    repository = _repository(request)
    commit = (repository.head if repository else "") or job.revision
    git_tag, branch = job.git_tag, job.branch
    if repository is not None and not job.system:
        git_tag, branch = _tag_at_head(repository), _checked_out(repository)
    now = datetime.now(UTC)
    found = {
        Placeholder.BRANCH_SLUG: slug(branch),
        Placeholder.TAG_SLUG: slug(git_tag),
        Placeholder.REF_SLUG: slug(git_tag or branch),
        Placeholder.SHA: commit,
        Placeholder.SHA7: commit[:7],
        Placeholder.PR: job.change,
        Placeholder.DATE: f"{now:%Y%m%d}",
        Placeholder.TIME: f"{now:%Y%m%d-%H%M%S}",
        **version_values(git_tag),
    }
    return {placeholder: text for placeholder, text in found.items() if text}


def _reasons(templates: Sequence[str], values: Mapping[Placeholder, str]) -> Iterator[str]:
    for text in templates:
        empty = [str(one) for one in Placeholder if f"{{{one}}}" in text and one not in values]
        if empty:
            yield f"{text!r} is left out, since {' and '.join(f'{{{one}}}' for one in empty)} stands for nothing here"


def _checked_out(repository: "GitRepository") -> str:
    return repository.run("symbolic-ref", "--quiet", "--short", "HEAD", empty_is_fine=True).strip()


def _tag_at_head(repository: "GitRepository") -> str:
    """The highest version among the tags of the commit that is checked out; empty where it has none."""
    return repository.run("tag", "--points-at", "HEAD", "--sort=-version:refname", empty_is_fine=True).partition("\n")[0].strip()


def _repository(request: Request) -> "GitRepository | None":
    from moorage.git.repository import GitRepository  # noqa: PLC0415 -- subprocess is for commands that look at git

    given = request.options.value(git.GIT_DIR)
    try:
        return GitRepository.find(request.directory / given if given else request.directory)
    except ConfigurationError:
        return None
