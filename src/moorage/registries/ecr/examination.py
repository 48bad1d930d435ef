"""What `moorage doctor` asks of ECR, reading only: IAM says of a push or deletion whether it is allowed to those who try it."""

import os
from collections.abc import Callable, Sequence
from typing import Final

from moorage.errors import NotFound, RegistryError
from moorage.oci.reference import Digest, Repository
from moorage.registries.ecr.api import EcrApi
from moorage.registries.ecr.aws import Aws
from moorage.registries.ecr.content import EcrContent
from moorage.registries.ecr.trouble import NO_CREDENTIALS
from moorage.registries.interface import Ability

# ECR's user guide, "IAM permissions for pushing an image", seen 2026-11.
_PUSHING: Final = ("BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")


def examine(aws: Aws, api: EcrApi, client: EcrContent, repository: Repository) -> Sequence[Ability]:
    """Which credentials AWS's chain found, whether they list and pull here, and what pushes and deletions take."""
    account, service = aws.location.account or "its alias", aws.location.service
    registry = Ability("registry", possible=True, detail=f"{service} of {account} in {aws.location.region}")
    found = _credentials(aws)
    listing = _asked(repository, "list", lambda: api.examine_listing(repository))
    pull = listing if listing.possible is None else _asked(repository, "pull", lambda: _look(client, repository))
    return [
        registry,
        found,
        listing,
        Ability("pull", pull.possible, pull.detail),
        _untried("push", [f"{service}:{action}" for action in _PUSHING], repository),
        _untried("delete", [f"{service}:BatchDeleteImage"], repository),
    ]


def _credentials(aws: Aws) -> Ability:
    try:
        source = aws.source
    except RegistryError as error:
        return Ability("credentials", possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability("credentials", possible=bool(source), detail=source or f"AWS's chain holds none. {NO_CREDENTIALS}")


def _asked(repository: Repository, name: str, ask: Callable[[], object]) -> Ability:
    try:
        ask()
    except NotFound as error:
        return Ability(name, None, f"{repository} is not there yet: {error.message}")
    except RegistryError as error:
        return Ability(name, possible=False, detail=f"{error.message}. {error.remedy}")
    return Ability(name, possible=True)


def _look(client: EcrContent, repository: Repository) -> None:
    """Ask for a manifest that nothing has: "not there" is only told to those who may pull."""
    try:
        client.head(repository, Digest.of(os.urandom(32)))
    except NotFound:
        return


def _untried(name: str, actions: Sequence[str], repository: Repository) -> Ability:
    detail = (
        f"only trying would tell; it takes {', '.join(actions)} on {repository} (aws iam simulate-principal-policy tells, too)"
    )
    return Ability(name, None, detail)
