#!/opt/moorage/venv/bin/python
"""The action's `post-entrypoint`, which has to be one executable file without arguments: the entry point, told `post`."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.argv[1:] = ["post"]
    runpy.run_path(str(Path(__file__).parent), run_name="__main__")
