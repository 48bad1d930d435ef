#!/opt/moorage/venv/bin/python
"""The container's entry point: one command, chosen by its arguments, by the action's input `command`, or by $MOORAGE_COMMAND.

    ENTRYPOINT ["python", "/opt/moorage/entrypoint"]   `docker run moorage cleanup --dry-run`, and the action's main step
    /usr/local/bin/moorage                             the same, for scripts of jobs that run in this container (GitLab)
    /opt/moorage/entrypoint/post.py                    the action's post step: a new container after the job's last step

Python, and in exec form: a POSIX shell drops variables with hyphens in their names, and that is how GitHub hands over inputs.
"""

import os
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from moorage.cli.main import run_process

DEFAULT_COMMAND = "publish"
_CHOSEN_BY = ("INPUT_COMMAND", "MOORAGE_COMMAND")
_TELLING = frozenset({"--help", "-h", "--version"})
_STATE = "STATE_docker-config"  # what `moorage login` saved for the post step


def main(argv: Sequence[str], environ: MutableMapping[str, str]) -> int:
    """Run one command in this process and return its exit code."""
    environ.update(trusted_workspace(environ))
    if list(argv) == ["post"]:
        return tidied_up(environ)
    if not any(environ.get(name) for name in _CHOSEN_BY) and not _TELLING.intersection(argv):
        environ["MOORAGE_COMMAND"] = DEFAULT_COMMAND
    return run_process(argv, environ)


def tidied_up(environ: Mapping[str, str]) -> int:
    """Remove what the main step left for the steps after it; nothing where it left nothing."""
    directory = environ.get(_STATE, "")
    kept = {name: value for name, value in environ.items() if not name.startswith("INPUT_")}  # of the main step, not of this one
    return run_process(["logout", directory], kept) if directory else 0


def trusted_workspace(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that let git read the checkout, which belongs to the runner's user and not to this container's.

    Told by variables, so that no file of the user's is changed (git 2.31 and later; a list that is there already is continued).
    """
    workspace = environ.get("GITHUB_WORKSPACE") or environ.get("CI_PROJECT_DIR") or os.fspath(Path.cwd())
    try:
        count = max(int(environ.get("GIT_CONFIG_COUNT", "0")), 0)
    except ValueError:
        count = 0
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": "safe.directory",
        f"GIT_CONFIG_VALUE_{count}": workspace,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
