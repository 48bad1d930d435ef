"""Reading every blob of a parcel once, to know before anything is uploaded that it is what it is said to be."""

import gzip
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, BinaryIO, Final, TypeVar, cast

from moorage.errors import ConfigurationError
from moorage.oci.manifest import BadManifest
from moorage.oci.reference import Digest
from moorage.oci.rewrite import is_file_layer, layer_media_types
from moorage.registries.sources.files import GZIP, ZSTD, damage_named
from moorage.registries.sources.parcel import BlobSource, Document, Parcel, diff_ids
from moorage.registries.verified import chunks

READERS: Final = 4  # hashing and decompressing let other threads run; more only make the disk seek
T = TypeVar("T")
U = TypeVar("U")


def verify(parcel: Parcel) -> Parcel:
    """The same parcel, after every blob was compared with its digest and every file layer with the `diff_id` of its config.

    Raises ConfigurationError for a lie. A layer in zstd is compared with its digest alone: Python 3.11 cannot decompress it.
    """
    parallel(lambda item: _compare_blob(parcel, *item), parcel.blobs.items())
    claims = {claim for document in parcel.images() for claim in _claims(parcel, document)}
    parallel(lambda claim: _compare_layer(parcel, *claim), sorted(claims))
    return parcel


def parallel(work: Callable[[T], U], items: Iterable[T]) -> list[U]:
    """Do something with each item in a few threads; the first error ends it."""
    with ThreadPoolExecutor(READERS) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def uncompressed(stream: BinaryIO) -> BinaryIO | None:
    """The stream without its gzip; itself when it has none, and None for zstd."""
    buffered: Any = stream if hasattr(stream, "peek") else io.BufferedReader(stream)
    start = buffered.peek(4)[:4]
    if start.startswith(ZSTD):
        return None
    return cast(BinaryIO, gzip.GzipFile(fileobj=buffered, mode="rb") if start.startswith(GZIP) else buffered)


def digest_of(stream: BinaryIO) -> Digest:
    found = sha256()
    for piece in chunks(stream):
        found.update(piece)
    return Digest(f"sha256:{found.hexdigest()}")


def _compare_blob(parcel: Parcel, digest: Digest, source: BlobSource) -> None:
    with source.open() as stream:
        found = digest_of(stream)
    if found != digest:
        raise ConfigurationError(f"{parcel.origin}: the bytes of the blob {digest} have the digest {found}")


def _claims(parcel: Parcel, image: Document) -> list[tuple[Digest, str]]:
    """Each file layer of an image with the digest that its config claims for it."""
    layers = image.manifest.layers
    try:
        claimed = diff_ids(parcel.config(image))
    except BadManifest as error:
        raise ConfigurationError(f"{parcel.origin}: the image {image.digest} {error}") from None
    if claimed is None:
        return []
    if len(claimed) != len(layers):
        raise ConfigurationError(
            f"{parcel.origin}: the image {image.digest} has {len(layers)} layers, its config speaks of {len(claimed)}"
        )
    kinds = layer_media_types(image.content)
    pairs = zip(layers, claimed, kinds, strict=True)
    return [(layer.digest, diff_id) for layer, diff_id, kind in pairs if is_file_layer(kind)]


def _compare_layer(parcel: Parcel, layer: Digest, claimed: str) -> None:
    with parcel.blobs[layer].open() as stream:
        plain = uncompressed(stream)
        if plain is None:
            return
        with damage_named(f"{parcel.origin}: the layer {layer}"):
            found = digest_of(plain)
    if found.text != claimed:
        raise ConfigurationError(f"{parcel.origin}: the layer {layer} holds {found}, its image's config claims {claimed}")
