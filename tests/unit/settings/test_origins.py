"""Registries that images are taken from: recognised by their addresses, with credentials that are not another registry's."""

from pathlib import Path

from tests.calling import requested

from moorage.auth.secret import Secret
from moorage.registries.github import TOKEN
from moorage.settings.assemble.images import image_settings, origins_of
from moorage.settings.request import Request
from moorage.settings.settings import Storage

SOURCE = "docker://ghcr.io/acme/app:1.2"


def origin(request: Request, source: str = SOURCE) -> Storage | None:
    found = origins_of(request, image_settings(request)).get(source)
    request.problems.raise_any()
    return found


def test_the_vendor_is_the_addresss_and_the_credentials_are_the_common_ones(tmp_path: Path) -> None:
    argv = ["--images-repo", "ghcr.io/acme/shop", "--image", f"app={SOURCE}", "--repo-github-token", "common-token"]
    found = origin(requested(tmp_path, "publish", *argv, "--images-repo-github-token", "of-the-target"))
    assert found is not None
    assert (found.repo.vendor.name, found.options.get(TOKEN)) == ("github", Secret("common-token"))


def test_whatever_else_it_is_it_is_a_plain_registry(tmp_path: Path) -> None:
    source = "docker://registry.example.com:5000/team/app@sha256:" + "a" * 64
    argv = ["--images-repo", "ghcr.io/acme/shop", "--image", f"app={source}", "--repo-github-token", "common-token"]
    found = origin(requested(tmp_path, "publish", *argv), source)
    assert found is not None
    assert (found.repo.vendor.name, found.options.get(TOKEN)) == ("default", None)


def test_what_is_no_reference_is_left_to_the_plan(tmp_path: Path) -> None:
    argv = ["--images-repo", "ghcr.io/acme/shop", "--image", "app=docker://Not A Reference"]
    assert origin(requested(tmp_path, "publish", *argv), "docker://Not A Reference") is None
