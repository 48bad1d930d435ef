"""Makes the virtual environment, also on a Debian whose Python comes without `venv` and `ensurepip`.

python3 requirements/environment.py .venv
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)


def main(folder: Path) -> int:
    if sys.version_info < OLDEST:
        found, oldest = sys.version.split()[0], ".".join(map(str, OLDEST))
        return complain(f"Python {oldest} or newer is needed, this is {found}. Name another one: make PYTHON=python3.12 demo")
    if make(folder):
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    package = f"python3.{sys.version_info.minor}-venv"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return complain(f"This Python cannot make virtual environments. As root: apt-get install {package}. Then run make again.")
    print(f"This Python cannot make virtual environments; installing {package}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=environment, stdout=subprocess.DEVNULL, check=False)
    subprocess.run(["apt-get", "install", "-q", "-y", package], env=environment, stdout=subprocess.DEVNULL, check=False)
    return 0 if make(folder) else complain(f"{package} did not help; the lines above say why.")


def make(folder: Path) -> bool:
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        print(made.stdout.strip() or made.stderr.strip(), file=sys.stderr)
    return made.returncode == 0


def complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
