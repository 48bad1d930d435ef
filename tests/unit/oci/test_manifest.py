"""Reading manifests: what they lead to, and what is no manifest."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.oci import media_type
from moorage.oci.manifest import (
    MANIFEST_LIMIT,
    BadManifest,
    Blob,
    created_of,
    followed_digest,
    parse_manifest,
    parse_time,
    referrers_tag,
)
from moorage.oci.reference import Digest

A, B, C, D = (Digest.of(word.encode()) for word in "abcd")


def descriptor(digest: Digest, size: int = 10, **rest: Any) -> dict[str, Any]:
    return {"mediaType": "x/y", "digest": digest.text, "size": size, **rest}


def written(**document: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, **document}).encode()


IMAGE = {"mediaType": media_type.OCI_MANIFEST, "config": descriptor(A, 5), "layers": [descriptor(B), descriptor(C)]}
INDEX = {"mediaType": media_type.OCI_INDEX, "manifests": [descriptor(A), descriptor(B), descriptor(A)]}


class TestImages:
    @pytest.mark.parametrize("kind", sorted(media_type.IMAGES))
    def test_config_and_layers_are_blobs(self, kind: str) -> None:
        content = written(**{**IMAGE, "mediaType": kind})
        found = parse_manifest(content)
        assert (found.digest, found.media_type, found.size) == (Digest.of(content), kind, len(content))
        assert (found.config, found.layers) == (Blob(A, 5), (Blob(B, 10), Blob(C, 10)))
        assert found.blobs == (Blob(A, 5), Blob(B, 10), Blob(C, 10))
        assert (found.children, found.subject, found.is_index) == ((), None, False)
        assert found.config_media_type == "x/y"

    def test_subject_artifact_type_and_annotations(self) -> None:
        found = parse_manifest(
            written(**IMAGE, subject=descriptor(D), artifactType="application/spdx", annotations={"a": "b", "c": 1})
        )
        assert (found.subject, found.artifact_type, dict(found.annotations)) == (D, "application/spdx", {"a": "b"})

    def test_an_image_without_config_or_layers(self) -> None:
        found = parse_manifest(written(mediaType=media_type.OCI_MANIFEST, config=None, layers=None, annotations=["x"]))
        assert (found.blobs, found.config_media_type, dict(found.annotations)) == ((), "", {})

    def test_an_artifact_has_blobs(self) -> None:
        found = parse_manifest(written(mediaType=media_type.OCI_ARTIFACT, blobs=[descriptor(B)], subject=descriptor(D)))
        assert (found.layers, found.subject, found.children) == ((Blob(B, 10),), D, ())

    @pytest.mark.parametrize("size", [None, -5])
    def test_sizes_that_make_no_sense_are_none(self, size: int | None) -> None:
        found = parse_manifest(written(**{**IMAGE, "layers": [{"digest": B.text, "size": size}]}))
        assert found.layers == (Blob(B, 0),)


class TestIndexes:
    @pytest.mark.parametrize("kind", sorted(media_type.INDEXES))
    def test_manifests_are_children_each_once(self, kind: str) -> None:
        found = parse_manifest(written(**{**INDEX, "mediaType": kind}))
        assert found.is_index
        assert found.children == (A, B)
        assert found.blobs == ()

    def test_an_index_may_be_empty_and_have_a_subject(self) -> None:
        found = parse_manifest(written(mediaType=media_type.OCI_INDEX, manifests=[], subject=descriptor(D)))
        assert (found.children, found.subject) == ((), D)

    def test_what_is_image_and_index_at_once_needs_both(self) -> None:
        """CVE-2021-41190: clients may read it either way."""
        found = parse_manifest(written(**IMAGE, manifests=[descriptor(D)]))
        assert (found.children, found.blobs) == ((D,), (Blob(A, 5), Blob(B, 10), Blob(C, 10)))


class TestMediaTypes:
    """The document's own word, then the registry's, then its shape."""

    def test_the_document_beats_the_registry(self) -> None:
        assert parse_manifest(written(**IMAGE), media_type.OCI_INDEX).media_type == media_type.OCI_MANIFEST

    def test_the_registry_says_it_where_the_document_does_not(self) -> None:
        document = written(manifests=[descriptor(A)])
        assert parse_manifest(document, f"{media_type.DOCKER_LIST}; charset=utf-8").media_type == media_type.DOCKER_LIST

    @pytest.mark.parametrize("declared", ["", "application/json", "text/plain"])
    def test_the_shape_says_it_where_neither_does(self, declared: str) -> None:
        assert parse_manifest(written(manifests=[]), declared).media_type == media_type.OCI_INDEX
        assert parse_manifest(written(config=descriptor(A), layers=[]), declared).media_type == media_type.OCI_MANIFEST
        assert parse_manifest(written(), declared).media_type == declared


class TestUnknownKinds:
    """Whatever they mention, they may need."""

    def test_every_digest_anywhere_is_a_child(self) -> None:
        document = written(mediaType="x/unknown", parts=[{"deep": [A.text]}], text=f"see {B} and {B}", **{C.text: 1}, number=5)
        assert set(parse_manifest(document).children) == {A, B, C}
        assert len(parse_manifest(document).children) == 3

    def test_schema_1_is_one(self) -> None:
        content = json.dumps({"schemaVersion": 1, "fsLayers": [{"blobSum": A.text}]}).encode()
        found = parse_manifest(content, media_type.DOCKER_SCHEMA_1_SIGNED)
        assert (found.media_type, found.children, found.blobs) == (media_type.DOCKER_SCHEMA_1_SIGNED, (A,), ())

    def test_a_subject_is_known_even_there(self) -> None:
        assert parse_manifest(written(mediaType="x/unknown", subject=descriptor(D))).subject == D

    def test_nesting_is_no_obstacle(self) -> None:
        depth = 900
        content = b'{"mediaType":"x/y","a":' + b"[" * depth + json.dumps(A.text).encode() + b"]" * depth + b"}"
        assert parse_manifest(content).children == (A,)


class TestNoManifests:
    @pytest.mark.parametrize(
        "content", [b"", b"{", b"\xff\xfe", b"nul", b"[" * 100_000, b'{"a":' * 100_000, b'{"size": ' + b"9" * 10_000 + b"}"]
    )
    def test_no_json(self, content: bytes) -> None:
        with pytest.raises(BadManifest, match="is not JSON"):
            parse_manifest(content)

    @pytest.mark.parametrize("content", [b"null", b"[]", b'"text"', b"5"])
    def test_no_object(self, content: bytes) -> None:
        with pytest.raises(BadManifest, match="is not a JSON object"):
            parse_manifest(content)

    def test_too_large(self) -> None:
        largest = b'{"a":"' + b"x" * (MANIFEST_LIMIT - 8) + b'"}'
        assert parse_manifest(largest).size == MANIFEST_LIMIT
        with pytest.raises(BadManifest, match="is larger than 4194304 bytes"):
            parse_manifest(largest + b" ")

    @pytest.mark.parametrize(
        ("document", "problem"),
        [
            ({**IMAGE, "layers": {}}, "layers is not a list"),
            ({**INDEX, "manifests": "all"}, "manifests is not a list"),
            ({**IMAGE, "layers": ["x"]}, "a descriptor is not an object"),
            ({**IMAGE, "config": []}, "a descriptor is not an object"),
            ({**INDEX, "manifests": [{}]}, "'digest'"),
            ({**INDEX, "manifests": [{"digest": "sha512:1"}]}, "a digest is sha256: and 64 lower-case hexadecimal digits"),
            ({**INDEX, "manifests": [{"digest": None}]}, "a digest is sha256"),
            ({**IMAGE, "subject": {"digest": "x"}}, "a digest is sha256"),
            ({**IMAGE, "config": {"digest": A.text, "size": "5"}}, "a size is not a number"),
            ({**IMAGE, "config": {"digest": A.text, "size": True}}, "a size is not a number"),
            ({**IMAGE, "config": {"digest": A.text, "size": 1.5}}, "a size is not a number"),
        ],
    )
    def test_wrong_shapes(self, document: dict[str, Any], problem: str) -> None:
        with pytest.raises(BadManifest) as error:
            parse_manifest(written(**document))
        assert str(error.value).startswith(f"is no valid manifest ({problem}")


class TestFollowing:
    @pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom", ".x.y"])
    def test_tags_named_after_a_digest_follow_it(self, suffix: str) -> None:
        assert followed_digest(referrers_tag(A) + suffix) == A

    @pytest.mark.parametrize(
        "tag",
        [
            "latest", "sha256", "sha256-", f"sha256-{A.hex[:-1]}", f"sha256-{A.hex}0", f"sha256-{A.hex}.", f"sha256-{A.hex}-x",
            f"sha256-{A.hex.upper()}", f"sha512-{A.hex}", f"x-sha256-{A.hex}", f"sha256_{A.hex}",
        ],
    )  # fmt: skip
    def test_others_follow_nothing(self, tag: str) -> None:
        assert followed_digest(tag) is None


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-11-25T12:00:00Z", datetime(2026, 11, 25, 12, tzinfo=UTC)),
            ("2026-11-25t12:00:00z", datetime(2026, 11, 25, 12, tzinfo=UTC)),
            (" 2026-11-25T12:00:00Z\n", datetime(2026, 11, 25, 12, tzinfo=UTC)),
            ("2026-11-25T14:00:00+02:00", datetime(2026, 11, 25, 12, tzinfo=UTC)),
            ("2026-11-25T12:00:00.5Z", datetime(2026, 11, 25, 12, 0, 0, 500_000, tzinfo=UTC)),
            ("2026-11-25T12:00:00.123456789Z", datetime(2026, 11, 25, 12, 0, 0, 123_456, tzinfo=UTC)),
            ("2026-11-25T12:00:00.123456789-01:00", datetime(2026, 11, 25, 13, 0, 0, 123_456, tzinfo=UTC)),
            ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_rfc_3339(self, text: str, moment: datetime) -> None:
        found = parse_time(text)
        assert found == moment
        assert found is not None
        assert found.tzinfo is UTC
        assert created_of({"created": text}) == moment

    @pytest.mark.parametrize(
        "value",
        [
            None, 5, 1.5, [], {}, "", "now", "2026-11-25", "2026-11-25T12:00:00", "2026-13-25T12:00:00Z", "2026-11-25T25:00:00Z",
            "2026-11-25 12:00:00 +0000 UTC", "1970", "Z", ".", ".5Z", "2026-11-25T12:00:00Z" + " " * 64,
            "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "٢٠٢٦-11-25T12:00:00Z",
        ],
    )  # fmt: skip
    def test_anything_else_is_no_time(self, value: object) -> None:
        assert parse_time(value) is None
        assert created_of({"created": value}) is None

    def test_a_config_without_a_date(self) -> None:
        assert created_of({}) is None
