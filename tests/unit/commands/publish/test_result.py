"""How a publish ends: JSON with fixed keys, and one failure that fits what happened."""

from __future__ import annotations

from moorage.commands.publish.result import PublishedTag, PublishResult, Status
from moorage.errors import DockerError, Failure, PartialFailure, Unauthorized
from moorage.oci.naming import FinalName
from moorage.oci.reference import Digest

DIGEST = Digest.of(b"manifest")


def tag(name: str, error: Failure | None = None) -> PublishedTag:
    final = FinalName("app", "example.com/app", name, name)
    return PublishedTag.of(final, None if error else DIGEST, Status.FAILED if error else Status.PUBLISHED, error)


def test_the_json_form_is_fixed() -> None:
    assert PublishResult((tag("v1"), tag("v2", DockerError("it broke")))).as_json() == {
        "images": [
            {
                "image": "app",
                "reference": "example.com/app:v1",
                "tag": "v1",
                "digest": DIGEST.text,
                "status": "published",
            },
            {
                "image": "app",
                "reference": "example.com/app:v2",
                "tag": "v2",
                "digest": None,
                "status": "failed",
                "error": {"code": "docker", "message": "it broke"},
            },
        ]
    }


def test_all_up_is_no_failure() -> None:
    assert PublishResult((tag("v1"), tag("v2"))).failure is None


def test_half_up_says_what_is_up_and_what_is_not() -> None:
    failure = PublishResult((tag("v1"), tag("v2", Unauthorized("who are you?")))).failure
    assert isinstance(failure, PartialFailure)
    assert failure.exit_code == 5
    assert "example.com/app:v1" in failure.message
    assert failure.problems == ("example.com/app:v2: who are you?",)
    assert Unauthorized.default_remedy in failure.remedy, "running again alone would not help"


def test_nothing_up_for_one_reason_is_that_reason() -> None:
    failure = PublishResult((tag("v1", Unauthorized("who are you?")), tag("v2", Unauthorized("who are you?")))).failure
    assert isinstance(failure, Unauthorized)
    assert failure.exit_code == 3


def test_nothing_up_for_several_reasons_names_them_all() -> None:
    failure = PublishResult((tag("v1", Unauthorized("who are you?")), tag("v2", DockerError("it broke")))).failure
    assert isinstance(failure, PartialFailure)
    assert len(failure.problems) == 2
    assert failure.remedy.startswith(f"{Unauthorized.default_remedy} {DockerError.default_remedy} Then run")
