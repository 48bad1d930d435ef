"""What a vendor declares about itself: how its addresses look, which options it adds, and how it is opened.

Everything here is pure and cheap, so that names can be computed and options shown without loading any vendor's SDK.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from moorage.auth.credential import Keychain
from moorage.oci.reference import Registry
from moorage.option import Option
from moorage.registries.interface import Registry as RegistryPort

if TYPE_CHECKING:
    from moorage.transport.session import Session

T = TypeVar("T")


class Form(StrEnum):
    """What an images repo address names (werf 1.1's words)."""

    REGISTRY = "registry"  # images become repositories below it
    REPOSITORY = "repository"  # the address has its own repository already


class Mode(StrEnum):
    """Where image names go: into the repository path, or into the tag."""

    MULTIREPO = "multirepo"
    MONOREPO = "monorepo"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the CI system says about hosts; empty outside of one."""

    github_server_host: str = ""  # of $GITHUB_SERVER_URL
    gitlab_registry: str = ""  # $CI_REGISTRY


@dataclass(frozen=True, slots=True)
class Address:
    """An images repo or stages storage address, as the user wrote it but for trailing slashes.

    `host` is None in Docker Hub's short form. `path` are the segments after the host.
    """

    text: str
    host: str | None
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressRules:
    """How one vendor reads addresses.

    `form` raises ValueError with a sentence for addresses that this vendor cannot hold.
    `auto_repository` is the mode that `auto` means for a repository address; a registry address is always multirepo.
    `repository_modes` are the modes that a repository address allows.
    `nested_names` says whether `REPO/team/app` can exist where REPO is an address of the given form.
    """

    recognises: Callable[[str, Surroundings], bool] = field(compare=False)
    form: Callable[[Address], Form] = field(compare=False)
    auto_repository: Mode = Mode.MULTIREPO
    repository_modes: frozenset[Mode] = frozenset(Mode)
    nested_names: Callable[[Address], bool] = field(default=lambda _: True, compare=False)


class VendorOptions:
    """The values of a vendor's options for one storage, specific before common (`images-repo-…` before `repo-…`)."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = dict(values or {})

    def get(self, option: Option[T]) -> T | None:
        """The value for this option, or None when it was not given."""
        value: T | None = self._values.get(option.name)
        return value

    def __repr__(self) -> str:
        return f"VendorOptions({sorted(self._values)})"


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything a vendor needs to speak to one registry in one run."""

    registry: Registry
    session: "Session"
    keychain: Keychain
    options: VendorOptions = field(default_factory=VendorOptions)
    allow_stub: bool = True  # --no-stub forbids the roundabout way of removing one tag of several
    parallel: int = 8
    specific_prefix: str = "images-repo"  # how error messages name this storage's options


@dataclass(frozen=True, slots=True)
class Vendor:
    """One registry product.

    `open` is called on first use only and does the vendor's heavy imports itself.
    `credentials` are declared with the name after `--repo-`; each appears in the three forms that docs/options.md lists.
    `endpoints` are plain options (API addresses, regions) by their full name.
    """

    name: str
    title: str
    address: AddressRules
    open: Callable[[Connection], RegistryPort] = field(compare=False)
    credentials: tuple[Option[Any], ...] = ()
    endpoints: tuple[Option[Any], ...] = ()
