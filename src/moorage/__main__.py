"""`python -m moorage`."""

import sys

from moorage.cli.main import run

if __name__ == "__main__":
    sys.exit(run())
