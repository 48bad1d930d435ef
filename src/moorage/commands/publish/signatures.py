"""The signatures of one run's images, with what their base images are at this moment."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from moorage.commands.publish.content import Content
from moorage.commands.publish.plan import Job, Source
from moorage.commands.publish.promotion import OtherRegistries
from moorage.commands.publish.signature import built_part, content_part, dockerfile_of, signature_of
from moorage.docker.dockerfile import base_images
from moorage.docker.local_image import LocalImage
from moorage.errors import ConfigurationError, RegistryError
from moorage.oci.naming import shown
from moorage.oci.reference import BadReference, Digest, Reference, parse_reference
from moorage.registries.images_repo import ImagesRepo
from moorage.settings.settings import BuildContext

_UNRESOLVED = "unresolved"  # a base that neither the engine nor its registry tells us the digest of


@dataclass(slots=True)
class Signatures:
    """May be used from several threads; each signature is computed once.

    `contents` tells what a source is that is not built; `local` finds an image in the engine, which a build would start from.
    """

    jobs: Mapping[str, Job]
    contents: Callable[[Source], Sequence[Content]]
    local: Callable[[str], LocalImage | None]
    others: OtherRegistries
    pull: bool = False  # whether a base image is what its registry has now, whatever the engine has under its name
    _parts: dict[tuple[str, Source], Mapping[str, Any]] = field(default_factory=dict)
    _digests: dict[Reference, Digest] = field(default_factory=dict)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def of(self, image: str) -> str:
        """The signature of one of the run's images. Raises ConfigurationError for files that cannot be read."""
        return signature_of([self._part(image, source) for source in self.jobs[image].sources])

    def of_source(self, image: str, source: Source) -> str:
        """The signature of one platform of an image; of the image where that is all of it."""
        return signature_of([self._part(image, source)])

    def stages(self, image: str) -> frozenset[str]:
        """The signatures of everything built that the image is made of: its platforms, and the images it is built from."""
        built = [source for source in self.jobs[image].sources if isinstance(source, BuildContext)]
        return frozenset(one for source in built for one in (self.of_source(image, source), *self.stages_below(image, source)))

    def stages_below(self, image: str, source: BuildContext) -> frozenset[str]:
        """The same of the images of the project that one source is built from."""
        return frozenset(one for base in self._bases(image, source) for one in self.stages(base))

    def named(self, job: Job, repo: ImagesRepo) -> Job:
        """The job with a name after its signature."""
        return replace(job, names=(*job.names, repo.final(job.image, self.of(job.image))))

    def dependencies(self, image: str) -> Iterator[str]:
        """The images of the project that this one is built from."""
        for source in self.jobs[image].sources:
            if isinstance(source, BuildContext):
                yield from self._bases(image, source)

    def _bases(self, image: str, source: BuildContext) -> Iterator[str]:
        return (base for base in bases_of(source) if base in self.jobs and base != image)

    def refuse_circles(self) -> None:
        """Raises ConfigurationError for images that are built from each other."""
        for image in self.jobs:
            seen: set[str] = set()
            waiting = list(self.dependencies(image))
            while waiting:
                base = waiting.pop()
                if base == image:
                    raise ConfigurationError(f"{shown(image)} is built from itself, by way of {', '.join(sorted(seen)) or image}")
                if base not in seen:
                    seen.add(base)
                    waiting += self.dependencies(base)

    def _part(self, image: str, source: Source) -> Mapping[str, Any]:
        with self._turn:
            if (image, source) not in self._parts:
                self._parts[image, source] = self._read(image, source)
            return self._parts[image, source]

    def _read(self, image: str, source: Source) -> Mapping[str, Any]:
        if not isinstance(source, BuildContext):
            return content_part(self.contents(source))
        return built_part(source, {base: self._identity(image, base) for base in bases_of(source)})

    def _identity(self, image: str, base: str) -> str:
        if base in self.jobs and base != image:
            return f"signature:{self.of(base)}"
        try:
            reference = parse_reference(base)
        except BadReference:
            return _UNRESOLVED
        if reference.digest is not None:
            return reference.digest.text
        if self.pull:
            return self._in_registry(reference).text
        found = self.local(base)
        if found is not None:
            return _registry_digest(found, reference) or found.id.text
        with suppress(RegistryError):
            return self._in_registry(reference).text
        return _UNRESOLVED

    def pinned(self, image: str, source: BuildContext) -> Mapping[str, str]:
        """The base images to pull, by how the Dockerfile names them, each by the digest that the signature counts.

        Raises RegistryError.
        """
        return dict(self._pinned(image, source)) if self.pull else {}

    def _pinned(self, image: str, source: BuildContext) -> Iterator[tuple[str, str]]:
        for base in bases_of(source):
            with suppress(BadReference):
                reference = parse_reference(base)
                if reference.digest is None and (base not in self.jobs or base == image):
                    yield base, f"{reference.repository}@{self._in_registry(reference)}"

    def _in_registry(self, reference: Reference) -> Digest:
        with self._turn:
            if reference not in self._digests:
                self._digests[reference] = self.others.digest(reference)
            return self._digests[reference]


def bases_of(context: BuildContext) -> tuple[str, ...]:
    """The images that a Dockerfile names."""
    text = dockerfile_of(context).read_text(encoding="utf-8-sig", errors="surrogateescape")
    return base_images(text, dict(context.build_args))


def _registry_digest(image: LocalImage, reference: Reference) -> str:
    """The digest that the image was pulled by, which is the same on every machine; empty for one that was built or loaded."""
    for text in image.repo_digests:
        with suppress(BadReference):
            pulled = parse_reference(text)
            if pulled.repository == reference.repository and pulled.digest is not None:
                return pulled.digest.text
    return ""
