"""What a line of a keep list names: references to directories of layouts too, as Moorage prints them."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from moorage.commands.keep_list import read_keep_lists
from moorage.errors import ConfigurationError
from moorage.oci.reference import Digest, Registry, Repository, Tag

WEB = Repository(Registry("oci:build/images"), "shop/web")
API = Repository(Registry("oci:build/images"), "shop/api")
IMAGE = Digest.of(b"image")


@pytest.fixture
def keep(tmp_path: Path) -> Path:
    return tmp_path / "keep"


def kept(keep: Path, line: str, repositories: Iterable[Repository] = (WEB, API)) -> dict[Repository, set[Tag | Digest]]:
    keep.write_text(f"# what runs at the customer's\n{line}\n")
    claims = read_keep_lists([keep], repositories)
    return {repository: {*one.keep_tags, *one.keep_digests} for repository, one in claims.items()}


class TestDirectoriesOfLayouts:
    def test_a_tag_stays_in_its_repository_alone(self, keep: Path) -> None:
        assert kept(keep, f"{WEB}:v1") == {WEB: {Tag("v1")}, API: set()}

    def test_a_digest_stays_in_its_repository_alone(self, keep: Path) -> None:
        assert kept(keep, f"{WEB}@{IMAGE}") == {WEB: {IMAGE}, API: set()}

    def test_no_tag_means_latest(self, keep: Path) -> None:
        assert kept(keep, str(WEB)) == {WEB: {Tag("latest")}, API: set()}

    def test_what_lies_in_another_directory_concerns_nobody_here(self, keep: Path) -> None:
        assert kept(keep, "oci:elsewhere/shop/web:v1") == {WEB: set(), API: set()}

    @pytest.mark.parametrize("line", ["oci:web:v1", "oci:", "oci:build/images/Shop:v1", f"{WEB}:-", f"{WEB}@sha256:12"])
    def test_a_line_that_names_nothing_is_refused(self, keep: Path, line: str) -> None:
        with pytest.raises(ConfigurationError, match="line 2"):
            kept(keep, line)
