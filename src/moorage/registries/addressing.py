"""From the text of an address to a vendor, a form and a mode."""

import re
from difflib import get_close_matches

from moorage.errors import ConfigurationError
from moorage.oci.naming import Mode
from moorage.oci.reference import LAYOUT_SCHEME, PATH_COMPONENT, PATH_LIMIT, BadReference, Registry, split_host
from moorage.registries.catalog import AUTO, IMPLEMENTATIONS, VENDORS
from moorage.registries.images_repo import ImagesRepo, final_names
from moorage.registries.vendor import NOWHERE, Address, Form, Place, Surroundings, Vendor

__all__ = ["LOCAL", "MINIKUBE", "ImagesRepo", "choose", "detect", "final_names", "parse_address", "resolve"]

LOCAL = ":local"  # the docker engine, as a stages storage
MINIKUBE = ":minikube"  # werf's registry inside minikube
_MINIKUBE_HOST = "werf-registry.kube-system.svc.cluster.local:5000"

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_USER_INFO = re.compile(r"[^/]*@(?!sha256:)")


def parse_address(text: str, *, option: str = "--images-repo", project: str = "") -> Address:
    """An address out of what its user gave for `option`. `project` is what `:minikube` expands with.

    Raises ConfigurationError, which never shows a password that someone put into the address.
    """
    try:
        return _parse(text.rstrip("/") if text.strip("/") else "", project)
    except ValueError as error:
        raise ConfigurationError(f"bad {option} {_without_user_info(text)!r}: {error}") from None


def choose(address: Address, implementation: str = AUTO, surroundings: Surroundings = NOWHERE) -> Vendor:
    """The vendor that the user named, or the one that the address looks like. Raises ConfigurationError for an unknown name."""
    if implementation in {"", AUTO}:
        return detect(address, surroundings)
    vendor = VENDORS.get(implementation)
    if vendor is None:
        raise ConfigurationError(_unknown_implementation(implementation))
    return vendor


def detect(address: Address, surroundings: Surroundings = NOWHERE) -> Vendor:
    """The vendor that an address looks like."""
    return next(vendor for vendor in VENDORS.values() if vendor.address.recognises(address.domain, surroundings))


def resolve(
    text: str,
    implementation: str = AUTO,
    mode: str = AUTO,
    surroundings: Surroundings = NOWHERE,
    *,
    option: str = "--images-repo",
    project: str = "",
) -> ImagesRepo:
    """The images repo (or stages storage) behind the options that describe it. `auto` and the empty text let the address decide.

    `option` is the one that gave the text, `project` what `:minikube` expands with.
    Raises one ConfigurationError with every mistake in them.
    """
    problems = []
    if implementation and implementation not in IMPLEMENTATIONS:
        problems.append(_unknown_implementation(implementation))
    if mode and mode not in {AUTO, *Mode}:
        problems.append(f"bad --images-repo-mode {mode!r}: one of auto, monorepo, multirepo is needed")
    try:
        address = parse_address(text, option=option, project=project)
    except ConfigurationError as error:
        raise ConfigurationError(*problems, *error.problems) from None
    if problems:
        raise ConfigurationError(*problems)
    vendor = choose(address, implementation, surroundings)
    place = _place(vendor, address)
    return ImagesRepo(address, vendor, place, _mode(vendor, address, place, mode))


def _place(vendor: Vendor, address: Address) -> Place:
    if address.is_layout and vendor.name != "layout":
        raise ConfigurationError(
            f"implementation {vendor.name} cannot hold {address.text!r}: only the implementation layout holds directories"
        )
    try:
        return vendor.address.place(address)
    except ValueError as error:
        raise ConfigurationError(f"implementation {vendor.name} cannot hold {address.text!r}: {error}") from None


