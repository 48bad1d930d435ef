"""What gunzip makes of it is what went in, and what is dense costs no time."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.images import tar_of

from moorage.registries.sources.compression import LEVEL, gzipped

TEXT = b"".join(b"%d bottles of beer\n" % number for number in range(60_000))
DENSE = random.Random(1).randbytes(1_000_000)


@pytest.mark.parametrize(
    "pieces",
    [[], [b""], [b"x"], [TEXT], [DENSE], [TEXT, DENSE, TEXT, TEXT], [DENSE, b"", TEXT, DENSE]],
    ids=["nothing", "empty", "small", "text", "dense", "mixed", "starting dense"],
)
def test_it_is_one_gzip_stream_of_the_same_bytes(pieces: list[bytes]) -> None:
    content = b"".join(gzipped(pieces))
    assert gzip.decompress(content) == b"".join(pieces)
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(content) == b"".join(pieces)
    assert unpacker.eof, "readers that know of one member only see all of it"
    assert unpacker.unused_data == b""
    assert content == b"".join(gzipped(pieces))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 70_000)), max_size=6))
def test_whatever_the_pieces(shapes: list[tuple[bool, int]]) -> None:
    pieces = [(DENSE if dense else TEXT)[:size] for dense, size in shapes]
    assert gzip.decompress(b"".join(gzipped(pieces))) == b"".join(pieces)


def test_text_gets_as_small_as_with_gzip_and_dense_bytes_hardly_larger() -> None:
    in_pieces = [TEXT[start : start + 100_000] for start in range(0, len(TEXT), 100_000)]
    assert len(b"".join(gzipped(in_pieces))) < len(gzip.compress(TEXT, LEVEL, mtime=0)) * 1.005
    assert len(b"".join(gzipped([DENSE]))) < len(DENSE) * 1.001


def test_what_is_dense_in_part_is_compressed_all_the_same() -> None:
    assert len(b"".join(gzipped([DENSE[:400_000] + TEXT[:600_000]]))) < 700_000


def test_what_is_dense_is_stored_as_it_is_although_a_layer_begins_with_headers() -> None:
    layer = tar_of({"nested": tar_of({"dense": DENSE})})
    assert DENSE[100_000:160_000] in b"".join(gzipped([layer]))
