"""Lines that set variables, in the syntax of those who read them. Any value survives, or is refused."""

import re
from enum import StrEnum

from moorage.errors import ConfigurationError


class Syntax(StrEnum):
    """Who reads the lines; the first three are the choices of --shell."""

    POSIX = "default"
    CMD = "cmdexe"
    POWERSHELL = "powershell"
    ENV_FILE = "env-file"  # docker --env-file, GitLab's dotenv reports, $GITHUB_ENV

    @property
    def suffix(self) -> str:
        """Of a file in this syntax."""
        return {Syntax.POSIX: ".sh", Syntax.CMD: ".bat", Syntax.POWERSHELL: ".ps1", Syntax.ENV_FILE: ".env"}[self]


# Every one of these ends the shell that runs the lines, which a command that merely fails inside `source <(…)` would not.
ABORT = "exit 1"

_POSIX_SPECIAL = re.compile(r'[\\"$`]')
_PLAIN_FOR_CMD = re.compile(r"[A-Za-z0-9_./:@=+,-]*", re.ASCII)
# PowerShell takes typographic quotes for straight ones (about_Quoting_Rules).
_POWERSHELL_SPECIAL = re.compile('[`"$\u201c\u201d\u201e]')


def assignment(syntax: Syntax, name: str, value: str) -> str:
    """The line that sets a variable for later commands. Raises ConfigurationError for what the syntax cannot hold."""
    match syntax:
        case Syntax.POSIX:
            escaped = _POSIX_SPECIAL.sub(r"\\\g<0>", value)
            return f'export {name}="{escaped}"'
        case Syntax.POWERSHELL:
            escaped = _POWERSHELL_SPECIAL.sub(r"`\g<0>", value)
            return f'$Env:{name} = "{escaped}"'
        case Syntax.CMD:
            _refuse_line_breaks(name, value, "a batch file")
            if '"' in value:
                raise ConfigurationError(f"{name}: a batch file cannot hold a value with double quotes reliably")
            # Doubled, since a batch file expands %NAME% even between quotes.
            return f"set {name}={value}" if _PLAIN_FOR_CMD.fullmatch(value) else f'set "{name}={value.replace("%", "%%")}"'
        case Syntax.ENV_FILE:
            _refuse_line_breaks(name, value, "an env file")
            return f"{name}={value}"


def comment(syntax: Syntax, text: str) -> str:
    """A line that does nothing, whatever the text holds."""
    return f"{'::' if syntax is Syntax.CMD else '#'} {' '.join(text.split())}".rstrip()


def _refuse_line_breaks(name: str, value: str, where: str) -> None:
    if re.search(r"[\r\n]", value):
        raise ConfigurationError(f"{name}: {where} cannot hold a value of several lines")
