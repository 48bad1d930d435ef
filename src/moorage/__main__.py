"""`python -m moorage`."""

import sys

from moorage.cli.main import run_process

if __name__ == "__main__":
    sys.exit(run_process())
