"""All pairs in one run: `make bench`. Single ones: python -m bench.startup, bench.tags, bench.deletion, bench.git_history, …"""

from __future__ import annotations

import os
import platform
import sys

from bench import deletion, publish, startup, tags
from bench.row import show


def main() -> None:
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    for module in (startup, tags, publish, deletion):
        print((module.__doc__ or "").splitlines()[0], flush=True)
        show(module.rows())
        print()


if __name__ == "__main__":
    main()
