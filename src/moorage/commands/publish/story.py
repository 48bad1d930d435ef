"""The story of a publish: check, look, prepare, deliver, say what became of it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from moorage.commands.connect import connect
from moorage.commands.publish.course import Course, refused_move
from moorage.commands.publish.delivery import Place
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.plan import Job, Way, plan
from moorage.commands.publish.preparation import Preparation
from moorage.commands.publish.promotion import OtherRegistries
from moorage.commands.publish.recording import Recorder
from moorage.commands.publish.result import PublishedTag, PublishResult
from moorage.commands.publish.rooms import make_homes, make_repositories
from moorage.commands.publish.stages import RepositoryStages
from moorage.commands.publish.standing import Shelf
from moorage.commands.publish.workshop import Workshop, open_workshop
from moorage.commands.record_homes import record_homes
from moorage.commands.world import World
from moorage.errors import DockerError, RegistryError, Unsupported
from moorage.oci.naming import NAMELESS
from moorage.oci.reference import Repository
from moorage.registries.interface import Authenticator, Reader, Registry, Writer
from moorage.settings.settings import BuildContext, Login, PublishSettings

_BUILDS_AT_ONCE: Final = 4  # builds share the engine's processors, whatever --parallel allows for requests


def publish(settings: PublishSettings, world: World) -> PublishResult:
    """Publish every image under every tag. What fails for one image or tag is in the result and does not stop the others.

    Raises ConfigurationError with everything that is wrong with the request, its files and its local images; Unsupported where
    the registry cannot be published to; DockerError where docker is needed and does not answer; Refused where immutable tags
    would be moved. Nothing was changed then. A dry run builds and looks, and writes nothing.
    """
    jobs = plan(settings)
    with ExitStack() as stack:
        registry = stack.enter_context(connect(settings.storage, settings.access, world))
        reader, writer = _abilities(settings, registry, jobs)
        docker_needed = any(job.way is not Way.STRAIGHT for job in jobs)
        workshop = stack.enter_context(open_workshop(settings.access, world)) if docker_needed else None
        others, stages = OtherRegistries(settings, world, stack), _stages(settings, world, jobs, stack)
        by_image = {job.image: job for job in jobs}
        preparation = Preparation(settings, world, writer, workshop, stack, others, by_image, stages)
        named = preparation.find()
        courses = [
            Course(
                job,
                _place(settings, world, registry, reader, writer, job),
                settings.storage.repo.mode,
                ImageLog(world.progress, at_once=len(named) == 1),
                preparation.make,
            )
            for job in named
        ]
        _look(settings, world, registry, workshop, courses)
        preparation.verify({course.job.image: course.found for course in courses if course.going})
        _each(courses, Course.prepare, min(_BUILDS_AT_ONCE, settings.access.parallel))
        if settings.dry_run:
            return _foreseen(courses, immutable=settings.immutable_tags)
        if settings.immutable_tags:
            _refuse_moves(courses)
        homes = stack.enter_context(record_homes(registry, settings.storage, settings.stages, settings.access, world))
        make_homes(homes, courses, world.progress)
        unrecorded = _deliver(settings, courses, Recorder(settings, homes, world))
        world.progress.done()
    return PublishResult(_results(courses), unrecorded)


def _place(settings: PublishSettings, world: World, registry: Registry, reader: Reader, writer: Writer | None, job: Job) -> Place:
    shelf, parallel, immutable = Shelf(reader, job.repository), settings.access.parallel, settings.immutable_tags
    return Place(registry, writer, shelf, job.repository, parallel, world.progress, immutable=immutable)


def _look(
    settings: PublishSettings, world: World, registry: Registry, workshop: Workshop | None, courses: Sequence[Course]
) -> None:
    """See what stands under every tag; make repositories that are missing, and let docker in, where something is to be sent."""
    world.progress.start("Publishing", sum(len(course.job.names) for course in courses))
    _each(courses, Course.look, settings.access.parallel)
    if not settings.dry_run:
        make_repositories(registry, courses)
    if workshop is not None:
        _log_in(workshop, registry, courses)


def _deliver(settings: PublishSettings, courses: Sequence[Course], recorder: Recorder) -> tuple[str, ...]:
    """Bring all images under their tags, and record each; returns what could not be recorded, a sentence each."""
    unrecorded: list[str] = []

    def deliver(course: Course) -> None:
        course.deliver()
        if problem := recorder.record(course):
            unrecorded.append(problem)

    _each(courses, deliver, settings.access.parallel)
    return tuple(sorted(unrecorded))


def _results(courses: Sequence[Course]) -> tuple[PublishedTag, ...]:
    return tuple(course.results[name.tag] for course in courses for name in course.job.names)


def _stages(settings: PublishSettings, world: World, jobs: Sequence[Job], stack: ExitStack) -> RepositoryStages | None:
    """The stages storage, where there is one in a registry and something is built."""
    built = any(isinstance(source, BuildContext) for job in jobs for source in job.sources)
    if settings.stages is None or not built:
        return None
    store = stack.enter_context(connect(settings.stages, settings.access, world))
    if not isinstance(store, Reader) or not isinstance(store, Writer):
        raise Unsupported(f"{settings.stages.repo.vendor.title} cannot be a stages storage: it takes images from docker only")
    repository = settings.stages.repo.repository(NAMELESS)
    parallel = settings.access.parallel
    return RepositoryStages(store, repository, settings.project.name, parallel, world.progress.warn, world.now)


def _foreseen(courses: Sequence[Course], *, immutable: bool) -> PublishResult:
    """What a dry run ends with: everything was looked at and prepared, and nothing was written."""
    for course in courses:
        course.foresee(immutable=immutable)
    return PublishResult(_results(courses), dry_run=True)


def _refuse_moves(courses: Sequence[Course]) -> None:
    """Raises Refused with every tag that stands for other content, of all images together, before the first is sent."""
    moved = [name for course in courses for name in course.moved()]
    if moved:
        raise refused_move(moved)


def _abilities(settings: PublishSettings, registry: Registry, jobs: Sequence[Job]) -> tuple[Reader, Writer | None]:
    """What is published has to be read back, and what docker does not push has to be taken from us."""
    title = settings.storage.repo.vendor.title
    if not isinstance(registry, Reader):
        raise Unsupported(f"{title} lets nobody read back what was published; nothing was changed")
    if isinstance(registry, Writer):
        return registry, registry
    if any(job.way is not Way.PUSHED for job in jobs):
        raise Unsupported(
            f"{title} takes images from docker only; nothing was changed",
            remedy="Load them into the docker engine, and give --image NAME=docker-daemon:REFERENCE.",
        )
    return registry, None


def _log_in(workshop: Workshop, registry: Registry, courses: Sequence[Course]) -> None:
    """After the first look, in which the registry itself says what it thinks of our credentials."""
    through_docker = [course for course in courses if course.job.way is not Way.STRAIGHT and course.going]
    if through_docker:
        try:
            workshop.log_in(*_own_login(registry, through_docker[0].place.repository))
        except (DockerError, RegistryError) as error:
            for course in through_docker:
                _fail_or_warn(course, error)


def _fail_or_warn(course: Course, error: DockerError | RegistryError) -> None:
    """What docker does not push, it needs no login for, unless it builds on a private image; the build then says so."""
    if course.job.way is Way.PUSHED:
        course.fail(error)
    else:
        course.place.progress.warn(f"docker has no login for {course.place.repository.registry}: {error.message}")


def _own_login(registry: Registry, repository: Repository) -> Iterator[Login]:
    """What the registry's cloud gives docker, where docker has no lasting login."""
    found = registry.docker_login() if isinstance(registry, Authenticator) else None
    if found is not None:
        yield Login(repository.registry.name, found.username, found.password, found.source)


def _each(courses: Sequence[Course], step: Callable[[Course], None], at_once: int) -> None:
    with ThreadPoolExecutor(max(1, min(at_once, len(courses))), thread_name_prefix="publish") as pool:
        steps = [pool.submit(step, course) for course in courses]
        try:
            for running in steps:
                running.result()
        except BaseException:  # told to end: what has not begun does not begin any more
            pool.shutdown(cancel_futures=True)
            raise
