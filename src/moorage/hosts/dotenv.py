"""Outputs as a dotenv file, GitLab's way of handing values to later jobs.

GitLab refuses the whole file when it is larger than 5 KiB or a value holds a line break (docs.gitlab.com,
"artifacts:reports:dotenv", seen 2026-11). So lists become comma-separated, and what is too large goes into a file of its own,
whose path is given instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

LIMIT: Final = 5 * 1024  # bytes
_ROOM: Final = 256  # bytes kept free for each path that stands in for a value
_PREFIX: Final = "MOORAGE_OUT_"


def write_dotenv(file: Path, outputs: Mapping[str, str]) -> None:
    """Write MOORAGE_OUT_… lines; values that do not fit stand in FILE.d/NAME, named by MOORAGE_OUT_…_FILE.

    Raises OSError where the files cannot be written.
    """
    flat = {name: ",".join(value.splitlines()) for name, value in outputs.items()}
    large = _too_large(flat)
    lines = []
    for name, value in flat.items():
        variable = _PREFIX + name.upper().replace("-", "_")
        if name not in large:
            lines.append(f"{variable}={value}")
            continue
        aside = file.with_name(f"{file.name}.d") / name
        aside.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(outputs[name], encoding="utf-8")
        lines.append(f"{variable}_FILE={aside}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _too_large(flat: Mapping[str, str]) -> frozenset[str]:
    """As few of the largest values as have to leave for the rest to fit."""
    sizes = {name: len(value.encode()) + len(name) + len(_PREFIX) + 2 for name, value in flat.items()}
    left: set[str] = set()
    for name in sorted(sizes, key=lambda name: sizes[name], reverse=True):
        if sum(_ROOM if other in left else size for other, size in sizes.items()) <= LIMIT:
            break
        left.add(name)
    return frozenset(left)
