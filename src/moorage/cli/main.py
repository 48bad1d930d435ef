"""The entry point: one call from argv to exit code.

Only the result goes to stdout; progress, warnings and errors go to stderr. With `--output json` stdout holds one document,
whatever happens.
"""

import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

_SELDOM: Final = 100_000  # new objects between two looks for garbage; by default 700, so that starting up is spent looking


def run(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Run one command and return its exit code; everything that is left out is the process's own."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    out = stdout or _tolerant(sys.stdout)
    if arguments == ["--version"]:  # asked by scripts at every start: answered before anything is loaded
        import moorage  # noqa: PLC0415 -- only this answer needs it

        out.write(f"moorage {moorage.__version__}\n")
        return 0
    from moorage.cli.session import Session  # noqa: PLC0415 -- see above

    return Session(arguments, dict(os.environ if environ is None else environ), out, stderr or sys.stderr).run()


def run_process(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """`run` as all that a process is for: what only matters to one that lives on is spared, a sixth of a short run's time."""
    gc.set_threshold(_SELDOM)
    try:
        return run(argv, environ)
    finally:
        gc.freeze()  # at exit Python looks for garbage once more: not in what goes with the process anyway


def _tolerant(stream: TextIO) -> TextIO:
    """A result must not be lost to a terminal that cannot show a letter in it."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


if __name__ == "__main__":
    sys.exit(run_process())
