"""The project: its name, its directory, and what git and the CI system know about it."""

from pathlib import Path
from typing import TYPE_CHECKING

from moorage.errors import ConfigurationError
from moorage.settings.options import general, git
from moorage.settings.request import Request
from moorage.settings.settings import Project

if TYPE_CHECKING:
    from moorage.git.repository import GitRepository


def project_of(request: Request) -> Project:
    """The project may well lie outside of any repository; then the CI system, else nobody, says which commit this is."""
    directory = request.config.path.absolute().parent if request.config and request.config.path else request.directory
    git_directory = _git_directory(request)
    repository = _repository(git_directory or directory)
    url = repository.remote_url() if repository else ""
    return Project(
        name=request.options.value(general.PROJECT) or _name_in(url) or directory.name,
        directory=directory,
        git_directory=git_directory,
        source_url=request.job.source_url or _for_people(url),
        revision=(repository.head if repository else "") or request.job.revision,
    )


def _git_directory(request: Request) -> Path | None:
    text = request.options.value(git.GIT_DIR)
    if text is None:
        return None
    directory = request.directory / text
    if not directory.is_dir():
        request.problems.add(f"bad {request.options.origin(git.GIT_DIR)} {text!r}: there is no such directory")
    return directory


def _repository(directory: Path) -> "GitRepository | None":
    from moorage.git.repository import GitRepository  # noqa: PLC0415 -- subprocess is for commands that look at git

    try:
        return GitRepository.find(directory)
    except ConfigurationError:
        return None


def _name_in(url: str) -> str:
    return url.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]


def _for_people(url: str) -> str:
    """A remote's address as a page: `git@host:path.git` and `ssh://git@host/path.git` are https://host/path."""
    if url.startswith(("http://", "https://")):
        return url.removesuffix(".git")
    if url.startswith("ssh://"):
        host, slash, path = url.removeprefix("ssh://").rpartition("@")[2].partition("/")
        return f"https://{host.partition(':')[0]}/{path.removesuffix('.git')}" if slash else ""
    host, colon, path = url.rpartition("@")[2].partition(":")
    return f"https://{host}/{path.removesuffix('.git')}" if colon and "/" not in host else ""
