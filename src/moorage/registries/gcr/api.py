"""Artifact Registry by /v2, with what Google does of its own: its list of tags, its refusals, its limits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from moorage.auth.credential import Keychain
from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Unauthorized
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution import Action, Distribution
from moorage.registries.distribution.client import DELETED
from moorage.registries.gcr import is_artifact_registry, payloads
from moorage.registries.gcr.login import ADVICE
from moorage.registries.gcr.payloads import Listed, Listing
from moorage.transport import outcome, pages
from moorage.transport.session import Answer, Budget, Session

# Per project, region and minute: 60,000 requests, 18,000 writes, 18,000 deletions (cloud.google.com/artifact-registry/quotas,
# seen 2026-11). A registry's host is one region; that others work in the same project, 429 tells.
_CHANGE: Final = 60_000 / 18_000
_BUDGET: Final = Budget(per_minute=60_000, costs=dict.fromkeys(("DELETE", "PUT", "POST", "PATCH"), _CHANGE), burst=1_000)
_MOST_AT_ONCE: Final = "10000"
_STILL_NEEDED: Final = frozenset({"GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "GOOGLE_MANIFEST_REFERRING_MANIFEST"})
STILL_TAGGED: Final = "GOOGLE_MANIFEST_DANGLING_TAG"
_IMMUTABLE: Final = "immutab"  # Google has no code for it: "The repository has enabled tag immutability"

_ROLES: Final[Mapping[Action, str]] = {
    Action.PULL: "roles/artifactregistry.reader",
    Action.PUSH: "roles/artifactregistry.writer (for gcr.io hosts roles/artifactregistry.createOnPushWriter)",
    Action.DELETE: "roles/artifactregistry.repoAdmin (it may delete tags and versions)",
}


class StillTagged(ItemRefused):
    """A manifest has a tag that nobody let go of."""


class StillNeeded(ItemRefused):
    """A manifest is part of an index that is there, or something belongs to it."""


class ImmutableTags(ItemRefused):
    """The repository lets no tag be moved or deleted."""


def scopes(repository: Repository, action: Action) -> Sequence[str]:
    """Google takes the right to push for deletions, as go-containerregistry asks for it (seen 2026-11)."""
    return (f"repository:{repository.path}:{'pull' if action is Action.PULL else 'push,pull'}",)


class GoogleApi:
    """Thread-safe. `client` is for everything that Artifact Registry does as any other registry."""

    def __init__(self, registry: Registry, session: Session, keychain: Keychain) -> None:
        self.client = Distribution(registry, session, keychain, scopes=scopes)
        self._registry = registry
        self._keychain = keychain
        session.declare(registry.name, _BUDGET)

    def listing(self, repository: Repository) -> Listing:
        """All manifests and tags, mostly in one answer. Raises NotFound for a repository that is not there."""
        place = f"{repository}: Google's list of tags"

        def step(url: str) -> tuple[Sequence[Listing], str | None]:
            answer = self.client.call("GET", url, scopes(repository, Action.PULL))
            return [payloads.listing(answer.json(), place)], pages.next_link(answer)

        with self.explained(repository, Action.PULL):
            found = list(pages.walk(f"{self.client.access.base}/v2/{repository.path}/tags/list?n={_MOST_AT_ONCE}", step))
        return _joined(found)

    def delete(self, repository: Repository, reference: Tag | Digest) -> None:
        """Delete a tag alone, or a manifest that has none. Raises NotFound, StillTagged, StillNeeded, ImmutableTags."""
        url = f"{self.client.access.base}/v2/{repository.path}/manifests/{reference}"
        with self.explained(repository, Action.DELETE):
            answer = self.client.call("DELETE", url, scopes(repository, Action.DELETE), ok={*DELETED, 400, 404, 409, 412})
            if answer.status not in DELETED and not (answer.status == 404 and answer.uncertain):
                raise _refusal(answer)

    @contextmanager
    def explained(self, repository: Repository, action: Action) -> Iterator[None]:
        """Refusals with what to do about them in Google's words: roles, logins, repositories that have to be made."""
        try:
            yield
        except ItemRefused:
            raise
        except Denied as error:
            raise Denied(error.message, remedy=f"Grant {_ROLES[action]} {self._to_whom(repository)}.") from None
        except Unauthorized as error:
            raise Unauthorized(error.message, remedy=ADVICE.replace("HOST", self._registry.name)) from None
        except NotFound as error:
            raise NotFound(error.message, remedy=self._how_to_make(repository) or error.remedy) from None

    def _to_whom(self, repository: Repository) -> str:
        credential = self._keychain.credential(self._registry)
        who = f"the account of the credentials from {credential.source}" if credential else "allUsers, or log in"
        return f"in the repository of {repository} to {who}; Google also answers so for repositories that are not there"

    def _how_to_make(self, repository: Repository) -> str:
        """Repositories of pkg.dev have to be there before the first push; those of gcr.io come with it."""
        if not is_artifact_registry(self._registry.name):
            return ""
        parts = repository.path.split("/")
        size = 2 if "." in parts[0] else 1  # a project of a domain, example.com:PROJECT, is written as two
        project, name = ":".join(parts[:size]), "".join(parts[size : size + 1])
        location = self._registry.name.partition("-docker.")[0]
        return (
            "If the repository itself is missing, make it: "
            f"gcloud artifacts repositories create {name} --project={project} --location={location} --repository-format=docker"
        )


def _refusal(answer: Answer) -> RegistryError:
    said = outcome.refusal("DELETE", answer)
    codes = outcome.codes(answer)
    if STILL_TAGGED in codes:
        return StillTagged(said.message, remedy="Somebody tagged it since it was listed; run again, and it is planned anew.")
    if codes & _STILL_NEEDED:
        return StillNeeded(said.message, remedy="Let the index that it is part of, or what belongs to it, go first.")
    if _IMMUTABLE in said.message:
        return ImmutableTags(
            said.message,
            remedy="The repository has immutable tags: gcloud artifacts repositories update REPOSITORY --no-immutable-tags",
        )
    return said


def _joined(listings: Collection[Listing]) -> Listing:
    """The pages of one listing as one. A manifest that is on several has the tags of all."""
    tags = dict.fromkeys(tag for page in listings for tag in page.tags)
    children = dict.fromkeys(child for page in listings for child in page.children)
    if any(page.manifests is None for page in listings):
        return Listing(tuple(tags), None, tuple(children))
    found: dict[Digest, Listed] = {}
    for page in listings:
        for one in page.manifests or ():
            known = found.get(one.digest, one)
            found[one.digest] = Listed(
                one.digest, one.media_type, tuple(dict.fromkeys((*known.tags, *one.tags))), one.uploaded, one.size
            )
    return Listing(tuple(tags), tuple(found.values()), tuple(children))
