"""Requests per vendor: one inventory of a thousand tags, and a cleanup that deletes three hundred of them.

    python -m bench.vendors [--tags 1000] [--going 300]

Counted at the vendors' simulators, in front of a real docker-registry; the images are OCI images of one tag each. Beside each
figure stands the least that the API allows, as the vendor's contract test declares it with the reason and holds us to it
(tests/contract/least.py). "changing" are the requests that delete.
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
        heads = f"{'inventory':>10}{'least':>7}{'changing':>10}{'least':>7}{'cleanup':>9}{'least':>7}{'ratio':>7}"
        print(f"{'vendor':<18}{heads}  what the least rests on")
        for row in sorted(table.read_text(encoding="utf-8").splitlines()):
            vendor, *counts, why = row.split("\t")
            inventory, listed, changing, deleted, cleanup, least = map(int, counts)
            figures = f"{inventory:>10}{listed:>7}{changing:>10}{deleted:>7}{cleanup:>9}{least:>7}{cleanup / least:>7.2f}"
            print(f"{vendor:<18}{figures}  {why}")
        print(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
