"""Images out of other registries, each spoken to as the vendor that its address looks like, with that vendor's credentials."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from moorage.commands.connect import connect
from moorage.commands.world import World
from moorage.errors import Unsupported
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
    _open: dict[str, Registry] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, text: str, *, with_attached: bool) -> tuple[Parcel, tuple[Attachment, ...]]:
        """The image that `docker://REFERENCE` means, and what belongs to it. Raises RegistryError, ConfigurationError."""
        reference = parse_reference(text.removeprefix(OTHER_REGISTRY))
        registry = self._registry(text)
        if not isinstance(registry, Reader):
            raise Unsupported(f"{reference} cannot be read")
        parcel = registry_parcel(registry, reference)
        return parcel, attached_to(registry, reference.repository, parcel) if with_attached else ()

    def digest(self, reference: Reference) -> Digest:
        """What a tag points at. Raises RegistryError."""
        tag = reference.tag or Tag("latest")
        return self._registry(f"{OTHER_REGISTRY}{reference}").resolve(reference.repository, tag)

    def _registry(self, text: str) -> Registry:
        with self._turn:
            if text not in self._open:
                self._open[text] = self._opened(text)
            return self._open[text]

    def _opened(self, text: str) -> Registry:
        storage = self.settings.origins.get(text)
        if storage is not None:
            try:
                found = self.stack.enter_context(connect(storage, self.settings.access, self.world))
            except Unsupported:
                found = None  # a vendor whose own API is not spoken yet
            if isinstance(found, Reader):
                return found
        repository = parse_reference(text.removeprefix(OTHER_REGISTRY)).repository
        plain = Storage(resolve(str(repository), _PLAIN), option_prefix=self.settings.storage.option_prefix)
        return self.stack.enter_context(connect(plain, self.settings.access, self.world))
