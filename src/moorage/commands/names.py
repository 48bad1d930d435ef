"""`moorage names`: where every image would go, without asking anyone."""

from dataclasses import dataclass
from typing import Any

from moorage.errors import ConfigurationError
from moorage.oci.naming import FinalName, image_name
from moorage.oci.tagging import TagRequest, no_tags
from moorage.registries.images_repo import ImagesRepo, final_names


@dataclass(frozen=True, slots=True)
class NamesRequest:
    """Images as their user names them (`~` for the nameless one), each under every tag."""

    images_repo: ImagesRepo
    images: tuple[str, ...]
    tags: tuple[TagRequest, ...]


@dataclass(frozen=True, slots=True)
class NamesResult:
    """The names, image by image, and how the images repo was read."""

    implementation: str
    mode: str
    names: tuple[FinalName, ...]

    def as_json(self) -> dict[str, Any]:
        """The document that `--output json` prints; its keys are fixed."""
        images = [
            {"image": name.image, "repository": name.repository, "tag": name.tag, "reference": name.reference}
            for name in self.names
        ]
        return {"implementation": self.implementation, "mode": self.mode, "images": images}


def names(request: NamesRequest) -> NamesResult:
    """Computes and checks all names. Raises one ConfigurationError with everything that is missing or cannot be."""
    problems = []
    if not request.images:
        problems.append("no image is named: give --image NAME (~ for the nameless image), or list `images` in the config file")
    if not request.tags:
        problems.extend(no_tags().problems)
    if any(tag.value is None for tag in request.tags):
        problems.append("--tag-by-stages-signature gives tags that depend on content, which only `moorage publish` looks at")
    if problems:
        raise ConfigurationError(*problems)
    repo = request.images_repo
    images = tuple(image_name(image) for image in request.images)
    tags = tuple(tag.value for tag in request.tags if tag.value is not None)
    return NamesResult(repo.vendor.name, repo.mode.value, final_names(repo, images, tags))
