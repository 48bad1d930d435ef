import subprocess

import pytest

from moorage.commands.shell_syntax import Syntax, assignment, comment
from moorage.errors import ConfigurationError

AWKWARD = [
    "plain", "two words", "", " edges ", 'say "hi"', "it's", "$HOME", "${X:-y}", "`id`", "$(id)", "back\\slash", "end\\",
    "two\nlines", "semi;colon & more | less", "100%", "*", "~", "é ☃", "!history", "# no comment",
]  # fmt: skip


@pytest.mark.parametrize("value", AWKWARD)
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_real_shell_gets_the_value_back(shell: str, value: str) -> None:
    script = assignment(Syntax.POSIX, "VALUE", value) + '\nprintf %s "$VALUE"\n'
    assert subprocess.run([shell], input=script, capture_output=True, text=True, check=True).stdout == value


@pytest.mark.parametrize(
    ("syntax", "value", "line"),
    [
        (Syntax.POSIX, "a/b:1", 'export K="a/b:1"'),
        (Syntax.POWERSHELL, "a/b:1", '$Env:K = "a/b:1"'),
        (Syntax.POWERSHELL, 'a "b" $c `d', '$Env:K = "a `"b`" `$c ``d"'),
        (Syntax.POWERSHELL, "a”b", '$Env:K = "a`”b"'),
        (Syntax.CMD, "ghcr.io/acme/app:v1", "set K=ghcr.io/acme/app:v1"),
        (Syntax.CMD, "a & b", 'set "K=a & b"'),
        (Syntax.CMD, "100%", 'set "K=100%%"'),
        (Syntax.ENV_FILE, 'a "b" $c', 'K=a "b" $c'),
    ],
)
def test_each_syntax_quotes_its_own_way(syntax: Syntax, value: str, line: str) -> None:
    assert assignment(syntax, "K", value) == line


@pytest.mark.parametrize("syntax", [Syntax.ENV_FILE, Syntax.CMD])
@pytest.mark.parametrize("value", ["two\nlines", "two\rlines"])
def test_what_cannot_hold_several_lines_says_so(syntax: Syntax, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"K: .* cannot hold a value of several lines"):
        assignment(syntax, "K", value)


def test_a_batch_file_refuses_double_quotes() -> None:
    with pytest.raises(ConfigurationError, match="double quotes"):
        assignment(Syntax.CMD, "K", 'a "b"')


def test_a_comment_is_one_line_whatever_it_holds() -> None:
    assert comment(Syntax.POSIX, "skip K=a\nrm -rf /") == "# skip K=a rm -rf /"
    assert comment(Syntax.CMD, "note") == ":: note"