def _mode(vendor: Vendor, address: Address, place: Place, requested: str) -> Mode:
    if requested in {"", AUTO}:
        return place.modes[0]
    mode = Mode(requested)
    if mode in place.modes:
        return mode
    if place.form is Form.REGISTRY:
        way_out = "add a repository to the address or use --images-repo-mode multirepo"
    else:
        way_out = "take the repository out of the address or use --images-repo-mode monorepo"
    raise ConfigurationError(
        f"implementation {vendor.name} cannot use mode {mode} with the {place.form} address {address.text!r}: {way_out}"
    )


def _parse(text: str, project: str) -> Address:
    """Raises ValueError with a sentence that reads after the text."""
    if not text:
        raise ValueError("an address is needed")
    if scheme := _SCHEME.match(text):
        rest = _USER_INFO.sub("", text.removeprefix(scheme[0]))
        raise ValueError(f"an address has no scheme, leave out {scheme[0]!r}" + (f" and write {rest!r}" if rest else ""))
    if text.startswith(LAYOUT_SCHEME):
        return _layout(text)
    if text == MINIKUBE:
        return _parse(f"{_MINIKUBE_HOST}/{_minikube_project(project)}", project)
    if text == LOCAL:
        raise ValueError("the docker engine can be a stages storage (--stages-storage :local), not an images repo")
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError("an address holds no spaces and no control characters")
    if "@" in text:
        raise ValueError(
            "a digest is not part of the address"
            if "@sha256:" in text
            else "user names and passwords do not belong in an address; log in, or give --username and --password"
        )
    host, path = split_host(text)
    if host is not None:
        _check_host(host, alone=not path)
    components = tuple(path.split("/")) if path else ()
    if ":" in path:
        raise ValueError("a tag is not part of the address: leave it out, and give it with --tag-custom or another tag option")
    for component in components:
        _check_component(component)
    if len(path) > PATH_LIMIT:
        raise ValueError(f"a repository path has at most {PATH_LIMIT} characters, this one has {len(path)}")
    return Address(text, host, components)


def _layout(text: str) -> Address:
    directory = text.removeprefix(LAYOUT_SCHEME)
    if not directory:
        raise ValueError("a directory is needed after oci:")
    if ":" in directory:
        raise ValueError("a directory of layouts has no : in its name; tags are given with --tag-custom or another tag option")
    if not directory.isprintable() or directory != directory.strip():
        raise ValueError("a directory of layouts has no control characters in its name, and no spaces around it")
    return Address(text, text)


def _minikube_project(project: str) -> str:
    if not project:
        raise ValueError("it stands for a registry inside minikube and the project's name: give `project:` in the config file")
    return project


def _check_host(host: str, *, alone: bool) -> None:
    try:
        Registry(host)
    except BadReference as error:
        name, _, port = host.rpartition(":")
        if not name or (port.isascii() and port.isdigit()):
            raise
        hint = f"; if {port!r} is a tag, leave it out and give it with --tag-custom" if alone and port else ""
        raise ValueError(f"{name!r} with port {port!r}: {error}{hint}") from None


def _check_component(component: str) -> None:
    if PATH_COMPONENT.fullmatch(component):
        return
    if not component:
        raise ValueError("there is nothing between two slashes, or before the first")
    if PATH_COMPONENT.fullmatch(component.lower()):
        raise ValueError(f"a path has no upper-case letters, write {component.lower()!r}")
    raise ValueError(f"{component!r} is not lower-case letters and digits, separated by single . or _, __ or dashes")


def _without_user_info(text: str) -> str:
    scheme = _SCHEME.match(text)
    start = scheme.end() if scheme else 0
    return text[:start] + _USER_INFO.sub("***@", text[start:])


def _unknown_implementation(name: str) -> str:
    meant = [vendor.name for vendor in VENDORS.values() if name.lower() in vendor.other_words]
    nearest = meant or get_close_matches(name.lower(), VENDORS, n=1)
    hint = f", did you mean {nearest[0]}?" if nearest else ";"
    return f"unknown implementation {name!r}{hint} known are {', '.join(IMPLEMENTATIONS)}"
