"""Images of several platforms joined to one index. The same images give the same index, in whatever order they are given."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from moorage.errors import ConfigurationError
from moorage.oci.media_type import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX
from moorage.oci.reference import Digest
from moorage.registries.sources.parcel import Document, Parcel

_PLATFORM_KEYS: Final = ("architecture", "os", "os.version", "os.features", "variant")
_ABOUT: Final = "vnd.docker.reference.digest"  # BuildKit: which image an attestation beside it is about
Entry = dict[str, Any]


def join(parcels: Sequence[Parcel]) -> Parcel:
    """One index over the images of all these parcels; the indexes among them give their entries as they are, attestations too.

    Raises ConfigurationError for a source that holds no image, and for two images of one platform.
    """
    refuse_equal_platforms((parcel.origin, platforms_of(parcel)) for parcel in parcels)
    entries = [entry for parcel in parcels for entry in _entries(parcel)]
    images = {image.digest.text for parcel in parcels for image in parcel.images()}
    named = {entry["digest"]: platform_text(entry.get("platform") or {}) for entry in entries if entry["digest"] in images}
    entries.sort(key=lambda entry: _order(entry, named))
    kind = DOCKER_LIST if all(entry.get("mediaType") == DOCKER_MANIFEST for entry in entries) else OCI_INDEX
    content = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}, separators=(",", ":")).encode()
    documents = {document.digest: document for parcel in parcels for document in _below(parcel)}
    blobs = {digest: source for parcel in parcels for digest, source in parcel.blobs.items()}
    return Parcel(" with ".join(parcel.origin for parcel in parcels), Document(content, kind), documents, blobs)


def platforms_of(parcel: Parcel) -> tuple[str, ...]:
    """The platforms of a parcel's images, as `platform_text` writes them. Raises ConfigurationError for a config that is none."""
    return tuple(platform_text(_platform(parcel, image)) for image in parcel.images())


def platform_text(platform: Mapping[str, Any]) -> str:
    """`os/architecture[/variant][:version]`; `arm64/v8` is `arm64`, as docker has it."""
    variant = str(platform.get("variant") or "")
    if platform.get("architecture") == "arm64" and variant == "v8":
        variant = ""
    parts = (str(platform.get("os") or "unknown"), str(platform.get("architecture") or "unknown"), variant)
    version = str(platform.get("os.version") or "")
    return "/".join(part for part in parts if part) + (f":{version}" if version else "")


def refuse_equal_platforms(sources: Iterable[tuple[str, Sequence[str]]]) -> None:
    """`sources` are origins with the platforms of what they hold. Raises one ConfigurationError with every clash."""
    owners: dict[str, str] = {}
    problems = []
    for origin, platforms in sources:
        if not platforms:
            problems.append(f"{origin} holds no image, so it cannot be one platform of several")
        for platform in platforms:
            if platform in owners:
                problems.append(f"{owners[platform]} and {origin} are both {platform}: an index has one image for each platform")
            owners.setdefault(platform, origin)
    if problems:
        raise ConfigurationError(*problems)


def _entries(parcel: Parcel) -> Iterator[Entry]:
    """What the index is to say of a parcel: of an index its own entries, at any depth."""
    if not parcel.root.manifest.is_index:
        root = parcel.root
        descriptor = {"mediaType": root.media_type, "digest": root.digest.text, "size": len(root.content)}
        yield {**descriptor, "platform": _platform(parcel, root)}
        return
    waiting = [parcel.root]
    while waiting:
        for entry in json.loads(waiting.pop(0).content)["manifests"]:
            child = parcel.manifests[Digest(entry["digest"])]
            if child.manifest.is_index:
                waiting.append(child)
            elif "platform" in entry or child not in parcel.images():
                yield entry
            else:
                yield {**entry, "platform": _platform(parcel, child)}


def _below(parcel: Parcel) -> Iterator[Document]:
    """The manifests that the joined index needs, without the indexes that it takes the place of."""
    return (document for document in parcel.documents() if not document.manifest.is_index)


def _platform(parcel: Parcel, image: Document) -> Entry:
    """As the image's config says it."""
    try:
        config = json.loads(parcel.config(image))
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise ConfigurationError(f"{parcel.origin}: the image {image.digest} has a config that is no JSON object")
    return {key: config[key] for key in _PLATFORM_KEYS if config.get(key)}


def _order(entry: Entry, named: Mapping[str, str]) -> tuple[str, int, str]:
    """By platform, each image before what speaks about it."""
    about = (entry.get("annotations") or {}).get(_ABOUT, "")
    own = named.get(entry["digest"])
    return (named.get(about, "~") if own is None else own, int(own is None), entry["digest"])
