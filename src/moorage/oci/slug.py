"""Safe forms of free text (branch names, mostly), stable for ever: the same text gives the same slug on every machine and
version.

Text that fits its format is kept as it is. Other text is written in the alphabet of slugs, cut to the format's length, and
gets the MurmurHash3 (x86, 32 bit, seed 0) of the original at its end, so that two branches do not fall together. The
algorithm is werf 1.1's to the letter, its oddities included: a dash that is left before the hash by the cut stays
(`a--1f3c`), a hash has no leading zeros, composed and decomposed accents differ, and a kubernetes-namespace may hold dots.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from moorage.oci.reference import TAG, TAG_LIMIT
from moorage.oci.slug_alphabet import alphabet

_DNS_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
LIMITED = 42  # the usual limit of `limited`, werf's choice


class SlugFormat(StrEnum):
    """What a slug is for, as typed after `--format`; werf's short words `tag`, `r` and `ns` are understood too."""

    DOCKER_TAG = "docker-tag"
    HELM_RELEASE = "helm-release"
    KUBERNETES_NAMESPACE = "kubernetes-namespace"

    @classmethod
    def _missing_(cls, value: object) -> "SlugFormat | None":
        short = {"tag": cls.DOCKER_TAG, "r": cls.HELM_RELEASE, "ns": cls.KUBERNETES_NAMESPACE}
        return short.get(value) if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class _Shape:
    limit: int  # bytes
    fits: Callable[[str], object]


_SHAPES = {
    SlugFormat.DOCKER_TAG: _Shape(TAG_LIMIT, TAG.fullmatch),
    SlugFormat.HELM_RELEASE: _Shape(53, _DNS_SUBDOMAIN.fullmatch),
    SlugFormat.KUBERNETES_NAMESPACE: _Shape(63, _DNS_SUBDOMAIN.fullmatch),
}


def slug(text: str, format: SlugFormat = SlugFormat.DOCKER_TAG) -> str:  # noqa: A002 -- the option's own name
    """The safe form of `text`; empty text stays empty, and a slug is its own slug."""
    shape = _SHAPES[format]
    if not text or (len(text) <= shape.limit and shape.fits(text)):
        return text
    return _hashed(text, shape.limit)


def limited(text: str, limit: int = LIMITED) -> str:
    """The safe form of `text` in at most `limit` bytes; kept when it is in the alphabet and strictly shorter than that."""
    if not text or (len(text) < limit and text == transliterated(text)):
        return text
    return _hashed(text, limit)


def transliterated(text: str) -> str:
    """`text` in lower-case ASCII letters, digits and single dashes, none of them first or last. May come out empty."""
    table = alphabet()
    spelled = "".join(table.get(ord(character), "") for character in text)
    return re.sub("-+", "-", spelled).strip("-")


def _hashed(text: str, limit: int) -> str:
    import mmh3  # noqa: PLC0415 -- only texts that do not fit need it

    # Bytes of the command line that are no UTF-8 arrive as surrogates; they are hashed as the bytes they were.
    digits = format(mmh3.hash(text.encode(errors="surrogateescape"), 0, signed=False), "x")
    spelled = transliterated(text)[: max(limit - len(digits) - 1, 0)]
    return f"{spelled}-{digits}" if spelled else digits
