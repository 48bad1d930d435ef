"""Each complaint of AWS and boto3 has its place in our tree, with what to do about it."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto

from moorage.auth.secret import Secret
from moorage.errors import (
    ConfigurationError,
    Contradiction,
    Denied,
    Failure,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from moorage.registries.ecr.trouble import translated


def refused(code: str, message: str = "said AWS", operation: str = "BatchDeleteImage") -> Failure:
    error = boto.ClientError({"Error": {"Code": code, "Message": message}}, operation)
    return translated(error, "ecr:BatchDeleteImage", "acme/app", "AWS (env)")


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        ("AccessDeniedException", Denied, "Allow ecr:BatchDeleteImage on acme/app to the credentials from AWS (env)"),
        ("KmsException", Denied, "KMS key"),
        ("UnrecognizedClientException", Unauthorized, "get-caller-identity"),
        ("ExpiredTokenException", Unauthorized, "new credentials"),
        ("InvalidSignatureException", Unauthorized, "clock"),
        ("RepositoryNotFoundException", NotFound, "--ecr-create-repositories"),
        ("ImageNotFoundException", NotFound, ""),
        ("RepositoryNotEmptyException", ItemRefused, ""),
        ("UnsupportedCommandException", Unsupported, ""),
        ("ThrottlingException", Throttled, ""),
        ("com.amazonaws.ecr#AccessDeniedException", Denied, "Allow"),
        ("LimitExceededException", RegistryError, ""),
        ("", RegistryError, ""),
    ],
)
def test_a_code_has_its_class_and_advice(code: str, kind: type, advice: str) -> None:
    error = refused(code)
    assert type(error) is kind
    assert advice in error.remedy
    assert error.exit_code == 3


def test_a_role_that_cannot_be_assumed_is_no_missing_right_at_the_registry() -> None:
    error = refused("AccessDenied", "not authorized to perform sts:AssumeRole", operation="AssumeRoleWithWebIdentity")
    assert type(error) is Unauthorized
    assert "AssumeRoleWithWebIdentity" in error.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (boto.NoCredentialsError(), Unauthorized),
        (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), Unauthorized),
        (boto.UnauthorizedSSOTokenError(), Unauthorized),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), Unauthorized),
        (boto.ProfileNotFound(profile="nobodys"), ConfigurationError),
        (boto.InvalidRegionError(region_name="eu west"), ConfigurationError),
        (boto.EndpointConnectionError(endpoint_url="https://sts.amazonaws.com"), Unreachable),
        (boto.UnknownServiceError(service_name="ecr", known_service_names=""), Contradiction),
    ],
)
def test_what_boto3_says_by_itself_is_ours_too(error: Exception, kind: type) -> None:
    assert type(translated(error, "ecr:DescribeImages", "acme/app", "")) is kind


def test_no_secret_passes() -> None:
    secret = Secret("sham-secret-that-aws-repeats")
    assert secret.reveal() not in refused("AccessDeniedException", f"bad {secret.reveal()}").message
