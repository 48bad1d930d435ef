"""`python -m moorage.surfaces --write|--check`: render every surface, or name those that are not up to date."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from moorage.surfaces.action import render_action
from moorage.surfaces.component import render_component
from moorage.surfaces.reference import render_reference
from moorage.surfaces.registries import render_registries

ROOT: Final = Path(__file__).resolve().parents[3]
SURFACES: Final[Mapping[str, Callable[[], str]]] = {
    "action.yml": render_action,
    ".gitlab-ci-component.yml": render_component,
    "templates/moorage.yml": render_component,  # GitLab looks for components nowhere else
    "docs/options.md": render_reference,
    "docs/registries.md": render_registries,
}


def main(argv: Sequence[str], root: Path = ROOT, stdout: TextIO = sys.stdout) -> int:
    """0 when everything is as it should be (or was written), 1 when a file differs, 2 for a wrong call."""
    if list(argv) not in (["--write"], ["--check"]):
        stdout.write("usage: python -m moorage.surfaces --write|--check\n")
        return 2
    stale = {name: text for name, render in SURFACES.items() if _now(root / name) != (text := render())}
    for name, text in stale.items():
        if argv[0] == "--write":
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        stdout.write(f"{name} {'written' if argv[0] == '--write' else 'is not up to date'}\n")
    if stale and argv[0] == "--check":
        stdout.write("run: python -m moorage.surfaces --write\n")
        return 1
    return 0


def _now(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
