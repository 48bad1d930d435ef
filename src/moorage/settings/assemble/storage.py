"""The images repo and the stages storage, with the options of their vendors."""

from collections.abc import Iterator
from typing import Any

from moorage.errors import ConfigurationError
from moorage.option import Option
from moorage.registries.addressing import LOCAL, ImagesRepo, resolve
from moorage.registries.catalog import AUTO
from moorage.registries.vendor import Form, Surroundings, Vendor, VendorOptions
from moorage.settings.options import access, general, where
from moorage.settings.request import Request
from moorage.settings.settings import Storage
from moorage.settings.table import COMMON, FORMS, IMAGES_REPO, STAGES_STORAGE


def images_repo(request: Request) -> ImagesRepo:
    """Raises ConfigurationError with every mistake in the options that describe it."""
    options = request.options
    address = options.value(where.IMAGES_REPO)
    if address is None:
        raise ConfigurationError(
            "--images-repo ADDRESS is needed: where images are published and cleaned",
            remedy="Give --images-repo, MOORAGE_IMAGES_REPO, or options.images-repo in the config file; oci:DIR needs no server.",
        )
    implementation = options.value(where.IMAGES_REPO_IMPLEMENTATION) or options.value(where.REPO_IMPLEMENTATION) or AUTO
    return resolve(
        address,
        implementation,
        options.known(where.IMAGES_REPO_MODE),
        Surroundings.of(request.environ),
        option=options.origin(where.IMAGES_REPO),
        project=options.value(general.PROJECT) or "",
    )


def storage(request: Request) -> Storage:
    """Raises ConfigurationError as `images_repo` does."""
    repo = images_repo(request)
    return Storage(repo, VendorOptions(dict(_vendor_values(request, repo.vendor, IMAGES_REPO))), IMAGES_REPO)


def stages_storage(request: Request, images: Storage | None) -> Storage | None:
    """The stages storage, where one is given that is a registry; `:local` is the docker engine's business.

    Raises ConfigurationError for an address that is no repository, or the one of the images.
    """
    options = request.options
    address = options.value(where.STAGES_STORAGE)
    if address is None or address == LOCAL:
        return None
    implementation = options.value(where.STAGES_STORAGE_IMPLEMENTATION) or options.value(where.REPO_IMPLEMENTATION) or AUTO
    origin = options.origin(where.STAGES_STORAGE)
    surroundings = Surroundings.of(request.environ)
    repo = resolve(address, implementation, AUTO, surroundings, option=origin, project=options.value(general.PROJECT) or "")
    if repo.form is not Form.REPOSITORY:
        raise ConfigurationError(f"bad {origin} {address!r}: it names a registry, and stages need a repository of their own")
    if images is not None and images.repo.form is Form.REPOSITORY and images.repo.repository("") == repo.repository(""):
        raise ConfigurationError(
            f"bad {origin} {address!r}: this is the images repo, and in one repository stages could not be told from images"
        )
    return Storage(repo, VendorOptions(dict(_vendor_values(request, repo.vendor, STAGES_STORAGE))), STAGES_STORAGE)


def origin_storage(request: Request, repository: str) -> Storage:
    """Where an image is taken from: what kind of registry that is, its address alone says, and it gets the common credentials.

    Raises ConfigurationError for an address that its vendor cannot hold.
    """
    repo = resolve(repository, surroundings=Surroundings.of(request.environ), option="source")
    return Storage(repo, VendorOptions(dict(_vendor_values(request, repo.vendor, COMMON))), COMMON)


def _vendor_values(request: Request, vendor: Vendor, whose: str) -> Iterator[tuple[str, Any]]:
    """What was given for the vendor's options, by their own names; an option that was not given is left out."""
    for option in vendor.endpoints:
        if request.options.is_given(option):
            yield option.name, request.options.value(option)
    for credential in vendor.credentials:
        given = next(_given(request, credential, whose), None)
        if given is not None:
            yield credential.name, given


def _given(request: Request, credential: Option[Any], whose: str) -> Iterator[Any]:
    """The specific form through all its sources, then the common one; for GitHub at last the job's own token."""
    forms = sorted((form for form in FORMS if form.storage in {whose, COMMON}), key=lambda form: form.storage == COMMON)
    for option in [*(form.of(credential) for form in forms), *([access.GITHUB_TOKEN] if _is_github_token(credential) else [])]:
        if request.options.is_given(option):
            yield request.options.value(option)


def _is_github_token(credential: Option[Any]) -> bool:
    return credential.name == access.GITHUB_TOKEN.name
