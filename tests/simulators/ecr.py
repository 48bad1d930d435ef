"""AWS ECR in front of a docker-registry, by botocore's model, AWS's documents and the threads named below (seen 2026-11)."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.scripted_server import Reply, oci_error
from tests.simulators.accounts import DELETE, PULL, PUSH, Account, Accounts, origin
from tests.simulators.aws import Service, answer, error
from tests.simulators.simulator import Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from moorage.oci.reference import Digest
    from tests.scripted_server import Request
    from tests.simulators.clock import FakeClock
    from tests.simulators.memory import Held, Shelf

ACCOUNT, REGION = "123456789012", "eu-west-1"
_READS = {
    "DescribeImages", "ListImages", "BatchGetImage", "GetAuthorizationToken", "DescribeRepositories", "DescribeRegistries",
    "DescribeImageTags",
}  # fmt: skip
_WRITES = {"BatchDeleteImage", "CreateRepository", "DeleteRepository"}
# Access key and secret key; the rights are those of /v2 and the names of operations.
WRITER = Account("AKIDSHAMWRITER", "sham-secret-key-of-the-writer", frozenset({PULL, PUSH, DELETE} | _READS | _WRITES))
READER = Account("AKIDSHAMREADER", "sham-secret-key-of-the-reader", frozenset({PULL} | _READS))
FOREIGNER = Account("AKIDSHAMFOREIGN", "sham-secret-key-of-another", WRITER.rights)  # of another AWS account
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


class Passwords(Accounts):
    """Docker's passwords, which GetAuthorizationToken gives out. `expired` ones are known and no longer good."""

    def __init__(self) -> None:
        super().__init__()
        self.good: dict[str, Account] = {}
        self.expired: set[str] = set()

    def issue(self, account: Account) -> str:
        password = "sham" + secrets.token_urlsafe(32)
        self.good[password] = account
        return password

    def by_password(self, name: str, password: str) -> Account | None:
        return self.good.get(password) if name == "AWS" else None


