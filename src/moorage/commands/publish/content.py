"""What an image is, apart from what is written on it: the part that decides whether it has to be published again.

Two images have the same content when the same layers run the same way on the same platform. Dates, build history, compression and
the labels that publish writes are left out: another commit, another day or another builder makes no other content. It is computed
from the image itself every time and never taken from a label, since an image that is built `FROM` ours inherits our labels.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from moorage.oci.labels import is_written
from moorage.oci.manifest import parse_time
from moorage.oci.reference import Digest

# What the classic builder leaves of the container that it built in, and the parent's id, which differs from machine to machine.
_OF_THE_BUILDER: Final = frozenset(
    {"AttachStderr", "AttachStdin", "AttachStdout", "Domainname", "Hostname", "Image", "OpenStdin", "StdinOnce", "Tty"}
)
# BuildKit (0.13, seen 2026-11) writes it into every image that says nothing about PATH, even to add a label; without it, docker
# and containerd set the very same.
_DEFAULT_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Content:
    """`core` is a digest over what runs; `labels` are all that the image has, those that publish wrote included."""

    core: Digest
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None

    @property
    def digest(self) -> Digest:
        """One name for this content, the same on every machine."""
        own = {name: value for name, value in self.labels.items() if not is_written(name)}
        return _digest_of({"core": self.core.text, "labels": own})

    def labelled(self, labels: Mapping[str, str]) -> "Content":
        """The same with more labels."""
        return replace(self, labels={**self.labels, **labels})


def content_of_config(config: Mapping[str, Any]) -> Content:
    """From an image config as registries store it, OCI's or Docker's."""
    platform = {name: config.get(name) for name in ("architecture", "os", "variant", "os.version", "os.features")}
    rootfs = config.get("rootfs")
    layers = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return _content(platform, config.get("config"), layers, config.get("created"))


def read_config(raw: bytes) -> Content:
    """From the bytes of an image config; what says nothing is an empty image. Raises ValueError for what is no JSON."""
    document = json.loads(raw)
    return content_of_config(document if isinstance(document, dict) else {})


def content_of_inspection(document: Mapping[str, Any]) -> Content:
    """From `docker image inspect`, which says the same in other words: both give the same content for the same image."""
    names = {"architecture": "Architecture", "os": "Os", "variant": "Variant", "os.version": "OsVersion"}
    platform = {name: document.get(docker) for name, docker in names.items()}
    return _content(platform, document.get("Config"), (document.get("RootFS") or {}).get("Layers"), document.get("Created"))


def content_of_manifest(digest: Digest) -> Content:
    """For what has no image config, such as artifacts: the manifest itself."""
    return Content(digest)


def content_of_index(children: Iterable[Content]) -> Content:
    """Of several platforms' images together: their order does not matter, and the labels are those on which they agree.

    An index around a single image (BuildKit makes one to attach attestations) has the content of that image.
    """
    found = list(children)
    if len(found) == 1:
        return found[0]
    pairs = [set(child.labels.items()) for child in found]
    dates = [child.created for child in found if child.created is not None]
    return Content(
        _digest_of(sorted(child.core.text for child in found)),
        dict(set.intersection(*pairs)) if pairs else {},
        max(dates, default=None),
    )


def _content(platform: Mapping[str, Any], config: Any, layers: Any, created: Any) -> Content:
    settings = config if isinstance(config, dict) else {}
    variables = settings.get("Env")
    if isinstance(variables, list):
        settings = {**settings, "Env": [variable for variable in variables if variable != _DEFAULT_PATH]}
    runs = {name: value for name, value in settings.items() if value and name != "Labels" and name not in _OF_THE_BUILDER}
    labels = settings.get("Labels")
    core = {"platform": {name: value for name, value in platform.items() if value}, "config": runs, "layers": layers or []}
    texts = labels.items() if isinstance(labels, dict) else ()
    return Content(_digest_of(core), {name: value for name, value in texts if isinstance(value, str)}, parse_time(created))


def _digest_of(document: object) -> Digest:
    return Digest.of(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
