"""Gzip as layers get it: the same bytes for the same content every time, by all processors, and no effort for nothing.

Each piece is compressed by itself, with the end of the one before as its dictionary, so that pieces can be worked on side by side
and lose nothing by it (as pigz does); together they are one gzip stream. Layers are full of what is compressed already: packages,
pictures, archives. Such pieces are stored as they are, in a fifteenth of the time that it takes to find with every byte that they
get no smaller.
"""

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

LEVEL: Final = 5  # a third less time than docker's 6 takes, for layers that are 2 % larger (zlib 1.2.13, seen 2026-11)
_AT_ONCE: Final = min(os.cpu_count() or 1, 8)  # pieces; reading and hashing them keeps no more processors busy
_STORED: Final = 0
_HEADER: Final = bytes.fromhex("1f8b08000000000000ff")  # RFC 1952: deflate, no date, no name, from no system in particular
_LAST_BLOCK: Final = bytes.fromhex("0300")  # an empty one
_WINDOW: Final = 32 * 1024  # bytes that deflate looks back
_SAMPLES: Final = 4  # per piece
_SAMPLE: Final = 4096  # bytes
_DENSE: Final = 0.95  # of its size that a sample keeps when compressed


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All pieces together as one gzip stream. A piece of a megabyte or so is judged by samples; a few are in memory at once."""
    yield _HEADER
    checksum = size = 0
    before = b""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="gzip") as pool:
        under_way: deque[Future[bytes]] = deque()
        for piece in pieces:
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
            under_way.append(pool.submit(_deflated, piece, before))
            before = piece[-_WINDOW:]
            if len(under_way) > _AT_ONCE:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    yield _LAST_BLOCK + struct.pack("<II", checksum, size % 2**32)


def _deflated(piece: bytes, before: bytes) -> bytes:
    """Raw deflate that ends with a byte and not with the stream, so that more can follow."""
    if _is_dense(piece):
        deflate = zlib.compressobj(_STORED, zlib.DEFLATED, -zlib.MAX_WBITS)
    else:
        deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=before)
    return deflate.compress(piece) + deflate.flush(zlib.Z_SYNC_FLUSH)


def _is_dense(piece: bytes) -> bool:
    """Judged by samples from all over it; what is small is compressed in any case."""
    stride = len(piece) // _SAMPLES
    if stride < _SAMPLE:
        return False
    # Not at its beginning: that of a layer is a header of tar, which always compresses.
    sample = b"".join(piece[start : start + _SAMPLE] for start in range(stride // 2, _SAMPLES * stride, stride))
    return len(zlib.compress(sample, 1)) > _DENSE * len(sample)
