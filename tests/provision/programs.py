"""What is simply a Debian package; of a newer Debian where Debian 12 does not have it."""

from __future__ import annotations

import os

from tests.provision import apt
from tests.provision.part import Part, first_line
from tests.provision.places import CRANE, OCI_SCHEMAS, STATE, on_path


def _packaged(program: str, package: str, without_it: str) -> Part:
    def there() -> str:
        found = on_path(program)
        return str(found) if found else ""

    return Part(program, without_it, there, lambda: apt.install(package))


def _registry_there() -> str:
    found = on_path("docker-registry")
    return first_line([found, "--version"]) if found else ""


def _crane_there() -> str:
    return str(CRANE) if os.access(CRANE, os.X_OK) else ""


def _bring_crane() -> None:
    """Only Debian testing packages crane; it needs no more than libc 2.34, so it runs on Debian 12."""
    apt.unpack("crane", suite="testing", into=STATE / "crane")


REGISTRY = Part(
    "docker-registry", "every test against a real registry", _registry_there,
    lambda: apt.install("docker-registry"),
)  # fmt: skip
SKOPEO = _packaged("skopeo", "skopeo", "tests that compare with skopeo")
RSYNC = _packaged("rsync", "rsync", "tests of the GitLab component (gitlab-ci-local copies with it)")
CHROMIUM = _packaged("chromium", "chromium", "tests that look at the HTML report in a browser")
CRANE_REGISTRY = Part("crane", "tests of deletion by tag on a second registry implementation", _crane_there, _bring_crane)


def _schemas_there() -> str:
    return str(OCI_SCHEMAS) if (OCI_SCHEMAS / "image-index-schema.json").is_file() else ""


def _bring_schemas() -> None:
    """The specification's own schemas, which its Go package carries."""
    apt.unpack("golang-github-opencontainers-image-spec-dev", suite="trixie", into=STATE / "image-spec")


SCHEMAS = Part("OCI schemas", "tests that hold images to the OCI image specification", _schemas_there, _bring_schemas)