class EcrSimulator(Simulator):
    """`immutable`: tags do not move. `creates_on_push`: repositories are made when they are pushed to, as a template says.

    `archived` are in the archive: listed on request, and nobody can read them. `loses`: this operation's next answer gets lost.
    `after`: what happens right after the next call of an operation. `skew` is how many seconds AWS's clock is ahead.
    """

    service = Service("ecr")
    specification = service
    region = REGION

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts: Passwords = Passwords()
        self.accounts.everybody += [WRITER, READER]
        self.keys = {one.name: one for one in (WRITER, READER, FOREIGNER)}
        self.immutable = False
        self.creates_on_push = True
        self.archived: set[Digest] = set()
        self.loses = ""
        self.after: dict[str, Callable[[], object]] = {}
        self.skew = 0.0

    def secrets(self) -> list[str]:
        passwords = [*self.accounts.good, *self.accounts.expired]
        return [*super().secrets(), *passwords, *(_coded(password) for password in passwords)]

    def expire_tokens(self) -> None:
        self.accounts.expired |= self.accounts.good.keys()
        self.accounts.good.clear()

    def changes(self) -> Counter[tuple[str, str]]:
        """Every operation is a POST; only these change something."""
        found = super().changes()
        for key in list(found):
            if key[0] == "POST" and "/" not in key[1] and key[1] not in _WRITES:
                del found[key]
        return found

    def answer(self, request: Request) -> Reply:
        operation = self.service.operation(request)
        refused = self.service.refuse(request, self.keys, self.region, self.skew) if operation else None
        reply = refused or super().answer(request)
        self.after.pop(operation, lambda: None)()
        if operation and operation == self.loses:
            self.loses = ""
            return Reply(cut=True)
        return reply

    # Operations

    @route("POST", "GetAuthorizationToken")
    def authorization(self, call: Call) -> Reply:
        refused = self._refusal(call, "GetAuthorizationToken")
        data = {"proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", **self._token(call)}
        return refused or answer({"authorizationData": [data]})

    @route("POST", "DescribeImages")
    def images(self, call: Call) -> Reply:
        refused = self._refusal(call, "DescribeImages")
        if refused:
            return refused
        shelf, wanted = self.shelf(self._name(call)), call.json.get("imageIds")
        if wanted:
            found = [self._found(shelf, identifier) for identifier in wanted]
            if None in found:
                return error("ImageNotFoundException", f"The image with imageId {wanted} does not exist within the repository.")
            return answer({"imageDetails": [self._image(shelf, held) for held in found if held]})
        held = [one for one in shelf.manifests.values() if self._is_asked_for(call, one)]
        return self._page(call, "imageDetails", [self._image(shelf, one) for one in held])

    @route("POST", "ListImages")
    def tags(self, call: Call) -> Reply:
        refused = self._refusal(call, "ListImages")
        if refused:
            return refused
        shelf = self.shelf(self._name(call))
        tagged = [(name, mark) for name, mark in shelf.tags.items() if self._is_asked_for(call, shelf.manifests[mark.digest])]
        return self._page(call, "imageIds", [{"imageTag": name, "imageDigest": str(mark.digest)} for name, mark in tagged])

    @route("POST", "BatchGetImage")
    def contents(self, call: Call) -> Reply:
        refused = self._refusal(call, "BatchGetImage")
        if refused:
            return refused
        shelf = self.shelf(self._name(call))
        found: dict[str, list[dict[str, Any]]] = {"images": [], "failures": []}
        for identifier in call.json["imageIds"]:
            held = self._found(shelf, identifier)
            if held is None:
                found["failures"].append(_failure(identifier, "ImageNotFound", "Requested image not found"))
            elif held.digest in self.archived:
                found["failures"].append(_failure(identifier, "ImageInaccessible", "The image is archived"))
            else:
                text = held.content.decode()
                text = text.replace("sha256", "sha257", 1) if held.digest in self.faults.unreadable else text
                about_it = {"imageManifest": text, "imageManifestMediaType": held.media_type, "repositoryName": self._name(call)}
                found["images"].append({"registryId": ACCOUNT, "imageId": {"imageDigest": str(held.digest)}, **about_it})
        return answer(found)

    @route("POST", "BatchDeleteImage")
    def delete(self, call: Call) -> Reply:
        """What an index refers to is refused even if that index goes in the same batch: no order is promised."""
        refused = self._refusal(call, "BatchDeleteImage")
        if refused:
            return refused
        shelf = self.shelf(self._name(call))
        found: dict[str, list[dict[str, Any]]] = {"imageIds": [], "failures": []}
        due: list[Callable[[], object]] = []
        for identifier in call.json["imageIds"]:
            held, tag = self._found(shelf, identifier), identifier.get("imageTag")
            if held is None:
                found["failures"].append(_failure(identifier, "ImageNotFound", "Requested image not found"))
            elif tag and shelf.tags_of(held.digest) != [tag]:
                due.append(partial(self.untag, shelf.name, tag))
                found["imageIds"].append({"imageTag": tag, "imageDigest": str(held.digest)})
            elif shelf.parents_of(held.digest):  # by its last tag, too (containers-roadmap#1567)
                parents = ", ".join(str(parent.digest) for parent in shelf.parents_of(held.digest))
                found["failures"].append(_failure(identifier, "ImageReferencedByManifestList", f"referenced by [{parents}]"))
            else:
                due.append(partial(self.remove, shelf.name, held.digest))
                names = [{"imageTag": name} for name in shelf.tags_of(held.digest)] or [{}]
                found["imageIds"] += [{"imageDigest": str(held.digest), **name} for name in names]
        for act in due:
            act()
        return answer(found)

    @route("POST", "DescribeRepositories")
    def repositories(self, call: Call) -> Reply:
        refused = self._refusal(call, "DescribeRepositories")
        wanted = call.json.get("repositoryNames", [])
        if refused or any(self._shelf_name(name) not in self.shelves for name in wanted):
            return refused or self._no_repository(wanted[0])
        return self._page(call, "repositories", [self._repository(name) for name in sorted(self.shelves)])

    @route("POST", "CreateRepository")
    def create(self, call: Call) -> Reply:
        refused = self._refusal(call, "CreateRepository")
        name = self._shelf_name(call.json["repositoryName"])
        if refused or name in self.shelves:
            return refused or error("RepositoryAlreadyExistsException", f"The repository with name '{name}' already exists")
        self.shelf(name)
        return answer({"repository": self._repository(name)})

    @route("POST", "DeleteRepository")
    def delete_repository(self, call: Call) -> Reply:
        refused = self._refusal(call, "DeleteRepository")
        if refused or self.shelf(self._name(call)).manifests:
            return refused or error(
                "RepositoryNotEmptyException", "The repository cannot be deleted because it still contains images"
            )
        gone = self._repository(self._name(call))
        del self.shelves[self._name(call)]
        return answer({"repository": gone})

    # /v2

    def refuse_v2(self, call: V2Call) -> Reply | None:
        """Basic alone. What has expired is a 403 without a challenge (flipt-io/flipt#3043)."""
        account = self.accounts.by_basic(call.request)
        if account is None:
            held = base64.b64decode(call.request.headers.get("authorization", "").partition(" ")[2]).decode("latin-1")
            if held.partition(":")[2] in self.accounts.expired:
                return oci_error(403, "DENIED", EXPIRED)
            challenge = f'Basic realm="{origin(call.request)}/",service="ecr.amazonaws.com"'
            return oci_error(401, "UNAUTHORIZED", "Not Authorized", www_authenticate=challenge)
        return self.refuse_account(call, account)

    def refuse_account(self, call: V2Call, account: Account) -> Reply | None:
        if call.name and (call.action not in account.rights or (self.faults.read_only and call.action != PULL)):
            return oci_error(
                403, "DENIED", f"User: {_arn(account)} is not authorized to perform: ecr:{call.action} on {call.name}"
            )
        if call.name and call.action == PUSH and call.name not in self.shelves and not self.creates_on_push:
            return oci_error(404, "NAME_UNKNOWN", f"The repository with name '{call.name}' does not exist in the registry")
        mark = self.shelves[call.name].tags.get(call.rest) if call.name in self.shelves and call.kind == "manifests" else None
        if self.immutable and mark and call.action == PUSH:
            said = f"The image tag '{call.rest}' already exists in the '{call.name}' repository and cannot be overwritten"
            return oci_error(400, "TAG_INVALID", f"{said} because the tag is immutable.")
        if mark and call.action == PULL and mark.digest in self.archived:
            return oci_error(404, "MANIFEST_UNKNOWN", "Requested image is archived")
        return None

    def delete_v2(self, call: V2Call) -> Reply:
        """Told both ways (containers-roadmap#1229, tsuru#2914); here it is not offered, as it was in the beginning."""
        return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")

    # How ECR works

    def _find(self, request: Request) -> Any:
        operation = self.service.operation(request)
        for method, template, _, handler in self._table if operation else ():
            if (method, template) == ("POST", operation):
                return template, handler, Call(request)
        return super()._find(request)

    def _caller(self, call: Call) -> Account:
        return self.keys[call.request.headers["authorization"].partition("Credential=")[2].partition("/")[0]]

    def _refusal(self, call: Call, operation: str) -> Reply | None:
        """By IAM; then by registry: one that is not named is the caller's own."""
        caller, name = self._caller(call), call.json.get("repositoryName", "*")
        own = "999999999999" if caller is FOREIGNER else ACCOUNT
        foreign = operation != "GetAuthorizationToken" and call.json.get("registryId", own) == ACCOUNT != own
        if operation not in caller.rights or foreign or (self.faults.read_only and operation in _WRITES):
            action = f"{self.service.name}:{operation}"
            return error(
                "AccessDeniedException", f"User: {_arn(caller)} is not authorized to perform: {action} on resource: {name}"
            )
        if name == "*" or operation == "CreateRepository":
            return None
        known = call.json.get("registryId", own) == ACCOUNT and self._name(call) in self.shelves
        return None if known else self._no_repository(name)

    def _no_repository(self, name: str) -> Reply:
        return error("RepositoryNotFoundException", f"The repository with name '{name}' does not exist in the registry")

    def _name(self, call: Call) -> str:
        return self._shelf_name(call.json["repositoryName"])

    def _shelf_name(self, name: str) -> str:
        """The name of a repository on /v2."""
        return name

    def _token(self, call: Call) -> dict[str, Any]:
        expires = (self.clock.now() + timedelta(hours=12)).timestamp()
        return {"authorizationToken": _coded(self.accounts.issue(self._caller(call))), "expiresAt": expires}

    def _found(self, shelf: Shelf, identifier: dict[str, str]) -> Held | None:
        mark = shelf.tags.get(identifier.get("imageTag", ""))
        wanted = str(mark.digest) if mark else identifier.get("imageDigest")
        return next((held for held in shelf.manifests.values() if str(held.digest) == wanted), None)

    def _is_asked_for(self, call: Call, held: Held) -> bool:
        wanted = call.json.get("filter", {}).get("imageStatus", "ACTIVE")
        return wanted in {"ANY", self._status(held)}

    def _status(self, held: Held) -> str:
        return "ARCHIVED" if held.digest in self.archived else "ACTIVE"

    def _page(self, call: Call, key: str, rows: list[Any]) -> Reply:
        size = min(call.json.get("maxResults", 100), self.faults.page_size or 1000)
        start = int(base64.b64decode(call.json.get("nextToken", "")) or 0)
        more = {"nextToken": base64.b64encode(b"%d" % (start + size)).decode()} if start + size < len(rows) else {}
        return answer({key: rows[start : start + size], **more})

    def _image(self, shelf: Shelf, held: Held) -> dict[str, Any]:
        document, tags = held.document, shelf.tags_of(held.digest)
        kind = document.get("artifactType") or document.get("config", {}).get("mediaType")
        pushed = {} if self.faults.dateless else {"imagePushedAt": held.pushed.timestamp()}
        return {
            "registryId": ACCOUNT, "repositoryName": self._repository(shelf.name)["repositoryName"],
            "imageDigest": str(held.digest), "imageManifestMediaType": held.media_type, "imageSizeInBytes": held.size,
            **pushed, **({"imageTags": tags} if tags else {}), **({"artifactMediaType": kind} if kind else {}),
            **self._more_of_image(held),
        }  # fmt: skip

    def _more_of_image(self, held: Held) -> dict[str, Any]:
        subject = {"subjectManifestDigest": str(held.subject)} if held.subject else {}
        return {"imageStatus": self._status(held), **subject}

    def _repository(self, name: str) -> dict[str, Any]:
        uri = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}"
        made = self.shelf(name).made.timestamp()
        return {"repositoryName": name, "registryId": ACCOUNT, "repositoryUri": uri, "createdAt": made}


def _coded(password: str) -> str:
    return base64.b64encode(f"AWS:{password}".encode()).decode()


def _arn(account: Account) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{account.name}"


def _failure(identifier: dict[str, str], code: str, reason: str) -> dict[str, Any]:
    return {"imageId": identifier, "failureCode": code, "failureReason": reason}
