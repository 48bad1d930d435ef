"""Which tags: those of the tag options, else what the CI system says."""

from moorage.errors import ConfigurationError
from moorage.oci.tagging import TagRequest, TagStrategy, tag_requests
from moorage.settings.assemble.templates import custom_tags
from moorage.settings.ci import CiSystem
from moorage.settings.options import tags
from moorage.settings.request import Request


def tags_of(request: Request) -> tuple[TagRequest, ...]:
    """Empty where nobody says a tag; the command knows what to say about that."""
    options = request.options
    with request.problems.gather():
        custom, left_out = custom_tags(request)
        given = tag_requests(
            custom=custom,
            git_branch=options.value(tags.TAG_GIT_BRANCH),
            git_tag=options.value(tags.TAG_GIT_TAG),
            git_commit=options.value(tags.TAG_GIT_COMMIT),
            by_stages_signature=options.flag(tags.TAG_BY_STAGES_SIGNATURE),
        )
        if left_out and not given:
            raise ConfigurationError(*left_out, remedy="Add a tag that every run has, such as --tag-custom {sha7}.")
        return given or _by_strategy(request)
    return ()


def _by_strategy(request: Request) -> tuple[TagRequest, ...]:
    strategy = request.options.value(tags.TAGGING_STRATEGY)
    asked_for = request.options.is_given(tags.TAGGING_STRATEGY)
    if strategy == TagStrategy.STAGES_SIGNATURE:
        return (TagRequest(TagStrategy.STAGES_SIGNATURE),) if asked_for or request.job.system is not CiSystem.NONE else ()
    tag = request.job.tag()
    if tag is None:
        origin = request.options.origin(tags.TAGGING_STRATEGY)
        request.problems.add(
            f"{origin} {strategy}: no CI system says a git tag or branch here; give --tag-git-branch or --tag-git-tag"
        )
    return (tag,) if tag else ()
