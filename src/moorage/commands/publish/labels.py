"""The labels that a published image gets.

One image has one digest under all its tags: it is uploaded once, and each further tag is one small request. So a label cannot
tell which of the tags it is read through. `version` and `ref.name` name the main tag, as docker's metadata-action does: the git
tag if there is one, else a custom tag, else the branch, else the commit.

`created` is the date of the image and not of the publish, so that publishing twice gives the same bytes. The labels of the user
win over all of these; these win over what the image brings along, which mostly describes the image it was built from.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from moorage.commands.publish.content import Content
from moorage.oci import labels
from moorage.oci.naming import FinalName
from moorage.oci.tagging import TagRequest, TagStrategy
from moorage.settings.settings import Project, PublishSettings

_MAIN_FIRST: Final = (
    TagStrategy.GIT_TAG, TagStrategy.CUSTOM, TagStrategy.GIT_BRANCH, TagStrategy.GIT_COMMIT, TagStrategy.STAGES_SIGNATURE,
)  # fmt: skip


def labels_for(
    settings: PublishSettings, names: Sequence[FinalName], content: Content, signature: str = "", stages: Collection[str] = ()
) -> Mapping[str, str]:
    """All labels to add to one image; none where the user wants none of ours and has none of their own.

    `stages` are the signatures of what it is made from, its own among them where it is built as one.
    """
    own = dict(settings.labels)
    if not settings.add_labels:
        return own
    written = _written(settings.project, main_name(names, settings.tags), content.labelled(own))
    # An image that was built from one of ours brings that one's signature along.
    signed = {labels.SIGNATURE: signature} if signature or labels.SIGNATURE in content.labels else {}
    return {**written, **signed, **_staged(settings, content, signature, stages), **own}


def _staged(settings: PublishSettings, content: Content, signature: str, stages: Collection[str]) -> Mapping[str, str]:
    """What a cleanup has to know: which stages are needed for this image, and that it is none itself."""
    said = {labels.STAGES: " ".join(sorted(stages))} if set(stages) - {signature} or labels.STAGES in content.labels else {}
    is_none = settings.stages is not None or labels.KEPT in content.labels
    return said | ({labels.KEPT: ""} if is_none else {})


def main_name(names: Sequence[FinalName], tags: Iterable[TagRequest]) -> FinalName:
    """The name that stands for the others: by strategy, then in the order given, `latest` after all that say more."""
    requests = sorted(tags, key=lambda request: (request.value == "latest", _MAIN_FIRST.index(request.strategy)))
    by_tag = {name.meta_tag: name for name in names}
    return next((by_tag[request.value] for request in requests if request.value in by_tag), names[0])


def _written(project: Project, main: FinalName, content: Content) -> dict[str, str]:
    general = {
        labels.TITLE: main.image or project.name,
        labels.SOURCE: _without_credentials(project.source_url),
        labels.REVISION: project.revision,
        labels.CREATED: _rfc3339(content),
        labels.VERSION: main.meta_tag,
        labels.REF_NAME: main.tag,
    }
    own = {labels.IMAGE: main.image, labels.PROJECT: project.name, labels.CONTENT: content.digest.text}
    # What is not known is left out, unless the image brings it along from its base: that one's commit is not ours.
    return {name: value for name, value in general.items() if value or name in content.labels} | own


def _rfc3339(content: Content) -> str:
    """Empty where the image has no date; Go's zero time is none."""
    if content.created is None or content.created.year == 1:
        return ""
    return content.created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _without_credentials(url: str) -> str:
    """GitLab's clones have the job's token in the address of their remote, and everybody who can pull can read labels."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "://" in url else url
