"""Which repositories a cleanup looks at."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from moorage.errors import ConfigurationError, Unsupported
from moorage.oci.naming import shown
from moorage.oci.reference import BadReference, Registry, Repository
from moorage.registries.images_repo import ImagesRepo
from moorage.registries.interface import Registry as RegistryPort
from moorage.registries.interface import RepositoryLister
from moorage.registries.vendor import Form
from moorage.settings.settings import CleanupSettings


def target_repositories(settings: CleanupSettings, registry: RegistryPort) -> Sequence[Repository]:
    """Those that were named, all below the images repo, or those of the project's own images; each once, in a stable order.

    Raises ConfigurationError where no repository can be told from the settings, Unsupported where all are asked for and the
    registry cannot list them.
    """
    repo = settings.storage.repo
    if settings.all_repositories:
        if not isinstance(registry, RepositoryLister):
            raise Unsupported(
                f"{repo.vendor.title} cannot list its repositories; nothing was changed",
                remedy="Name them with --repository, once each.",
            )
        return sorted(registry.repositories("/".join(repo.address.path)))
    if settings.repositories:
        return _named(settings.repositories, repo)
    names = settings.images or (("",) if repo.form is Form.REPOSITORY else ())
    if not names:
        raise ConfigurationError(
            f"{repo.text} names a registry, and no image says which repositories of it are meant",
            remedy="Give --image NAME, images in the config file, --repository PATH, or --all-repositories.",
        )
    return sorted({repo.repository(name) for name in names})


def shared_places(repo: ImagesRepo, stages: Repository, images: Iterable[str]) -> Iterator[str]:
    """What is wrong with a stages storage that is the repository of an image, where stages could not be told from images."""
    for image in images:
        with suppress(BadReference):
            if repo.repository(image) == stages:
                yield f"{stages} is the stages storage, and the place of {shown(image)} as well: keep them apart"


def _named(texts: Sequence[str], repo: ImagesRepo) -> Sequence[Repository]:
    problems, found = [], []
    for text in dict.fromkeys(texts):
        try:
            found.append(named_repository(text, repo))
        except BadReference as error:
            problems.append(f"bad --repository '{text}': {error}")
    if problems:
        raise ConfigurationError(*problems)
    return sorted(set(found))


def named_repository(text: str, repo: ImagesRepo) -> Repository:
    """A path below the images repo, or a full address on the same host. Raises BadReference for anything else."""
    text = text.strip("/")
    if text.startswith("oci:"):
        path = text.removeprefix(f"{repo.registry}/")
        if path == text:
            raise BadReference(f"it lies outside of {repo.registry}")
        return Repository(repo.registry, path)
    first, slash, rest = text.partition("/")
    if slash and first in {repo.registry.name, repo.address.host}:
        return Repository(repo.registry, rest)
    if slash and ("." in first or ":" in first or first == "localhost"):
        Registry(first)
        raise BadReference(f"it is on {first}, and this run speaks to {repo.registry} alone")
    return Repository(repo.registry, "/".join([*repo.address.path, text]))
