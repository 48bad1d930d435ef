"""Requests per vendor: one inventory of a thousand tags, and a cleanup that deletes three hundred of them.

    python -m bench.vendors [--tags 1000] [--going 300]

Counted at the vendors' simulators, in front of a real docker-registry; the images are OCI images of one tag each. "changing" are
the requests that delete; the least is one per image, or one per batch where the vendor's API takes batches.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=int, default=1000)
    parser.add_argument("--going", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table"
        table.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-k", "test_what_it_costs", "tests/contract", "--timeout", "1800"]
        options = ["--costs", str(asked.tags), str(asked.going), "--costs-to", str(table), "-p", "no:cacheprovider"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        print(f"{'vendor':<28} {'inventory':>10} {'changing':>10} {'whole cleanup':>14}")
        for row in sorted(table.read_text(encoding="utf-8").splitlines()):
            vendor, inventory, changing, cleanup = row.split("\t")
            print(f"{vendor:<28} {inventory:>10} {changing:>10} {cleanup:>14}")
        print(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
