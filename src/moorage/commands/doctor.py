"""The story of an examination: what this address is, what its registry can do, who we are there, and what we may. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from moorage.auth.credential import Basic, Bearer, Credential, IdentityToken
from moorage.commands.connect import connect, keychain
from moorage.commands.world import World
from moorage.errors import Failure, NotFound, RegistryError
from moorage.oci.reference import BadReference, Repository
from moorage.registries.images_repo import ImagesRepo
from moorage.registries.interface import (
    Ability,
    BatchDeleter,
    Examiner,
    ReferrerLister,
    Registry,
    RepositoryCreator,
    RepositoryDeleter,
    RepositoryLister,
    Restorer,
    TagDeleter,
    WholeDeleter,
    Writer,
)
from moorage.settings.settings import Access, Storage

_KINDS: Final[dict[type, str]] = {Basic: "user name and password", IdentityToken: "identity token", Bearer: "ready token"}
_NATIVE: Final[tuple[tuple[str, type], ...]] = (
    ("publish without docker", Writer),
    ("list repositories", RepositoryLister),
    ("make repositories", RepositoryCreator),
    ("delete in batches", BatchDeleter),
    ("list referrers", ReferrerLister),
    ("bring back what it deleted", Restorer),
)


@dataclass(frozen=True, slots=True)
class DoctorSettings:
    access: Access
    storage: Storage
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """`credential` says what was found and where, never its value. `abilities` are the vendor's, `rights` ours, by repository."""

    repo: ImagesRepo
    credential: str
    abilities: tuple[Ability, ...] = ()
    rights: tuple[tuple[Repository, tuple[Ability, ...]], ...] = ()
    failure: Failure | None = None
    findings: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return {
            "images_repo": self.repo.text,
            "implementation": self.repo.vendor.name,
            "title": self.repo.vendor.title,
            "form": self.repo.form.value,
            "mode": self.repo.mode.value,
            "registry": self.repo.registry.name,
            "credential": self.credential,
            "abilities": [_plain(ability) for ability in self.abilities],
            "repositories": [
                {"repository": str(repository), "rights": [_plain(right) for right in rights]}
                for repository, rights in self.rights
            ],
            "problems": list(self.findings),
        }


def doctor(settings: DoctorSettings, world: World) -> Examination:
    """Examine the images repo. What is wrong comes back as `failure`, with everything that could be found out beside it."""
    repo = settings.storage.repo
    credential = _described(keychain(settings.access, world).credential(repo.registry))
    try:
        with connect(settings.storage, settings.access, world) as registry:
            places = _places(settings)
            abilities = tuple(_abilities(registry, places))
            rights = tuple((place, tuple(_rights(registry, place))) for place in places)
    except RegistryError as error:
        return Examination(repo, credential, failure=error, findings=error.problems)
    refused = [(place, right) for place, found in rights for right in found if right.possible is False]
    findings = tuple(f"{place}: {right.name}: {right.detail}" for place, right in refused)
    failure = RegistryError(f"rights that are missing: {len(findings)}", remedy=refused[0][1].detail) if refused else None
    return Examination(repo, credential, abilities, rights, failure, findings)


def _places(settings: DoctorSettings) -> Sequence[Repository]:
    """The project's repositories; where no image is known, the one of the address, if it has one."""
    found = []
    for name in settings.images or ("",):
        try:
            found.append(settings.storage.repo.repository(name))
        except BadReference:
            continue
    return sorted(set(found))


def _abilities(registry: Registry, places: Sequence[Repository]) -> Iterator[Ability]:
    """What this vendor offers, whoever asks."""
    if isinstance(registry, TagDeleter):
        reason = registry.cannot_untag(places[0]) if places else ""
        yield Ability("remove one tag of several", not reason, reason)
    else:
        yield Ability("remove one tag of several", possible=False, detail="it only removes whole manifests with all their tags")
    yield from (Ability(name, isinstance(registry, protocol)) for name, protocol in _NATIVE)
    yield _deletes_repositories(registry, places)


def _deletes_repositories(registry: Registry, places: Sequence[Repository]) -> Ability:
    """With --delete-empty-repositories. What a registry says of one that is not there holds for no other."""
    name = "delete an empty repository"
    if not isinstance(registry, RepositoryDeleter | WholeDeleter):
        return Ability(name, possible=False)
    try:
        reason = registry.cannot_delete(places[0]) if places else ""
    except NotFound:
        reason = ""
    except RegistryError as error:
        return Ability(name, None, error.message)
    how = "" if isinstance(registry, RepositoryDeleter) else "together with its last image that has a tag"
    return Ability(name, not reason, reason or how)


def _rights(registry: Registry, repository: Repository) -> Iterator[Ability]:
    if isinstance(registry, Examiner):
        yield from registry.examine(repository)
        return
    try:
        registry.tag_names(repository)
    except RegistryError as error:
        yield Ability("list", possible=False, detail=f"{error.message}. {error.remedy}")
    else:
        yield Ability("list", possible=True)


def _described(credential: Credential | None) -> str:
    if credential is None:
        return "none: anonymous"
    user = f" of {credential.username}" if isinstance(credential, Basic | IdentityToken) and credential.username else ""
    return f"{_KINDS[type(credential)]}{user}, from {credential.source}"


def _plain(ability: Ability) -> dict[str, Any]:
    return {"name": ability.name, "possible": ability.possible, "detail": ability.detail}
