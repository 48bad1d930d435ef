"""The images repo: an address that one vendor reads, in one mode; and the names that images get in it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from moorage.errors import ConfigurationError
from moorage.oci import naming
from moorage.oci.naming import FinalName, Mode, shown
from moorage.oci.records import is_record
from moorage.oci.reference import (
    DOCKER_HUB,
    DOCKER_HUB_HOSTS,
    PATH_COMPONENT,
    TAG,
    TAG_LIMIT,
    BadReference,
    Registry,
    Repository,
    Tag,
)
from moorage.oci.tagging import tag_problem
from moorage.registries.vendor import Address, Form, Place, Vendor


@dataclass(frozen=True, slots=True)
class ImagesRepo:
    """Made by `moorage.registries.addressing.resolve`, so mode and place fit each other."""

    address: Address
    vendor: Vendor
    place: Place
    mode: Mode

    @property
    def text(self) -> str:
        """As its user wrote it, without trailing slashes."""
        return self.address.text

    @property
    def form(self) -> Form:
        return self.place.form

    @property
    def registry(self) -> Registry:
        """The registry to speak to; Docker Hub under its one true name."""
        return DOCKER_HUB if self._is_docker_hub else Registry(self.address.domain)

    def repository(self, image: str) -> Repository:
        """The repository to speak to for an image. Raises BadReference for a name that `final_names` would refuse."""
        path = naming.repository_text("/".join(self.address.path), self.mode, image).lstrip("/")
        implicit_library = self._is_docker_hub and path and "/" not in path
        return Repository(self.registry, f"library/{path}" if implicit_library else path)

    def repository_text(self, image: str) -> str:
        """The repository of an image as it is shown, the images repo in its user's spelling."""
        return naming.repository_text(self.text, self.mode, image)

    def final(self, image: str, tag: str) -> FinalName:
        """Where one image goes under one (meta) tag, unchecked; `final_names` checks all of a run together."""
        return FinalName(image, self.repository_text(image), naming.tag_text(self.mode, image, tag), tag)

    @property
    def _is_docker_hub(self) -> bool:
        return self.address.domain in DOCKER_HUB_HOSTS


def final_names(images_repo: ImagesRepo, images: Sequence[str], tags: Sequence[str]) -> tuple[FinalName, ...]:
    """Every image under every tag, image by image; an image or a tag that is given twice counts once.

    Raises one ConfigurationError with everything that cannot be: bad tags, names that the vendor or the grammar does not allow,
    references that are too long, and different images that would end up under the same reference.
    """
    images, tags = tuple(dict.fromkeys(images)), tuple(dict.fromkeys(tags))
    bad_tags = {tag: problem for tag in tags if (problem := tag_problem(tag))}
    bad_images = {image: problem for image in images if (problem := _image_problem(images_repo, image))}
    names = tuple(images_repo.final(image, tag) for image in images for tag in tags)
    sound = [name for name in names if name.image not in bad_images and name.meta_tag not in bad_tags]
    problems = [
        *(f"bad tag {tag!r}: {problem}" for tag, problem in bad_tags.items()),
        *bad_images.values(),
        *_final_tag_problems(sound),
        *_collisions(sound),
    ]
    if problems:
        raise ConfigurationError(*problems)
    return names


def _image_problem(images_repo: ImagesRepo, image: str) -> str | None:
    """What keeps an image out of this images repo whatever its tag is."""
    if not image and images_repo.form is Form.REGISTRY:
        return (
            f"the nameless image cannot be published to {images_repo.text!r}, which names a registry and no repository: "
            "add a repository to the address or give the image a name"
        )
    if not image:
        return None
    if images_repo.mode is Mode.MONOREPO:
        return _prefix_problem(image)
    repository = images_repo.repository_text(image)
    for component in image.split("/"):
        if not PATH_COMPONENT.fullmatch(component):
            hint = f"; write {component.lower()!r}" if PATH_COMPONENT.fullmatch(component.lower()) else ""
            return (
                f"{shown(image)} would become the repository {repository!r}, but {component!r} is not "
                f"lower-case letters and digits, separated by single . or _, __ or dashes{hint}"
            )
    if "/" in image and not images_repo.place.nested_names:
        return (
            f"{shown(image)} would become the repository {repository!r}, but {images_repo.vendor.title} "
            f"({images_repo.registry}) has no nested repositories: use a name without /"
        )
    try:
        images_repo.repository(image)
    except BadReference as error:
        return f"{shown(image)} would become the repository {repository!r}: {error}"
    return None


def _prefix_problem(image: str) -> str | None:
    """What keeps a name from being the beginning of a tag; the length is judged with the rest of the tag."""
    if TAG.fullmatch(image[:TAG_LIMIT]):
        return None
    return f"{shown(image)} becomes part of a tag in mode monorepo, and a tag holds letters, digits, _ . and - only: rename it"


def _final_tag_problems(names: Iterable[FinalName]) -> Iterator[str]:
    for name in names:
        became = f"{shown(name.image)} with tag {name.meta_tag!r} would become the tag {name.tag!r}"
        try:
            tag = Tag(name.tag)
        except BadReference as error:
            yield f"{became} ({len(name.tag)} characters): {error}"
        else:
            if is_record(tag):
                yield f"{became}, which a cleanup takes for a record and not for an image: use another tag"


def _collisions(names: Iterable[FinalName]) -> Iterator[str]:
    by_reference: defaultdict[str, list[FinalName]] = defaultdict(list)
    for name in names:
        by_reference[name.reference].append(name)
    for reference, rivals in by_reference.items():
        if len(rivals) > 1:
            each = " and ".join(f"{shown(name.image)} with tag {name.meta_tag!r}" for name in rivals)
            yield f"{each} would become the same {reference!r}: rename one, or use mode multirepo where it is possible"
