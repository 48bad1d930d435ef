"""Repositories made before something is published to them, where that was asked for: ECR takes no push to any other."""

from collections.abc import Sequence

from moorage.commands.publish.course import Course
from moorage.commands.record_homes import Homes
from moorage.commands.world import Progress
from moorage.errors import RegistryError
from moorage.oci.reference import Repository
from moorage.registries.interface import Registry, RepositoryCreator


def make_repositories(registry: Registry, courses: Sequence[Course]) -> None:
    """Those of images, unless something was seen in them. Where one cannot be made, its images fail before they are built."""
    waiting = [course for course in courses if course.going and not any(course.found.values())]
    for repository in dict.fromkeys(course.place.repository for course in waiting):
        concerned = [course for course in waiting if course.place.repository == repository]
        try:
            _make(registry, repository, concerned[0].place.progress)
        except RegistryError as error:
            for course in concerned:
                course.fail(error)


def make_homes(homes: Homes, courses: Sequence[Course], progress: Progress) -> None:
    """Those of records, where images have others. What fails here is told again, as a record that could not be written."""
    done = {course.place.repository for course in courses}
    places = {
        home.repository: home
        for course in courses
        if course.going
        for home in (homes.of(course.job.image), homes.of_name(course.job.image))
        if home.repository not in done
    }
    for repository, home in places.items():
        try:
            _make(home.registry, repository, progress)
        except RegistryError as error:
            progress.warn(f"{repository}, where records go, cannot be made: {error.message}")


def _make(registry: Registry, repository: Repository, progress: Progress) -> None:
    if not isinstance(registry, RepositoryCreator) or not registry.creates_repositories:
        return
    if registry.create_repository(repository):
        progress.note(f"{repository} was not there and is made")
