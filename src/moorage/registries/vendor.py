"""What a vendor declares about itself: how its addresses look, which options it adds, and how it is opened.

Everything here is pure and cheap, so that names can be computed and options shown without loading any vendor's SDK.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from moorage.auth.credential import Keychain
from moorage.auth.secret import announce
from moorage.oci.naming import Mode
from moorage.oci.reference import LAYOUT_SCHEME, Registry
from moorage.option import EVERY_COMMAND, Command, Option
from moorage.registries.interface import Registry as RegistryPort

if TYPE_CHECKING:
    from moorage.transport.session import Session

T = TypeVar("T")

# The commands that may open a registry; options of vendors mean nothing to the others.
OPENING: frozenset[Command] = EVERY_COMMAND - {Command.NAMES, Command.SLUG, Command.LOGOUT, Command.REPORT}


class Form(StrEnum):
    """What an images repo address names (werf 1.1's words)."""

    REGISTRY = "registry"  # images become repositories below it
    REPOSITORY = "repository"  # the address has its own repository already


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the CI system says about hosts; empty outside of one."""

    github_server_host: str = ""  # of $GITHUB_SERVER_URL
    gitlab_registry: str = ""  # $CI_REGISTRY

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Surroundings":
        """What the environment of a job says. A GITHUB_SERVER_URL that is no URL says nothing."""
        try:
            server = urlsplit(environment.get("GITHUB_SERVER_URL", "")).hostname or ""
        except ValueError:
            server = ""
        return cls(server.lower(), environment.get("CI_REGISTRY", "").strip().rstrip("/").lower())


NOWHERE = Surroundings()


@dataclass(frozen=True, slots=True)
class Address:
    """An images repo or stages storage address, as the user wrote it but for trailing slashes.

    `host` is None in Docker Hub's short form, and `oci:DIR` for a directory of layouts. `path` are the segments after the host.
    """

    text: str
    host: str | None
    path: tuple[str, ...] = ()

    @property
    def is_layout(self) -> bool:
        return self.host is not None and self.host.startswith(LAYOUT_SCHEME)

    @property
    def domain(self) -> str:
        """The host as hosts are compared: lower case, `docker.io` for the short form. `oci:DIR` stays as it is."""
        if self.host is None:
            return "docker.io"
        return self.host if self.is_layout else self.host.lower()


@dataclass(frozen=True, slots=True)
class Place:
    """What one address can hold.

    `modes` are the modes it allows, the first of them is what `auto` means.
    `nested_names` says whether `ADDRESS/team/app` can exist.
    """

    form: Form
    modes: tuple[Mode, ...]
    nested_names: bool = True


@dataclass(frozen=True, slots=True)
class AddressRules:
    """How one vendor reads addresses.

    `recognises` is asked with the address's `domain`, its port included.
    `place` raises ValueError with a sentence for an address that this vendor cannot hold; it is also asked for hosts that the
    vendor does not recognise, when the user named the vendor explicitly.
    """

    recognises: Callable[[str, Surroundings], bool] = field(compare=False)
    place: Callable[[Address], Place] = field(compare=False)


def hosts(*patterns: str) -> Callable[[str], bool]:
    """Recognises hosts that match one of these expressions as a whole, with or without a port."""
    expression = re.compile(rf"(?:{'|'.join(patterns)})(?::[0-9]+)?", re.ASCII)
    return lambda host: expression.fullmatch(host) is not None


def any_depth(address: Address) -> Place:
    """For registries that know no levels: a bare host is a registry, everything below it a repository that may nest."""
    if address.path:
        return Place(Form.REPOSITORY, (Mode.MULTIREPO, Mode.MONOREPO))
    return Place(Form.REGISTRY, (Mode.MULTIREPO,))


def api_url(text: str) -> str:
    """Parses the address of an API: http or https, a host, no credentials; a trailing slash is dropped. Raises ValueError."""
    parts = urlsplit(text)  # raises ValueError by itself for a broken IPv6 address
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address such as https://api.example.com is needed")
    if parts.username is not None:
        announce(parts.password or parts.username)
        raise ValueError("credentials do not belong in an address; give the credential options")
    if parts.query or parts.fragment:
        raise ValueError("an address ends before ? and #")
    return text.rstrip("/")


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
    other_words: tuple[str, ...] = ()  # what people type when they mean this vendor; for "did you mean" only
