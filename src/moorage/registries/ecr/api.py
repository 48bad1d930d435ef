"""ECR's operations on images and repositories: pages to their end, batches of a hundred, every failure in them read."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from moorage.errors import Denied, NotFound
from moorage.oci import media_type
from moorage.oci.reference import BadReference, Digest, Registry, Repository, Tag
from moorage.registries.ecr import payloads
from moorage.registries.ecr.aws import Aws, is_uncertain
from moorage.registries.ecr.payloads import NOT_THERE, SILENCE, Content, Image, Refusal, Token
from moorage.transport import pages

T = TypeVar("T")

PAGE: Final = 1000  # the most that ECR gives at once (botocore's model: MaxResults)
BATCH: Final = 100  # the most images that one call may name (botocore's model: ImageIdentifierList)
_ACCEPTED: Final = sorted(media_type.INDEXES | media_type.IMAGES)
_ANY_STATUS: Final = {
    "imageStatus": "ANY"
}  # without it, archived images are passed over in silence (botocore's model, seen 2026-11)


class EcrApi:
    """The private registry of one account in one region. Thread-safe.

    Every call names the registry: without it AWS takes the caller's own, and a cleanup would delete in the wrong account.
    """

    def __init__(self, aws: Aws, registry: Registry) -> None:
        self.registry = registry
        self._aws = aws

    def images(self, repository: Repository) -> list[Image]:
        """Every manifest with its tags, archived ones included. Raises NotFound for a repository that is not there."""
        place = f"{repository}: ECR's list of images"
        return self._pages("DescribeImages", repository, lambda answer: payloads.images(answer, place), **self._every_image())

    def tags(self, repository: Repository) -> Mapping[Tag, Digest]:
        """Every tag with what it points at. Raises NotFound for a repository that is not there."""
        place = f"{repository}: ECR's list of tags"
        wanted = {"tagStatus": "TAGGED", **_ANY_STATUS}
        return dict(self._pages("ListImages", repository, lambda answer: payloads.tag_digests(answer, place), filter=wanted))

    def image(self, repository: Repository, reference: Tag | Digest) -> Image:
        """One image with all its tags, right now. Raises NotFound."""
        answer = self._call("DescribeImages", repository, imageIds=[_identifier(reference)])
        return payloads.image(answer, f"{repository}: ECR's description of {reference}")

    def described(self, repository: Repository, digests: Sequence[Digest]) -> list[Image]:
        """Up to a hundred images with all their tags, right now. Raises NotFound where one of them is gone, whichever it is."""
        place = f"{repository}: ECR's description of images"
        wanted = [_identifier(digest) for digest in digests]
        return payloads.images(self._call("DescribeImages", repository, imageIds=wanted), place)

    def contents(self, repository: Repository, digests: Sequence[Digest]) -> tuple[list[Content], Mapping[Digest, Refusal]]:
        """The manifests of up to a hundred images, and why those that are left out are; not of ECR Public. Counts as a pull."""
        wanted = [_identifier(digest) for digest in digests]
        answer = self._call("BatchGetImage", repository, imageIds=wanted, acceptedMediaTypes=_ACCEPTED)
        refused = dict(payloads.refusals(answer))
        return payloads.contents(answer, f"{repository}: ECR's manifests"), {
            digest: refused[digest.text] for digest in digests if digest.text in refused
        }

    def delete(self, repository: Repository, references: Sequence[T]) -> Mapping[T, Refusal | None]:
        """Delete up to a hundred images: by digest with all tags, by tag that tag, and the image with its last one.

        The answer to the whole is always 200; what became of each stands in it, None for deleted.
        """
        answer = self._call("BatchDeleteImage", repository, imageIds=[_identifier(one) for one in references])
        refused, gone = dict(payloads.refusals(answer)), payloads.done(answer)
        found: dict[T, Refusal | None] = {}
        for reference in references:
            refusal = refused.get(str(reference)) or (None if str(reference) in gone else SILENCE)
            lost = refusal is not None and refusal.code == NOT_THERE and is_uncertain(answer)
            found[reference] = None if lost else refusal  # gone by the attempt whose own answer did not come
        return found

    def token(self) -> Token:
        """A login for docker. It is good for every registry that these credentials may use, in any account."""
        answer = self._aws.call("GetAuthorizationToken", self.registry)
        return payloads.token(answer, f"{self.registry}: ECR's login")

    def repositories(self, prefix: str) -> list[Repository]:
        """Every repository whose path is `prefix` or lies below it."""
        listed = self._listed_repositories(self._own())
        below = [name for name, _ in listed if not prefix or name == prefix or name.startswith(f"{prefix}/")]
        return sorted({found for name in below if (found := self._named(name)) is not None})

    def has_repository(self, repository: Repository) -> bool:
        """Whether the repository is there."""
        try:
            self.made(repository)
        except NotFound:
            return False
        return True

    def made(self, repository: Repository) -> datetime | None:
        """When the repository was made. Raises NotFound."""
        own = self._address(repository)
        name = own.pop("repositoryName")
        answer = self._aws.call("DescribeRepositories", repository, **own, repositoryNames=[name])
        return payloads.made(answer)

    def create_repository(self, repository: Repository) -> None:
        """Make a repository with the registry's own defaults. Raises ItemRefused where it is there already."""
        self._call("CreateRepository", repository)

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository that holds nothing. Raises ItemRefused for one that holds something, NotFound."""
        self._call("DeleteRepository", repository)

    def examine_listing(self, repository: Repository) -> None:
        """The cheapest call that a listing needs the rights of. Raises what it raises."""
        self._call("DescribeImages", repository, maxResults=1)

    # Where private and public registries differ

    def _address(self, repository: Repository) -> dict[str, Any]:
        return {**self._own(), "repositoryName": repository.path}

    def _own(self) -> dict[str, Any]:
        return {"registryId": self._aws.location.account}

    def _every_image(self) -> dict[str, Any]:
        return {"filter": _ANY_STATUS}

    # How calls are made

    def _call(self, operation: str, repository: Repository, **parameters: Any) -> Mapping[str, Any]:
        return self._aws.call(operation, repository, **self._address(repository), **parameters)

    def _pages(
        self, operation: str, repository: Repository, read: Callable[[Mapping[str, Any]], list[T]], **parameters: Any
    ) -> list[T]:
        def step(token: str) -> tuple[list[T], str | None]:
            following = {"nextToken": token} if token else {}
            answer = self._call(operation, repository, maxResults=PAGE, **following, **parameters)
            return read(answer), answer.get("nextToken")

        return list(pages.walk("", step))

    def _listed_repositories(self, own: Mapping[str, Any]) -> list[tuple[str, str]]:
        def step(token: str) -> tuple[list[tuple[str, str]], str | None]:
            following = {"nextToken": token} if token else {}
            answer = self._aws.call("DescribeRepositories", self.registry, **own, maxResults=PAGE, **following)
            return payloads.repository_names(answer), answer.get("nextToken")

        return list(pages.walk("", step))

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self.registry, path)
        except BadReference:
            return None  # no client could have pushed there


class PublicEcrApi(EcrApi):
    """ECR Public. Addresses name an alias, calls an account; that the alias belongs to the caller is made sure of first."""

    def __init__(self, aws: Aws, registry: Registry) -> None:
        super().__init__(aws, registry)
        self._lock = threading.Lock()
        self._accounts: Mapping[str, str] | None = None

    def tags(self, repository: Repository) -> Mapping[Tag, Digest]:
        place = f"{repository}: ECR Public's list of tags"
        return dict(self._pages("DescribeImageTags", repository, lambda answer: payloads.public_tags(answer, place)))

    def repositories(self, prefix: str) -> list[Repository]:
        alias, _, below = prefix.partition("/")
        if not alias:
            paths = [uri.partition("/")[2] for _, uri in self._listed_repositories({})]
        else:
            listed = [name for name, _ in self._listed_repositories({"registryId": self._account(alias)})]
            paths = [f"{alias}/{name}" for name in listed if not below or name == below or name.startswith(f"{below}/")]
        return sorted({found for path in paths if (found := self._named(path)) is not None})

    def create_repository(self, repository: Repository) -> None:
        """Made in the caller's own registry: the call takes no other."""
        name = self._address(repository)["repositoryName"]
        self._aws.call("CreateRepository", repository, repositoryName=name)

    def _address(self, repository: Repository) -> dict[str, Any]:
        alias, _, name = repository.path.partition("/")
        return {"registryId": self._account(alias), "repositoryName": name}

    def _own(self) -> dict[str, Any]:
        return {}

    def _every_image(self) -> dict[str, Any]:
        return {}

    def _account(self, alias: str) -> str:
        """The registry behind an alias. Raises Denied where it is not one of the caller's: only its owner may list and delete."""
        with self._lock:
            if self._accounts is None:
                self._accounts = self._aliases()
            accounts = self._accounts
        if alias not in accounts:
            own = ", ".join(sorted(accounts)) or "none"
            raise Denied(
                f"{self.registry}/{alias} is not the public registry of these AWS credentials; their aliases: {own}",
                remedy="Use credentials of the account that owns this alias, or correct the address.",
            )
        return accounts[alias]

    def _aliases(self) -> Mapping[str, str]:
        def step(token: str) -> tuple[list[tuple[str, str]], str | None]:
            following = {"nextToken": token} if token else {}
            answer = self._aws.call("DescribeRegistries", self.registry, **following)
            return payloads.aliases(answer, f"{self.registry}: ECR Public's list of registries"), answer.get("nextToken")

        return dict(pages.walk("", step))


def _identifier(reference: object) -> dict[str, str]:
    return {"imageDigest" if isinstance(reference, Digest) else "imageTag": str(reference)}
