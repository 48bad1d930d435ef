"""What makes two images the same, and what does not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from tests.images import image, layer

from moorage.commands.publish.content import (
    Content,
    content_of_config,
    content_of_index,
    content_of_inspection,
    read_config,
)
from moorage.oci.reference import Digest

CONFIG: dict[str, Any] = {
    "architecture": "arm64",
    "variant": "v8",
    "os": "linux",
    "created": "2024-05-06T07:08:09.123456789Z",
    "docker_version": "20.10.24",
    "config": {
        "Hostname": "",
        "Cmd": ["/app"],
        "Env": ["A=1", "B=2"],
        "Image": "sha256:0f73090b06a4",
        "Volumes": None,
        "Labels": {"team": "shop"},
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]},
    "history": [{"created": "2024-05-06T07:08:09Z", "created_by": "COPY app /app"}],
}
# The same image as `docker image inspect` of engine 20.10 shows it (seen 2026-11), shortened.
INSPECTION: dict[str, Any] = {
    "Id": "sha256:" + "a" * 64,
    "RepoTags": ["app:v1"],
    "Created": "2024-05-06T07:08:09.123456789Z",
    "Architecture": "arm64",
    "Variant": "v8",
    "Os": "linux",
    "Config": {
        "Hostname": "",
        "Domainname": "",
        "AttachStdout": False,
        "Cmd": ["/app"],
        "Env": ["A=1", "B=2"],
        "Image": "",
        "Volumes": None,
        "OnBuild": None,
        "Labels": {"team": "shop"},
    },
    "RootFS": {"Type": "layers", "Layers": ["sha256:" + "1" * 64]},
}


def changed(*path: str, to: object) -> dict[str, Any]:
    """CONFIG with one value changed."""
    found = copy.deepcopy(CONFIG)
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return found


@pytest.mark.parametrize(
    "other",
    [
        changed("created", to="2026-01-01T00:00:00Z"),
        changed("history", to=[]),
        changed("docker_version", to="28.2.2"),
        changed("config", "Image", to="sha256:" + "f" * 64),
        changed("config", "Volumes", to={}),
        changed("config", "Labels", to={"team": "shop", "org.opencontainers.image.revision": "abc", "dev.moorage.image": "app"}),
    ],
    ids=["date", "history", "builder", "parent", "nothing said otherwise", "what publish writes"],
)
def test_the_same_content(other: dict[str, Any]) -> None:
    assert content_of_config(other).digest == content_of_config(CONFIG).digest


@pytest.mark.parametrize(
    "other",
    [
        changed("rootfs", "diff_ids", to=["sha256:" + "2" * 64]),
        changed("config", "Cmd", to=["/app", "--fast"]),
        changed("config", "Env", to=["B=2", "A=1"]),
        changed("config", "Labels", to={"team": "checkout"}),
        changed("config", "Labels", to={}),
        changed("architecture", to="amd64"),
        changed("variant", to=""),
        changed("config", "ANewSetting", to="on"),
    ],
    ids=["layers", "command", "order of variables", "label", "no label", "platform", "variant", "a setting yet to be invented"],
)
def test_other_content(other: dict[str, Any]) -> None:
    assert content_of_config(other).digest != content_of_config(CONFIG).digest


def test_docker_and_the_registry_say_the_same() -> None:
    assert content_of_inspection(INSPECTION) == content_of_config(CONFIG)


def test_labels_of_the_users_are_content_and_ours_are_not() -> None:
    content = content_of_config(CONFIG)
    assert content.labelled({"org.opencontainers.image.version": "1"}).digest == content.digest
    assert content.labelled({"licence": "none"}).digest != content.digest


def test_an_index_is_its_platforms_in_any_order() -> None:
    amd, arm = read_config(image(platform="linux/amd64").config), read_config(image(platform="linux/arm64").config)
    other = read_config(image(layer("other"), platform="linux/arm64").config)
    assert content_of_index([amd, arm]) == content_of_index([arm, amd])
    assert content_of_index([amd, arm]).digest != content_of_index([amd, other]).digest
    assert content_of_index([amd]) == amd


def test_an_index_has_the_labels_on_which_its_platforms_agree() -> None:
    one = Content(Digest.of(b"1"), {"same": "1", "differs": "1"})
    two = Content(Digest.of(b"2"), {"same": "1", "differs": "2", "alone": "2"})
    assert content_of_index([one, two]).labels == {"same": "1"}


@pytest.mark.parametrize("config", [{}, {"config": None, "rootfs": None}, {"config": {"Labels": None}}, {"rootfs": "broken"}, []])
def test_a_poor_config_is_still_a_config(config: object) -> None:
    assert read_config(json.dumps(config).encode()).labels == {}


def test_the_path_that_everybody_gets_anyway_is_no_content() -> None:
    """BuildKit writes it into what has none, as `docker import` leaves images; another PATH is one's own."""

    def with_variables(*variables: str) -> Digest:
        changed = copy.deepcopy(CONFIG)
        changed["config"]["Env"] = list(variables)
        return content_of_config(changed).digest

    default = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert with_variables("A=1", default) == with_variables("A=1")
    assert with_variables(default) == with_variables()
    assert with_variables("PATH=/opt/bin") != with_variables()
