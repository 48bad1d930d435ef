"""What a command was asked to do, fully parsed: frozen values that the stories in `commands` take and the border builds.

No text stands here where a type exists. Everything was validated on the way in, so a story never has to ask whether its settings
make sense; it can only find that the world does not agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from moorage.auth.secret import Secret
from moorage.oci.tagging import TagRequest
from moorage.policy.keep_policies import KeepPolicy
from moorage.policy.rules import Guards, Policy
from moorage.policy.tag_strategies import StrategyLimits
from moorage.registries.addressing import ImagesRepo
from moorage.registries.vendor import VendorOptions


class Engine(StrEnum):
    """How images reach the registry: through the docker daemon, or straight."""

    AUTO = "auto"
    DOCKER = "docker"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Login:
    """One login that was asked for by option or by the CI system."""

    registry: str  # a host, as docker login takes it
    username: str
    password: Secret
    source: str  # the option or variable that gave it


@dataclass(frozen=True, slots=True)
class Access:
    """How registries are reached, the same for every storage of a run.

    `docker_config` is the user's own directory, only ever read. `logins` come before what it holds. `time_budget` None means no
    limit.
    """

    docker_config: Path | None = None
    logins: tuple[Login, ...] = ()
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None
    allow_realms: frozenset[str] = frozenset()
    allow_stub: bool = True
    parallel: int = 8
    time_budget: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """An images repo or stages storage, with the options of its vendor."""

    repo: ImagesRepo
    options: VendorOptions = field(default_factory=VendorOptions)
    option_prefix: str = "images-repo"


@dataclass(frozen=True, slots=True)
class BuildContext:
    """A directory with a Dockerfile. Paths are absolute; `dockerfile` lies anywhere the user put it."""

    directory: Path
    dockerfile: Path | None = None
    target: str = ""
    build_args: tuple[tuple[str, str], ...] = ()
    platforms: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()  # as `docker buildx build --secret` takes them: names of files and variables, no values
    ssh: tuple[str, ...] = ()  # these three as buildx's options of the same names take them
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()  # of this image alone
    attestations: tuple[str, ...] = ()  # as `docker buildx build --attest` takes them


@dataclass(frozen=True, slots=True)
class SourceText:
    """A source that is not built, its path absolute where it has one.

    `docker-daemon:REF`, `docker-archive:FILE`, `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker://REF`, or REF alone.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ImageSetting:
    """One image of the project. The nameless image is `""`; without sources only its name is known."""

    name: str
    sources: tuple[BuildContext | SourceText, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """The project that images belong to, and where its files are."""

    name: str
    directory: Path
    git_directory: Path | None = None
    source_url: str = ""  # for org.opencontainers.image.source
    revision: str = ""  # commit that is HEAD, where there is git


@dataclass(frozen=True, slots=True)
class PublishSettings:
    access: Access
    storage: Storage
    project: Project
    images: tuple[ImageSetting, ...]
    tags: tuple[TagRequest, ...]
    engine: Engine = Engine.AUTO
    labels: tuple[tuple[str, str], ...] = ()  # of the user's own, beside ours
    add_labels: bool = True
    reports: tuple[Path, ...] = ()
    werf_report: Path | None = None
    stages: Storage | None = None  # the stages storage, where it is a registry: records of what is published go there
    local_stages: bool = False  # whether the docker engine is the stages storage
    immutable_tags: bool = False
    no_cache: bool = False  # build whatever has a directory, and trust nothing that was built before
    pull: bool = False  # take base images as their registries have them now, and not as the engine does
    dry_run: bool = False
    origins: Mapping[str, Storage] = field(default_factory=dict)  # where `docker://` sources lie, by their texts


@dataclass(frozen=True, slots=True)
class GitCleanup:
    """How git decides about the project's own images. `keep_policies` empty means the default ones.

    `by_history` False is the algorithm of tag strategies, whose limits are `limits`.
    """

    by_history: bool = True
    keep_policies: tuple[KeepPolicy, ...] = ()
    synchronize: bool = False
    allow_shallow: bool = False
    limits: StrategyLimits = field(default_factory=StrategyLimits)


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where to look for what runs. `files` are kubeconfigs, of which there may be none; `context` None means every one in them.

    `content` is a kubeconfig itself in base64, in place of files. `asked_for` says that the user named or gave one, or named a
    context: then it has to be there.
    """

    files: tuple[Path, ...] = ()
    asked_for: bool = False
    context: str | None = None
    own_namespace: bool = False
    content: Secret | None = None


@dataclass(frozen=True, slots=True)
class CleanupSettings:
    """What to clean up, by which policy, within which guards.

    `unnamed` are images of the config file that --image leaves out.
    `repositories` are full addresses or paths below the images repo; empty with `all_repositories` False means the project's own.
    """

    access: Access
    storage: Storage
    project: Project
    images: tuple[str, ...]
    policy: Policy
    guards: Guards
    repositories: tuple[str, ...] = ()
    all_repositories: bool = False
    dry_run: bool = False
    plan_in: Path | None = None
    plan_out: Path | None = None
    keep_lists: tuple[Path, ...] = ()
    journal: Path | None = None
    shard: tuple[int, int] = (1, 1)  # this one of so many, from 1
    reports: tuple[Path, ...] = ()
    git: GitCleanup = field(default_factory=GitCleanup)
    stages: Storage | None = None  # these two as in PublishSettings
    local_stages: bool = False
    unnamed: tuple[str, ...] = ()
    clusters: ClusterSettings | None = None  # None: Kubernetes is not asked


@dataclass(frozen=True, slots=True)
class ManagedImagesSettings:
    """`images` are the names to add or to remove; the nameless image is `""`."""

    access: Access
    storage: Storage
    project: Project
    images: tuple[str, ...] = ()
    stages: Storage | None = None
