"""Which tags are meant: globs and `/regular expressions/`, with `!` for exclusion. One dialect everywhere.

Regular expressions are RE2 and match in full: `/a|b/` means exactly a or b. RE2 runs in linear time, so that a pattern from a
config file cannot hang a cleanup, and it is the dialect that people bring along from werf, Harbor and GitLab.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import translate
from string import ascii_letters, digits
from typing import Protocol

_IN_GLOBS = frozenset(ascii_letters + digits + "_.-*?")
_SET = re.compile(r"\[[!^]?\]?[^\]]*\]")  # [0-9], [!a-z], []x]
_NAMES_OF_EVERY_KIND = ("a", "Z", "0", "_", "latest", "v1.2.3", "feature-x_y.z", "sha-0a1b2c3", "Q7-." + "m" * 60)


class Matcher(Protocol):
    def fullmatch(self, string: str, /) -> object: ...


@dataclass(frozen=True, slots=True)
class TagPattern:
    """One glob, or one regular expression between slashes. Raises ValueError with a sentence for a bad one."""

    text: str
    _matcher: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.text in ("", "/", "//"):
            raise ValueError("an empty pattern matches nothing; leave it out")
        object.__setattr__(
            self, "_matcher", regular_expression(self.text[1:-1]) if self.is_regular_expression else _glob(self.text)
        )

    @property
    def is_regular_expression(self) -> bool:
        return len(self.text) >= 2 and self.text.startswith("/") and self.text.endswith("/")

    def matches(self, tag: str) -> bool:
        return self._matcher.fullmatch(tag) is not None


@dataclass(frozen=True, slots=True)
class TagSelector:
    """A list of patterns: a tag is selected when one that includes matches and none that excludes does.

    A list that only excludes selects everything else.
    """

    include: tuple[TagPattern, ...] = ()
    exclude: tuple[TagPattern, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "TagSelector":
        """Raises ValueError that names the first pattern that is no pattern."""
        include: list[TagPattern] = []
        exclude: list[TagPattern] = []
        for text in texts:
            (exclude if text.startswith("!") else include).append(TagPattern(text.removeprefix("!")))
        return cls(tuple(include), tuple(exclude))

    def selects(self, tag: str) -> bool:
        if any(pattern.matches(tag) for pattern in self.exclude):
            return False
        return not self.include or any(pattern.matches(tag) for pattern in self.include)

    def selects_everything(self) -> bool:
        """Whether the list tells no tag from another, judged on names of every kind."""
        return not self.exclude and all(self.selects(name) for name in _NAMES_OF_EVERY_KIND)

    def __str__(self) -> str:
        return ", ".join([pattern.text for pattern in self.include] + [f"!{pattern.text}" for pattern in self.exclude])


def _glob(text: str) -> Matcher:
    """A glob. Raises ValueError for one that no tag can match: a pattern that silently protects nothing costs images."""
    alien = sorted(set(_SET.sub("", text)) - _IN_GLOBS)
    if alien:
        hint = "a regular expression stands between two slashes, /like this/" if "/" in alien else "one glob each, for tags alone"
        raise ValueError(f"{text!a} matches no tag, since no tag holds {' or '.join(map(ascii, alien))} ({hint})")
    # [^a] is bash's and Go's [!a]; to fnmatch it would be "a or ^", the opposite of what is meant.
    return re.compile(translate(_SET.sub(lambda found: found[0].replace("[^", "[!", 1), text)), re.ASCII)


def regular_expression(text: str) -> Matcher:
    """An RE2 expression. Raises ValueError with RE2's own words, and a hint for what RE2 leaves out on purpose."""
    import re2  # noqa: PLC0415 -- 20 ms that only those pay who use regular expressions

    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Matcher = re2.compile(text, options)
    except UnicodeEncodeError:
        raise ValueError(f"bad regular expression {text!a}: it is not UTF-8") from None
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"bad regular expression /{text}/: {reason} (RE2: no look-around, no back-references)") from None
    return compiled
