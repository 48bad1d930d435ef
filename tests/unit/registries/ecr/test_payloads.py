"""ECR's answers as values; what cannot be is a contradiction, named by its listing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from moorage.auth.secret import Secret
from moorage.errors import Contradiction
from moorage.oci.reference import Digest, Tag
from moorage.registries.ecr import payloads

DIGEST = Digest.of(b"manifest")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_an_image_with_everything() -> None:
    there = timezone(timedelta(hours=2))
    entry = {
        "imageDigest": str(DIGEST), "imageTags": ["v1", "v2"], "imageSizeInBytes": 7, "imagePushedAt": NOON.astimezone(there),
        "imageManifestMediaType": "a/b", "artifactMediaType": "c/d", "imageStatus": "ARCHIVED",
        "subjectManifestDigest": str(Digest.of(b"subject")),
    }  # fmt: skip
    (image,) = payloads.images({"imageDetails": [entry]}, "here")
    assert image == payloads.Image(DIGEST, (Tag("v1"), Tag("v2")), "a/b", "c/d", 7, NOON, Digest.of(b"subject"), "ARCHIVED")
    assert image.pushed is not None
    assert image.pushed.tzinfo is UTC


def test_an_image_with_nothing_but_a_digest() -> None:
    assert payloads.images({"imageDetails": [{"imageDigest": str(DIGEST)}]}, "here") == [payloads.Image(DIGEST)]


def test_a_login_is_taken_apart() -> None:
    coded = base64.b64encode(b"AWS:sham:with:colons").decode()
    for data in ([{"authorizationToken": coded, "expiresAt": NOON}], {"authorizationToken": coded, "expiresAt": NOON}):
        found = payloads.token({"authorizationData": data}, "here")
        assert found == payloads.Token("AWS", Secret("sham:with:colons"), NOON)


Read = Callable[[Mapping[str, Any], str], object]


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (payloads.images, {"imageDetails": [{}]}),
        (payloads.images, {"imageDetails": [{"imageDigest": "sha256:short"}]}),
        (payloads.images, {"imageDetails": [{"imageDigest": str(DIGEST), "imageTags": ["no tag"]}]}),
        (payloads.images, {"imageDetails": ["text"]}),
        (payloads.image, {"imageDetails": []}),
        (payloads.tag_digests, {"imageIds": [{"imageTag": "v1"}]}),
        (payloads.public_tags, {"imageTagDetails": [{"imageTag": "v1", "imageDetail": None}]}),
        (payloads.contents, {"images": [{"imageManifest": "{}"}]}),
        (payloads.token, {"authorizationData": []}),
        (payloads.token, {}),
        (payloads.token, {"authorizationData": [{"authorizationToken": "sham text", "expiresAt": NOON}]}),
        (payloads.token, {"authorizationData": [{"authorizationToken": base64.b64encode(b"AWS:").decode(), "expiresAt": NOON}]}),
        (payloads.aliases, {"registries": [{"aliases": [{"name": "acme"}]}]}),
    ],
)
def test_what_cannot_be_is_a_contradiction(read: Read, answer: Mapping[str, Any]) -> None:
    with pytest.raises(Contradiction, match=r"^here answered"):
        read(answer, "here")


def test_failures_are_found_by_whatever_was_asked_for() -> None:
    failures = [
        {"imageId": {"imageDigest": str(DIGEST)}, "failureCode": "KmsError", "failureReason": "no key"},
        {"imageId": {"imageTag": "v1"}, "failureCode": "ImageNotFound"},
        {"failureCode": "InvalidImageTag"},
    ]
    found = dict(payloads.refusals({"failures": failures}))
    assert {name: str(refusal) for name, refusal in found.items()} == {str(DIGEST): "KmsError: no key", "v1": "ImageNotFound"}
