"""What a publish did: every tag with its digest, those that are not up first.

Digests are written out in full, since people copy them from here into deployments.
"""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from moorage.errors import Failure
from moorage.oci.reference import Digest
from moorage.report.figures import counted, number
from moorage.report.markup import Block, code, escape, fitted, table
from moorage.report.page import escape as escape_html
from moorage.report.page import page
from moorage.report.paint import Paint
from moorage.report.wording import plain

_WORDS = {"planned": "would be published", "published": "published", "up-to-date": "up to date", "failed": "not up"}


class PublishedTag(Protocol):
    """One image under one tag; `error` where it is not up."""

    @property
    def image(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def repository(self) -> str: ...
    @property
    def final_tag(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def digest(self) -> Digest | None: ...
    @property
    def status(self) -> str: ...
    @property
    def error(self) -> Failure | None: ...
    @property
    def config(self) -> Digest | None: ...


class Published(Protocol):
    """What became of a publish."""

    @property
    def images(self) -> Sequence[PublishedTag]: ...
    @property
    def stopped(self) -> Failure | None: ...
    def as_json(self) -> dict[str, Any]: ...


def published_text(published: Published, *, width: int, colour: bool) -> str:
    """For a terminal or a CI log, in lines of at most `width` columns where references and digests allow."""
    return "\n".join(_lines(published, max(width, 40), Paint(colour))) + "\n"


def _lines(published: Published, width: int, paint: Paint) -> Iterator[str]:
    yield paint.strong(_status(published))
    yield from (textwrap.fill(sentence, width) for sentence in _stopped(published))
    column = max((len(_WORDS.get(tag.status, tag.status)) for tag in published.images), default=0)
    for tag in _worst_first(published):
        word = f"{_WORDS.get(tag.status, tag.status):<{column}}"
        yield f"  {paint.bad(word) if tag.error else paint.good(word)}  {plain(tag.reference)}"
        said = [tag.digest.text] if tag.digest else []
        said += [plain(tag.error.message), plain(tag.error.remedy)] if tag.error else []
        for sentence in said:
            indent = " " * (column + 4)
            yield textwrap.fill(
                sentence, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )


def published_markdown(published: Published, *, limit_bytes: int | None = None) -> str:
    """For a file or the summary page of a CI system; see plan_markdown for `limit_bytes`."""
    return fitted(tuple(_blocks(published)), limit_bytes)


def _blocks(published: Published) -> Iterator[Block]:
    yield "# Publish result"
    yield f"**{_status(published)}**"
    yield from map(escape, _stopped(published))
    failed = [tag for tag in published.images if tag.error]
    if failed:
        rows = [(code(tag.reference), escape(tag.error.message), escape(tag.error.remedy)) for tag in failed if tag.error]
        yield table(("Not up", "Why", "What to do"), rows, noun="tag")
    up = [tag for tag in published.images if not tag.error]
    if up:
        columns = ("Image", "Reference", "Digest", "Status")
        yield table(
            columns,
            [
                (
                    code(tag.image) if tag.image else "`~`",
                    code(tag.reference),
                    code(str(tag.digest or "?")),
                    _WORDS.get(tag.status, tag.status),
                )
                for tag in up
            ],
            noun="tag",
        )


def published_html(published: Published) -> str:
    """As a page."""
    rows = "".join(
        f'<tr class="{"failed" if tag.error else "up"}"><th scope="row"><code>{escape_html(tag.reference)}</code>'
        f"<small>{escape_html(tag.image or '~')}</small></th>"
        f"<td>{_WORDS.get(tag.status, tag.status)}</td><td>{_outcome_html(tag)}</td></tr>\n"
        for tag in _worst_first(published)
    )
    head = '<th scope="col" class="reference">Reference</th><th scope="col" class="fate">Status</th><th scope="col">Digest</th>'
    body = (
        f'<section class="images" id="images"><table class="list"><caption class="unseen">Every tag</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )
    return page("Publish result", "", " ".join([_status(published), *_stopped(published)]), body)


def _outcome_html(tag: PublishedTag) -> str:
    digest = f"<code>{tag.digest}</code>" if tag.digest else ""
    if tag.error is None:
        return digest
    return f'{digest}<p class="error">{escape_html(tag.error.message)}</p><p>{escape_html(tag.error.remedy)}</p>'


def _status(published: Published) -> str:
    """Counts of each status, the failures first."""
    counts = Counter(tag.status for tag in published.images)
    if not counts:
        return "Nothing was published."
    parts = [f"{number(counts[status])} {words}" for status, words in reversed(_WORDS.items()) if counts[status]]
    return f"{counted(len(published.images), 'tag')}: {', '.join(parts)}."


def _stopped(published: Published) -> tuple[str, ...]:
    """What ended the run before anything was published, and what to do about it."""
    failure = published.stopped
    return (plain(failure.message), plain(failure.remedy)) if failure is not None else ()


def _worst_first(published: Published) -> list[PublishedTag]:
    return sorted(published.images, key=lambda tag: tag.error is None)
