"""What AWS and boto3 complain about becomes Moorage's errors, here and nowhere else in this folder.

Codes are those of botocore's service models and of AWS's page on common errors, seen 2026-11. ECR answers most of them with 400,
missing rights too, so the status says little.
"""

from typing import Final

from botocore import exceptions as boto

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
from moorage.transport import redact

NO_CREDENTIALS: Final = (
    "Give AWS credentials in one of AWS's own ways: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, a role by web "
    "identity (aws-actions/configure-aws-credentials), or the role of the machine."
)
KMS: Final = "Make sure that the KMS key of the repository is enabled, and that its policy allows it to these credentials."
_CHECK_KEYS: Final = "Check the AWS credentials: `aws sts get-caller-identity` says whether AWS takes them."
_CHECK_CLOCK: Final = (
    "Check the secret access key, and the clock of this machine: AWS takes no signature that is more than a few minutes off."
)
_RENEW: Final = "Get new credentials (log in again, or assume the role anew) and run again."

_CLASSES: Final[dict[str, type[RegistryError]]] = {
    **dict.fromkeys(("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "KmsException", "OptInRequired"), Denied),
    **dict.fromkeys(
        (
            "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException", "ExpiredToken", "ExpiredTokenException", "InvalidSignatureException",
            "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException", "RequestExpired", "AuthFailure",
        ),
        Unauthorized,
    ),
    **dict.fromkeys(("RepositoryNotFoundException", "ImageNotFoundException", "RegistryNotFoundException"), NotFound),
    **dict.fromkeys(("RepositoryNotEmptyException", "RepositoryAlreadyExistsException"), ItemRefused),
    **dict.fromkeys(("UnsupportedCommandException", "UnknownOperationException"), Unsupported),
    **dict.fromkeys(("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"), Throttled),
}  # fmt: skip
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNSIGNED_WELL: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
_OF_CREDENTIALS: Final = (
    boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError, boto.MetadataRetrievalError,
    boto.SSOError, boto.TokenRetrievalError, boto.UnknownCredentialError, boto.RefreshWithMFAUnsupportedError,
)  # fmt: skip
_OF_CONFIGURATION: Final = (
    boto.ProfileNotFound, boto.ConfigParseError, boto.ConfigNotFound, boto.InvalidConfigError, boto.InvalidRegionError,
    boto.NoRegionError, boto.UnknownRegionError, boto.EndpointProviderError, boto.ParamValidationError,
    boto.InvalidEndpointConfigurationError,
)  # fmt: skip


def translated(error: Exception, operation: str, place: object, source: str) -> Failure:
    """The error for what botocore raised. `operation` is the IAM action, `source` says where the credentials are from."""
    if isinstance(error, boto.ClientError):
        return _refusal(error, operation, place, source)
    said = f"{operation} for {place}: {redact.text(str(error))}"
    if isinstance(error, _OF_CREDENTIALS):
        return Unauthorized(said, remedy=NO_CREDENTIALS)
    if isinstance(error, _OF_CONFIGURATION):
        return ConfigurationError(said, remedy="Check the AWS variables and ~/.aws/config; --ecr-region names the region.")
    if isinstance(
        error, boto.HTTPClientError | boto.ConnectionError
    ):  # on the way to credentials: STS, SSO, the instance's metadata
        return Unreachable(said)
    return Contradiction(said)


def _refusal(error: boto.ClientError, operation: str, place: object, source: str) -> RegistryError:
    complaint = error.response.get("Error", {})
    code = str(complaint.get("Code") or "").rpartition("#")[2]
    why = f"{redact.text(code, 64)}: {redact.text(str(complaint.get('Message') or ''))}"
    if error.operation_name != operation.partition(":")[2]:  # the chain's own calls: AssumeRole, GetRoleCredentials
        return Unauthorized(f"AWS gives no credentials for {operation}: {error.operation_name} is refused: {why}", remedy=_RENEW)
    said = f"{operation} for {place} is refused: {why}"
    kind = _CLASSES.get(code, RegistryError)
    if kind is Denied:
        return Denied(said, remedy=KMS if code == "KmsException" else grant(operation, place, source))
    if kind is Unauthorized:
        remedy = _RENEW if code in _EXPIRED else _CHECK_CLOCK if code in _UNSIGNED_WELL else _CHECK_KEYS
        return Unauthorized(f"{said} (credentials from {source})", remedy=remedy)
    if code == "RepositoryNotFoundException":
        return NotFound(said, remedy="Check account, region and name; publish makes it with --ecr-create-repositories.")
    return kind(said)


def grant(operation: str, place: object, source: str = "") -> str:
    """What to allow, in IAM's words."""
    holder = f"the credentials from {source}" if source else "these credentials"
    return (
        f"Allow {operation} on {place} to {holder}: in their IAM policy and, where the registry is another account's, in the "
        "policy of the repository too."
    )
