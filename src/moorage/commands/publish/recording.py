"""Writing down what was published: at which commit, under which tags, and that the project has such an image."""

from dataclasses import dataclass

from moorage.commands.publish.course import Course
from moorage.commands.publish.result import Status
from moorage.commands.record_homes import Homes
from moorage.commands.records import Publication, write_image_name, write_record
from moorage.commands.world import World
from moorage.errors import RegistryError, Unsupported
from moorage.oci import labels
from moorage.oci.naming import shown
from moorage.oci.tagging import TagStrategy
from moorage.settings.settings import PublishSettings


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records images whose last tag is up. An image without our labels is not recorded: a cleanup could not tell it is ours."""

    settings: PublishSettings
    homes: Homes
    world: World

    def record(self, course: Course) -> str:
        """Record one image; returns what went wrong, as a sentence, or nothing.

        An image that was there already gets its record too: it is what this commit wants, whoever built it first.
        """
        publication = self._publication(course)
        if publication is None:
            return ""
        image = course.job.image
        try:
            write_image_name(self.homes.of_name(image), image, self.world.now(), self.settings.project.name)
            if publication.commit:
                write_record(self.homes.of(image), publication)
        except Unsupported as error:
            self.world.progress.warn(f"{shown(image)}: {error.message}")
        except ValueError as error:
            self.world.progress.warn(f"{shown(image)} is not recorded: {error}")
        except RegistryError as error:
            return f"{shown(image)} is up, but that commit {publication.commit[:12]} wants it is not recorded: {error.message}"
        return ""

    def _publication(self, course: Course) -> Publication | None:
        """None where no tag is up, or the image does not say what its content is."""
        up = [name for name in course.job.names if course.results[name.tag].status is not Status.FAILED]
        content = self._content(course)
        if not up or not content:
            return None
        strategies = {request.value: request.strategy for request in self.settings.tags if request.value is not None}
        project = self.settings.project
        return Publication(
            image=course.job.image,
            commit=project.revision,
            content=content,
            when=self.world.now(),
            tags={name.meta_tag: strategies.get(name.meta_tag, TagStrategy.STAGES_SIGNATURE) for name in up},
            project=project.name,
        )

    @staticmethod
    def _content(course: Course) -> str:
        """As the label of what is up says it: where some tag held the content already, all of them have that very manifest."""
        for name in course.job.names:
            standing = course.found.get(name.tag)
            if course.results[name.tag].status is Status.UP_TO_DATE and standing is not None:
                return standing.content.labels.get(labels.CONTENT, "")
        return course.ready.wanted.labels.get(labels.CONTENT, "") if course.ready is not None else ""
