"""The one option table. Every surface and every lookup starts here; nothing else lists options."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from moorage.option import Command, Option
from moorage.registries.catalog import VENDORS
from moorage.settings.options import access, general, git, images, in_use, reports, rules, safety, tags, where

COMMON: Final = "repo"
IMAGES_REPO: Final = "images-repo"
STAGES_STORAGE: Final = "stages-storage"


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """One of the three forms of a vendor's credential: for both storages, for one, for the other."""

    storage: str  # COMMON, IMAGES_REPO or STAGES_STORAGE
    prefix: str
    whose: str

    def of(self, credential: Option[Any]) -> Option[Any]:
        variables = credential.variables if self.storage == COMMON else ()
        return replace(
            credential,
            name=f"{self.prefix}-{credential.name}",
            help=f"{credential.help} {self.whose}",
            variables=variables,
        )


FORMS: Final = (
    CredentialForm(COMMON, "repo", "For both storages."),
    CredentialForm(IMAGES_REPO, "images-repo", "For the images repo alone."),
    CredentialForm(STAGES_STORAGE, "stages-storage-repo", "For the stages storage alone."),
)


def _declared_by_vendors() -> Iterator[Option[Any]]:
    for vendor in VENDORS.values():
        for credential in vendor.credentials:
            yield from (form.of(credential) for form in FORMS)
    for vendor in VENDORS.values():
        yield from vendor.endpoints


TABLE: Final[tuple[Option[Any], ...]] = (
    *general.OPTIONS, *where.OPTIONS, *images.OPTIONS, *tags.OPTIONS, *access.OPTIONS, *_declared_by_vendors(),
    *rules.OPTIONS, *safety.OPTIONS, *in_use.OPTIONS, *git.OPTIONS, *reports.OPTIONS,
)  # fmt: skip

BY_NAME: Final[Mapping[str, Option[Any]]] = MappingProxyType({option.name: option for option in TABLE})


def options_of(command: Command) -> tuple[Option[Any], ...]:
    """What a command takes, in the order of the table."""
    return tuple(option for option in TABLE if command in option.commands)


def themes() -> Mapping[str, tuple[Option[Any], ...]]:
    """The table by theme, in its own order."""
    found: dict[str, list[Option[Any]]] = {}
    for option in TABLE:
        found.setdefault(option.theme, []).append(option)
    return {theme: tuple(options) for theme, options in found.items()}
