"""The settings of each command, complete. Each raises one ConfigurationError with everything that is wrong with the request."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from moorage.oci.naming import image_name
from moorage.oci.tagging import TagRequest, no_tags
from moorage.option import Option
from moorage.registries.addressing import LOCAL
from moorage.registries.images_repo import ImagesRepo, final_names
from moorage.settings.assemble.access import access_of
from moorage.settings.assemble.clusters import clusters_of
from moorage.settings.assemble.git import git_cleanup_of
from moorage.settings.assemble.images import NO_IMAGES, image_names, image_settings, origins_of, unnamed_images
from moorage.settings.assemble.policy import guards_of, policy_of
from moorage.settings.assemble.project import project_of
from moorage.settings.assemble.storage import images_repo, stages_storage, storage
from moorage.settings.assemble.tags import tags_of
from moorage.settings.options import images, in_use, reports, rules, safety, where
from moorage.settings.request import Request
from moorage.settings.settings import CleanupSettings, Engine, ManagedImagesSettings, PublishSettings, Storage

_OF_FRESH_PLANS: Final[tuple[Option[Any], ...]] = (
    rules.DELETE_TAGS, rules.DELETE_UNTAGGED, rules.OLDER_THAN, rules.KEEP_N_TAGGED, rules.KEEP_N_UNTAGGED,
    rules.REPOSITORY, rules.ALL_REPOSITORIES, rules.DELETE_EMPTY_REPOSITORIES,
)  # fmt: skip


def storage_of(request: Request) -> Storage | None:
    """None where it cannot be made; the reason is then among the request's problems."""
    with request.problems.gather():
        return storage(request)
    return None


def stages_of(request: Request, images: Storage | None) -> Storage | None:
    """None where there is none, or it cannot be made; the reason is then among the request's problems."""
    with request.problems.gather():
        return stages_storage(request, images)
    return None


def settled(request: Request, target: Storage | None) -> Storage:
    """The storage of a request without problems. Raises one ConfigurationError with all that there are."""
    request.problems.raise_any()
    if target is None:
        raise AssertionError("a storage that cannot be made is a problem, and was raised")
    return target


def names_settings(request: Request) -> tuple[ImagesRepo, tuple[str, ...], tuple[TagRequest, ...]]:
    """Images repo, image names and tags."""
    repo = None
    with request.problems.gather():
        repo = images_repo(request)
    named = image_names(request)
    if not named:
        request.problems.add(NO_IMAGES)
    tags = _some_tags(request)
    _check_names(request, repo, named)
    request.problems.raise_any()
    if repo is None:
        raise AssertionError("an images repo that cannot be made is a problem, and was raised")
    return repo, named, tags


def _some_tags(request: Request) -> tuple[TagRequest, ...]:
    """At least one; else what is wrong is among the request's problems, and that none is said only where none is."""
    before = len(request.problems)
    tags = tags_of(request)
    if not tags and len(request.problems) == before:
        request.problems.add(*no_tags().problems)
    return tags


def _check_names(request: Request, repo: ImagesRepo | None, names: Sequence[str]) -> None:
    """Where something is wrong already, say what is wrong with the images' names along with it, whatever their tags."""
    if repo is not None and names and len(request.problems):
        with request.problems.gather():
            final_names(repo, [image_name(name) for name in names], ["latest"])


def publish_settings(request: Request) -> PublishSettings:
    """Everything that a publish has to know."""
    options = request.options
    target = storage_of(request)
    access = access_of(request, target.repo.registry if target else None)
    tags, sources, project = _some_tags(request), image_settings(request), project_of(request)
    stages = stages_of(request, target)
    _either(request, images.LABEL, images.NO_LABELS)
    _check_names(request, target.repo if target else None, [source.name for source in sources])
    return PublishSettings(
        access=access,
        storage=settled(request, target),
        project=project,
        images=sources,
        tags=tags,
        engine=Engine(options.known(images.ENGINE)),
        labels=options.values(images.LABEL),
        add_labels=not options.flag(images.NO_LABELS),
        reports=_paths(request, reports.REPORT),
        werf_report=_path(request, reports.WERF_REPORT),
        stages=stages,
        local_stages=options.value(where.STAGES_STORAGE) == LOCAL,
        immutable_tags=options.flag(images.IMMUTABLE_TAGS),
        no_cache=options.flag(images.NO_CACHE),
        pull=options.flag(images.PULL),
        dry_run=options.flag(safety.DRY_RUN),
        origins=origins_of(request, sources),
    )


def cleanup_settings(request: Request) -> CleanupSettings:
    """For cleanup, purge and explain alike."""
    options = request.options
    target = storage_of(request)
    access = access_of(request, target.repo.registry if target else None)
    policy, project = policy_of(request), project_of(request)
    stages = stages_of(request, target)
    _either(request, rules.REPOSITORY, rules.ALL_REPOSITORIES)
    _either(request, in_use.KUBE_CONFIG, in_use.KUBE_CONFIG_BASE64)
    for option in _OF_FRESH_PLANS:
        _either(request, safety.PLAN, option)
    return CleanupSettings(
        access=access,
        storage=settled(request, target),
        project=project,
        images=image_names(request),
        policy=policy,
        guards=guards_of(request, policy),
        repositories=options.values(rules.REPOSITORY),
        all_repositories=options.flag(rules.ALL_REPOSITORIES),
        dry_run=options.flag(safety.DRY_RUN),
        plan_in=_path(request, safety.PLAN),
        plan_out=_path(request, safety.PLAN_OUT),
        keep_lists=_paths(request, safety.KEEP_LIST),
        journal=_path(request, safety.JOURNAL),
        shard=options.value(safety.SHARD) or (1, 1),
        reports=_paths(request, reports.REPORT),
        git=git_cleanup_of(request),
        stages=stages,
        local_stages=options.value(where.STAGES_STORAGE) == LOCAL,
        unnamed=unnamed_images(request),
        clusters=clusters_of(request),
    )


def managed_images_settings(request: Request, names: tuple[str, ...]) -> ManagedImagesSettings:
    """`names` are those that were typed after the verb."""
    target = storage_of(request)
    access = access_of(request, target.repo.registry if target else None)
    project, stages = project_of(request), stages_of(request, target)
    return ManagedImagesSettings(access, settled(request, target), project, names, stages)


def reports_of(request: Request) -> tuple[Path, ...]:
    """Where to write reports."""
    return _paths(request, reports.REPORT)


def _either(request: Request, one: Option[Any], other: Option[Any]) -> None:
    """Two options that contradict each other."""
    options = request.options
    if all(options.is_given(option) and options.value(option) is not False for option in (one, other)):
        request.problems.add(f"{options.written(one)} and {options.written(other)} exclude each other")


def _path(request: Request, option: Option[str]) -> Path | None:
    text = request.options.value(option)
    return Path(text).absolute() if text is not None else None


def _paths(request: Request, option: Option[str]) -> tuple[Path, ...]:
    return tuple(Path(text).absolute() for text in dict.fromkeys(request.options.values(option)))
