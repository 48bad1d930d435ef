"""Putting a parcel into a registry: blobs first and only those that are missing, then manifests, each after what it needs."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from moorage.errors import NotFound, RegistryError
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Writer
from moorage.registries.sources.parcel import BlobSource, Document, Parcel

ATTEMPTS: Final = 8  # a cleanup may take a blob between our look and our manifest; the next attempt puts it again
T = TypeVar("T")


def put_parcel(writer: Writer, repository: Repository, parcel: Parcel, *, tags: Sequence[Tag] = (), parallel: int = 4) -> Digest:
    """Put an image with all that belongs to it under each of these tags, or under its digest alone. Returns the digest.

    Whatever the registry raises ends it: what is not complete then has no name yet. To know what became of each tag, call
    `put_contents` once and `put_root` per tag.
    """
    put_contents(writer, repository, parcel, parallel=parallel)
    for reference in tags or (parcel.root.digest,):
        put_root(writer, repository, parcel, reference, parallel=parallel)
    return parcel.root.digest


def put_contents(writer: Writer, repository: Repository, parcel: Parcel, *, parallel: int = 4) -> None:
    """Put everything that the root needs: blobs that the repository lacks, then the other manifests by digest."""
    largest_first = sorted(parcel.blobs.items(), key=lambda item: item[1].size, reverse=True)

    def put_manifests() -> None:
        images = [document for document in parcel.manifests.values() if not document.manifest.is_index]
        _each(parallel, lambda document: _put(writer, repository, document.digest, document), images)
        for document in parcel.manifests.values():  # indexes one by one: a parcel has each after its own children
            if document.manifest.is_index:
                _put(writer, repository, document.digest, document)

    def put_blobs() -> None:
        _each(parallel, lambda item: _put_blob(writer, repository, *item), largest_first)

    put_blobs()
    _again(put_manifests, put_blobs)


def put_root(writer: Writer, repository: Repository, parcel: Parcel, reference: Tag | Digest, *, parallel: int = 4) -> Digest:
    """Put the root under a tag or its digest: one request, once its contents are there. Contents that went are put again."""
    return _again(
        lambda: _put(writer, repository, reference, parcel.root),
        lambda: put_contents(writer, repository, parcel, parallel=parallel),
    )


def _again(put: Callable[[], T], restore: Callable[[], None]) -> T:
    """Put something; while what it needs is not there, restore that and try again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return put()
        except NotFound:
            restore()
    return put()


def _put(writer: Writer, repository: Repository, reference: Tag | Digest, document: Document) -> Digest:
    return writer.put_manifest(repository, reference, document.content, document.media_type)


def _put_blob(writer: Writer, repository: Repository, digest: Digest, source: BlobSource) -> None:
    if not writer.has_blob(repository, digest):
        if source.home is not None and source.home.registry == repository.registry:
            with suppress(RegistryError):  # who may not look there may still upload
                writer.has_blob(source.home, digest)  # a writer mounts what it has seen in another repository
        writer.put_blob(repository, Blob(digest, source.size), source.open)


def _each(parallel: int, work: Callable[[T], object], items: Iterable[T]) -> None:
    with ThreadPoolExecutor(max(parallel, 1)) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
