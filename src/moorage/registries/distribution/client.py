"""The OCI distribution API (distribution-spec 1.1) as one object: tags, manifests, blobs, referrers, the catalog.

Vendors use a `Distribution` for what their registry speaks of this API, and put their own calls beside it.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import BinaryIO, Final
from urllib.parse import urlencode

from moorage.auth.credential import Keychain
from moorage.auth.origin import Origin
from moorage.errors import Contradiction, Denied, NotFound, Unsupported
from moorage.oci import media_type
from moorage.oci.manifest import MANIFEST_LIMIT, Blob
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution import payloads
from moorage.registries.distribution.access import Access
from moorage.registries.distribution.payloads import Descriptor, Fetched
from moorage.registries.distribution.scope import CATALOG, Action, Scopes, standard_scopes
from moorage.registries.distribution.upload import BlobUpload
from moorage.registries.verified import verified
from moorage.transport import outcome, pages
from moorage.transport.retry import SERVER_TROUBLE
from moorage.transport.session import ANSWER_LIMIT, SUCCESS, Answer, Session, Upload

DELETED: Final = frozenset({200, 202, 204})
_REFUSED_DELETION: Final = frozenset({400, 404, 405, 501})
_PUT_ATTEMPTS: Final = 4
_IDENTITY: Final = {"Accept-Encoding": "identity"}  # digests cover the bytes as stored
_ASK_FOR_MANIFESTS: Final = {"Accept": media_type.ACCEPT, **_IDENTITY}


class Distribution:
    """Thread-safe. All methods raise the errors of `Session.request`; a 401 is Denied where an action is not granted.

    `scopes` says what a token is asked for, per repository and action. `host` and `realms` are those of `Access`.
    """

    def __init__(
        self,
        registry: Registry,
        session: Session,
        keychain: Keychain,
        *,
        scopes: Scopes = standard_scopes,
        host: str = "",
        realms: frozenset[str] = frozenset(),
    ) -> None:
        self.access = Access(registry, session, keychain, host=host, realms=realms)
        self._session = session
        self._scopes = scopes
        self._has_referrers: bool | None = None

    def tags(self, repository: Repository) -> list[Tag]:
        """Every tag, in the registry's order, each once. Raises NotFound for an unknown repository.

        No page size is asked for: distribution 2.8 ignores it, and go-containerregistry's registry then answers with the first
        page and no Link (both seen 2026-11).
        """
        return list(dict.fromkeys(payloads.tag(name, repository) for name in self._listed(repository, "tags/list", "tags")))

    def head(self, repository: Repository, reference: Tag | Digest) -> Descriptor:
        """Digest, media type and size (bytes) of a manifest. Where a registry does not say the digest, the bytes are read for it.

        Raises NotFound, and Contradiction for another digest than the one that was asked for.
        """
        answer = self._manifest_call("HEAD", repository, reference, Action.PULL, headers=_ASK_FOR_MANIFESTS)
        digest = payloads.said_digest(answer)
        if digest is None:
            fetched = self.manifest(repository, reference)
            return Descriptor(fetched.digest, fetched.media_type, len(fetched.content))
        if isinstance(reference, Digest) and digest != reference:
            raise Contradiction(f"{repository}@{reference} is said to have the digest {digest}")
        length = answer.headers.get("content-length", "")
        return Descriptor(digest, payloads.content_type(answer), int(length) if length.isascii() and length.isdigit() else None)

    def manifest(self, repository: Repository, reference: Tag | Digest) -> Fetched:
        """A manifest as stored, an index as an index. Raises Contradiction for bytes that are not what their digest says."""
        answer = self._manifest_call("GET", repository, reference, Action.PULL, headers=_ASK_FOR_MANIFESTS, limit=MANIFEST_LIMIT)
        digest = Digest.of(answer.body)
        expected = reference if isinstance(reference, Digest) else payloads.said_digest(answer)
        if expected is not None and digest != expected:
            kind = payloads.content_type(answer)
            why = ": signed schema 1, whose digest leaves the signature out" if kind == media_type.DOCKER_SCHEMA_1_SIGNED else ""
            raise Contradiction(f"the manifest {expected} of {repository} has bytes with the digest {digest}{why}")
        return Fetched(digest, answer.body, payloads.content_type(answer))

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, kind: str) -> Digest:
        """Store a manifest of media type `kind` under a tag or its digest. Raises Contradiction if it is stored as another.

        A complaint about bytes or blobs is asked for again: distribution 2.8 on a filesystem answers so while another client
        pushes the same content (400 DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN; seen 2026-11 with eight pushes at once).
        """
        headers, attempt = {"Content-Type": kind}, 1
        while True:
            answer = self._manifest_call(
                "PUT", repository, reference, Action.PUSH, headers=headers, body=content, ok={*SUCCESS, 400}
            )
            if answer.status != 400:
                break
            if attempt == _PUT_ATTEMPTS or not outcome.codes(answer) & {"DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"}:
                raise outcome.refusal("PUT", answer)
            self._session.pause(attempt)
            attempt += 1
        digest = Digest.of(content)
        said = payloads.said_digest(answer)
        if said is not None and said != digest:
            raise Contradiction(f"{repository}: the manifest {digest} was stored as {said}")
        return digest

    def delete(self, repository: Repository, reference: Tag | Digest, *, remedy: str | None = None) -> bool:
        """Send DELETE. By digest every tag of the manifest goes; by tag the tag alone, where the registry can do that.

        False when it is gone by an attempt whose own answer was lost or an error, so that the registry may have stopped half-way:
        distribution 2.8 answers 500 when a push gets between the manifest and its tags, which then stay listed with nothing
        behind them (seen 2026-11).
        Raises NotFound where it was not there, and Unsupported where the registry does not do this; `remedy` is then the advice.
        """
        answer = self._manifest_call("DELETE", repository, reference, Action.DELETE, ok={*DELETED, *_REFUSED_DELETION})
        if answer.status in DELETED:
            return True
        if answer.status == 404 and answer.uncertain:
            return False
        failure = outcome.refusal("DELETE", answer, remedy=remedy)
        if answer.status == 400 and isinstance(reference, Tag):
            raise Unsupported(failure.message, remedy=remedy)  # DIGEST_INVALID from distribution 2.8, UNSUPPORTED from others
        raise failure

    def require_deletion(self, repository: Repository, *, remedy: str | None = None) -> None:
        """Raise Unsupported unless manifests can be deleted here by digest.

        Asked with a digest that nothing has, so nothing changes. Only a 404 in OCI's own words counts as a yes: a proxy's 404
        says nothing about deletion.
        """
        nothing = Digest.of(os.urandom(32))
        answer = self._manifest_call("DELETE", repository, nothing, Action.DELETE, ok={*DELETED, *_REFUSED_DELETION})
        if answer.status in DELETED or (answer.status == 404 and outcome.codes(answer)):
            return
        raise Unsupported(outcome.refusal("DELETE", answer).message, remedy=remedy)

    def blob(self, repository: Repository, blob: Blob) -> BinaryIO:
        """A blob as a stream, to be closed; reading to its end raises Contradiction if it is not what its digest says."""
        answer = self._blob_call("GET", repository, blob.digest, stream=True)
        if answer.stream is None:
            raise AssertionError("a streamed answer has a stream")
        return verified(answer.stream, blob, str(repository))

    def small_blob(self, repository: Repository, digest: Digest, *, limit: int = MANIFEST_LIMIT) -> bytes:
        """A blob of at most `limit` bytes, such as a config, verified. Raises Contradiction for a larger one."""
        content = self._blob_call("GET", repository, digest, limit=limit).body
        if Digest.of(content) != digest:
            raise Contradiction(f"the blob {digest} of {repository} has bytes with the digest {Digest.of(content)}")
        return content

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        """Whether the repository holds this blob."""
        try:
            self._blob_call("HEAD", repository, digest)
        except NotFound:
            return False
        return True

    def put_blob(
        self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO], *, source: Repository | None = None
    ) -> None:
        """Upload a blob, streamed; `content` opens it anew for each attempt. From `source` it is mounted, if that can be.

        A mount is looked at afterwards: where the blob is not there all the same, it is sent.
        """
        scopes = (*self._scopes(repository, Action.PUSH), *(self._scopes(source, Action.PULL) if source else ()))

        def call(method: str, url: str, headers: Mapping[str, str], body: bytes | Upload | None, ok: Collection[int]) -> Answer:
            return self.call(method, url, scopes, headers=headers, body=body, ok=ok, idempotent=method in {"POST", "GET"})

        start = f"{self.access.base}/v2/{repository.path}/blobs/uploads/"
        if source is not None:
            mount = urlencode({"mount": str(blob.digest), "from": source.path})
            mounted = BlobUpload(self._session, call, f"{start}?{mount}", blob, content).run()
            if not mounted or self.has_blob(repository, blob.digest):
                return
        BlobUpload(self._session, call, start, blob, content).run()

    def referrers(self, repository: Repository, digest: Digest) -> list[Descriptor] | None:
        """The manifests whose `subject` is this one; None where the registry has no referrers API, which is remembered."""
        if self._has_referrers is False:
            return None
        try:
            found = list(self._listed(repository, f"referrers/{digest}", "manifests"))
        except (NotFound, Unsupported):
            if self._has_referrers:
                raise
            self._has_referrers = False
            return None
        self._has_referrers = True
        return [payloads.descriptor(entry, repository) for entry in found]

    def catalog(self) -> Iterator[str]:
        """The paths of all repositories that the registry lists, as they come; may name emptied ones."""
        base = self.access.base

        def step(url: str) -> tuple[Sequence[object], str | None]:
            answer = self.call("GET", url, (CATALOG,))
            return payloads.entries(answer, "repositories"), pages.next_link(answer)

        yield from (name for name in pages.walk(f"{base}/v2/_catalog", step) if isinstance(name, str))

    def call(
        self,
        method: str,
        url: str,
        scopes: Sequence[str],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Upload | None = None,
        ok: Collection[int] = SUCCESS,
        idempotent: bool | None = None,
        retry_on: Collection[int] = SERVER_TROUBLE,
        stream: bool = False,
        limit: int = ANSWER_LIMIT,
    ) -> Answer:
        """A call of any kind with a token for these scopes. Another host than the registry's gets no credentials."""
        base = self.access.base
        signer = self.access.signer(tuple(scopes)) if Origin.of(url) == Origin.of(base) else None
        try:
            answer = self._session.request(
                method, url, headers=headers, body=body, ok={*ok, 401}, auth=signer,
                idempotent=idempotent, retry_on=retry_on, stream=stream, limit=limit,
            )  # fmt: skip
        except Denied as error:
            raise self.access.forbidden(error, tuple(scopes)) from None
        if answer.status == 401 and 401 not in ok:
            raise self.access.refused(method, answer, signer.scopes if signer else tuple(scopes))
        return answer

    def _manifest_call(
        self,
        method: str,
        repository: Repository,
        reference: Tag | Digest,
        action: Action,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ok: Collection[int] = SUCCESS,
        limit: int = ANSWER_LIMIT,
    ) -> Answer:
        url = f"{self.access.base}/v2/{repository.path}/manifests/{reference}"
        return self.call(method, url, self._scopes(repository, action), headers=headers, body=body, ok=ok, limit=limit)

    def _blob_call(
        self, method: str, repository: Repository, digest: Digest, *, stream: bool = False, limit: int = ANSWER_LIMIT
    ) -> Answer:
        url = f"{self.access.base}/v2/{repository.path}/blobs/{digest}"
        return self.call(method, url, self._scopes(repository, Action.PULL), headers=_IDENTITY, stream=stream, limit=limit)

    def _listed(self, repository: Repository, path: str, key: str) -> Iterator[object]:
        def step(url: str) -> tuple[Sequence[object], str | None]:
            answer = self.call("GET", url, self._scopes(repository, Action.PULL))
            return payloads.entries(answer, key), pages.next_link(answer)

        yield from pages.walk(f"{self.access.base}/v2/{repository.path}/{path}", step)
