"""Images out of other registries, each spoken to as the vendor that its address looks like, with that vendor's credentials."""

import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Final

from moorage.commands.connect import connect
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Unauthorized, Unsupported
from moorage.oci.reference import Digest, Reference, Tag, parse_reference
from moorage.registries.addressing import resolve
from moorage.registries.interface import Reader, Registry
from moorage.registries.sources.attached import Attachment, attached_to
from moorage.registries.sources.opening import registry_parcel
from moorage.registries.sources.parcel import Parcel
from moorage.settings.image_source import OTHER_REGISTRY
from moorage.settings.settings import PublishSettings, Storage

_PLAIN: Final = "default"  # every registry hands out images by the plain OCI API, whatever else it speaks


@dataclass(slots=True)
class OtherRegistries:
    """Connections stay open as long as `stack`. May be used from several threads."""

    settings: PublishSettings
    world: World
    stack: ExitStack
    _open: dict[tuple[str, bool], Registry] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, text: str, *, with_attached: bool) -> tuple[Parcel, tuple[Attachment, ...]]:
        """The image that `docker://REFERENCE` means, and what belongs to it. Raises RegistryError, ConfigurationError."""
        reference = parse_reference(text.removeprefix(OTHER_REGISTRY))
        try:
            return _fetched(self._registry(text), reference, with_attached=with_attached)
        except Unauthorized:
            # A public image needs no credentials, which the vendor's own API may want for everything (ECR Public).
            plain = self._registry(text, plain=True)
            if plain is self._registry(text):
                raise
            return _fetched(plain, reference, with_attached=with_attached)

    def digest(self, reference: Reference) -> Digest:
        """What a tag points at. Raises RegistryError."""
        tag = reference.tag or Tag("latest")
        return self._registry(f"{OTHER_REGISTRY}{reference}").resolve(reference.repository, tag)

    def _registry(self, text: str, *, plain: bool = False) -> Registry:
        with self._turn:
            key = (text, plain or text not in self.settings.origins)
            if key not in self._open:
                self._open[key] = self._opened(*key)
            return self._open[key]

    def _opened(self, text: str, plain: bool) -> Registry:
        if not plain:
            with suppress(Unsupported, ConfigurationError):  # not spoken yet, or asks for what reading does not need
                return self.stack.enter_context(connect(self.settings.origins[text], self.settings.access, self.world))
        repository = parse_reference(text.removeprefix(OTHER_REGISTRY)).repository
        storage = Storage(resolve(str(repository), _PLAIN), option_prefix=self.settings.storage.option_prefix)
        return self.stack.enter_context(connect(storage, self.settings.access, self.world))


def _fetched(registry: Registry, reference: Reference, *, with_attached: bool) -> tuple[Parcel, tuple[Attachment, ...]]:
    if not isinstance(registry, Reader):
        raise Unsupported(f"{reference} cannot be read")
    parcel = registry_parcel(registry, reference)
    return parcel, attached_to(registry, reference.repository, parcel) if with_attached else ()
