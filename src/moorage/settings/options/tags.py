"""Which tags images get, and how texts become tags."""

from typing import Final

from moorage.oci.tag_template import Placeholder
from moorage.option import Command, Option, Shape, boolean, one_of, text

_THEME: Final = "Tags"
_TAGGING = frozenset({Command.NAMES, Command.PUBLISH})
STRATEGIES = ("stages-signature", "tag-or-branch")

TAG_CUSTOM = Option(
    name="tag-custom",
    help=(
        f"A tag of one's own; repeatable. May hold {', '.join(f'{{{one}}}' for one in Placeholder)} (docs/tags.md); "
        "where one of them stands for nothing, the tag is left out."
    ),
    parse=text,  # an empty one is a mistake, which is reported together with all other bad tags
    shape=Shape.MANY,
    metavar="TAG",
    commands=_TAGGING,
    other_words=("tag", "tags"),
    theme=_THEME,
)
TAG_GIT_BRANCH = Option(
    name="tag-git-branch",
    help="Tag by this branch; cleanup keeps the image as its policies for branches say.",
    parse=text,
    metavar="TAG",
    commands=_TAGGING,
    theme=_THEME,
)
TAG_GIT_TAG = Option(
    name="tag-git-tag",
    help="Tag by this git tag.",
    parse=text,
    metavar="TAG",
    commands=_TAGGING,
    theme=_THEME,
)
TAG_GIT_COMMIT = Option(
    name="tag-git-commit",
    help="Tag by this commit.",
    parse=text,
    metavar="TAG",
    commands=_TAGGING,
    theme=_THEME,
)
TAG_BY_STAGES_SIGNATURE = Option(
    name="tag-by-stages-signature",
    help="Tag each image by the signature of what it is made from (docs/signature.md).",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_TAGGING,
    theme=_THEME,
)
TAGGING_STRATEGY = Option(
    name="tagging-strategy",
    help="How the CI system gives a tag when no tag option does: by content, or by its git tag or branch.",
    parse=one_of(*STRATEGIES),
    choices=STRATEGIES,
    default="stages-signature",
    metavar="STRATEGY",
    commands=_TAGGING | {Command.CI_ENV},
    theme=_THEME,
)
FORMAT = Option(
    name="format",
    help="What the slug is for.",
    parse=one_of("docker-tag", "helm-release", "kubernetes-namespace", "tag", "r", "ns"),
    choices=("docker-tag", "helm-release", "kubernetes-namespace"),
    default="docker-tag",
    metavar="FORMAT",
    commands=frozenset({Command.SLUG}),
    theme=_THEME,
)

OPTIONS = (TAG_CUSTOM, TAG_GIT_BRANCH, TAG_GIT_TAG, TAG_GIT_COMMIT, TAG_BY_STAGES_SIGNATURE, TAGGING_STRATEGY, FORMAT)
