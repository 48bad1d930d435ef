"""Foreign text inside Markdown, and documents of tables that can be cut to a size.

Written for GitHub's and GitLab's dialects; what registries say must stay text in both: no markup, no links, nobody mentioned.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from moorage.report.figures import counted
from moorage.report.wording import plain

_SIMPLE = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9._/:@-]*")
_MARKS = re.compile(r"([\\`*_\[\]|~#$])")
_OPENING = re.compile(r"^(\d+(?=[.)])|(?=[-+=]))")  # where a list or an underline would begin


def escape(text: str) -> str:
    """Foreign text as text: in a table, a list or a paragraph."""
    marked = _MARKS.sub(r"\\\1", html.escape(plain(text), quote=False))
    # Both dialects turn addresses and names into links and mentions without any markup around them.
    marked = marked.replace("@", "&#64;").replace("://", "&#58;//").replace("www.", "www&#46;")
    return _OPENING.sub(r"\1\\", marked)


def code(text: str) -> str:
    """A name in a code span where that is safe, else as text."""
    return f"`{text}`" if _SIMPLE.fullmatch(text) else escape(text)


@dataclass(frozen=True, slots=True)
class Rows:
    """The lines of a table or a list, which may be cut; `head` stays. `noun` is what a line stands for."""

    lines: Sequence[str]
    head: str = ""
    noun: str = "row"

    def render(self, most: int | None) -> str:
        """At most so many lines, and a sentence about the rest."""
        shown = self.lines if most is None else self.lines[:most]
        body = "\n".join(([self.head] if self.head and shown else []) + list(shown))
        if len(shown) == len(self.lines):
            return body
        rest = f"{counted(len(self.lines) - len(shown), self.noun)} left out here; `--report FILE.html` has them all."
        return f"{body}\n\n*{rest}*".lstrip()


Block = str | Rows


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[str] = frozenset(), noun: str = "row"
) -> Rows:
    """A table; `right` names the columns that hold numbers."""
    rule = "|".join("---:" if column in right else "---" for column in columns)
    return Rows([f"| {' | '.join(row)} |" for row in rows], f"| {' | '.join(columns)} |\n|{rule}|", noun)


def fitted(blocks: Sequence[Block], limit: int | None) -> str:
    """The document in at most `limit` bytes of UTF-8: its longest tables are cut, and if need be its last blocks dropped."""
    whole = _joined(blocks, None)
    if limit is None or len(whole.encode()) <= limit:
        return whole
    fits, fails = 0, max((len(block.lines) for block in blocks if isinstance(block, Rows)), default=0)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if len(_joined(blocks, middle).encode()) <= limit:
            fits = middle
        else:
            fails = middle
    found = _joined(blocks, fits)
    return found if len(found.encode()) <= limit else _beginning(blocks, limit)


def _joined(blocks: Sequence[Block], most: int | None) -> str:
    return "\n\n".join(block if isinstance(block, str) else block.render(most) for block in blocks) + "\n"


def _beginning(blocks: Sequence[Block], limit: int) -> str:
    """The blocks that fit without a single row, and a sentence saying that others did not."""
    last = "*The rest does not fit here; `--report FILE.html` has it all.*\n"
    kept: list[str] = []
    used = len(last.encode())
    for block in blocks:
        text = block if isinstance(block, str) else block.render(0)
        used += len(text.encode()) + 2
        if used > limit:
            break
        kept.append(text)
    return "\n\n".join([*kept, last])
