"""Names: what the grammar takes, and what it refuses in words."""

import pytest

from moorage.oci.reference import (
    DOCKER_HUB,
    BadReference,
    Digest,
    Reference,
    Registry,
    Repository,
    Tag,
    parse_reference,
    parse_repository,
    split_host,
)

HEX = "a" * 64
SHA = f"sha256:{HEX}"


class TestDigests:
    def test_a_digest(self) -> None:
        digest = Digest(SHA)
        assert (str(digest), digest.hex, digest.short) == (SHA, HEX, "a" * 12)
        assert Digest.of(b"") == Digest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

    @pytest.mark.parametrize(
        "text", ["", "sha256:", SHA[:-1], SHA + "a", SHA + "\n", SHA.upper(), "sha512:" + HEX * 2, f" {SHA}", HEX]
    )
    def test_no_digest(self, text: str) -> None:
        with pytest.raises(BadReference, match="a digest is sha256: and 64 lower-case hexadecimal digits"):
            Digest(text)


class TestTags:
    @pytest.mark.parametrize("text", ["a", "_", "A.b-c_d", "1", "t" * 128])
    def test_a_tag(self, text: str) -> None:
        assert str(Tag(text)) == text

    @pytest.mark.parametrize("text", ["", "-a", ".a", "a b", "a/b", "a:b", "a\n", "ä", "٣", "t" * 129])
    def test_no_tag(self, text: str) -> None:
        with pytest.raises(BadReference, match="a tag holds letters, digits"):
            Tag(text)


class TestRegistries:
    @pytest.mark.parametrize(
        "text", ["ghcr.io", "localhost", "localhost:5000", "1.2.3.4:443", "[::1]:5000", "a-b.c:65535", "HOST"]
    )
    def test_a_registry(self, text: str) -> None:
        registry = Registry(text)
        assert (str(registry), registry.is_layout) == (text, False)
        with pytest.raises(ValueError, match="is not a directory of layouts"):
            _ = registry.directory

    @pytest.mark.parametrize(
        "text", ["", "https://ghcr.io", "a b", "host:", "-a", "a-", "a..b", "host:port", "host/path", "[::1", "a_b"]
    )
    def test_no_registry(self, text: str) -> None:
        with pytest.raises(BadReference, match="a registry is a host name or address"):
            Registry(text)

    @pytest.mark.parametrize("port", ["0", "65536", "99999999999"])
    def test_ports(self, port: str) -> None:
        with pytest.raises(BadReference, match="a port lies between 1 and 65535"):
            Registry(f"localhost:{port}")

    def test_a_directory_of_layouts(self) -> None:
        registry = Registry("oci:/srv/images")
        assert (registry.is_layout, registry.directory) == (True, "/srv/images")
        with pytest.raises(BadReference, match="a directory is needed after oci:"):
            Registry("oci:")


class TestRepositories:
    @pytest.mark.parametrize("path", ["a", "a/b/c", "a-b", "a--b", "a_b", "a__b", "a.b", "x" * 255])
    def test_a_repository(self, path: str) -> None:
        assert str(Repository(Registry("r.io"), path)) == f"r.io/{path}"

    @pytest.mark.parametrize(
        ("path", "problem"),
        [
            ("", "a repository path is needed"),
            ("x" * 256, "at most 255 characters, this one has 256"),
            ("a//b", "path component ''"),
            ("a/", "path component ''"),
            ("A", "path component 'A'"),
            ("a..b", r"path component 'a\.\.b'"),
            ("a___b", "path component 'a___b'"),
            ("..", r"path component '\.\.'"),
            ("-a", "path component '-a'"),
            ("a\n", "path component"),
        ],
    )
    def test_no_repository(self, path: str, problem: str) -> None:
        with pytest.raises(BadReference, match=problem):
            Repository(Registry("r.io"), path)


class TestReferences:
    def test_a_reference_is_written_with_what_it_has(self) -> None:
        repository = Repository(Registry("r.io"), "a")
        assert str(Reference(repository, Tag("v1"))) == "r.io/a:v1"
        assert str(Reference(repository, digest=Digest(SHA))) == f"r.io/a@{SHA}"
        assert str(Reference(repository, Tag("v1"), Digest(SHA))) == f"r.io/a:v1@{SHA}"
        with pytest.raises(BadReference, match="a reference needs a tag or a digest"):
            Reference(repository)

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("alpine", "index.docker.io/library/alpine:latest"),
            ("acme/shop:v1", "index.docker.io/acme/shop:v1"),
            ("docker.io/alpine", "index.docker.io/library/alpine:latest"),
            ("registry-1.docker.io/acme/shop", "index.docker.io/acme/shop:latest"),
            ("localhost/shop", "localhost/shop:latest"),
            ("localhost:5000/shop:v1", "localhost:5000/shop:v1"),
            (f"r.io/a@{SHA}", f"r.io/a@{SHA}"),
            (f"r.io/a:v1@{SHA}", f"r.io/a:v1@{SHA}"),
        ],
    )
    def test_short_forms(self, text: str, written: str) -> None:
        assert str(parse_reference(text)) == written

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ":v1",
            "r.io/",
            "r.io/a:",
            "r.io/a@",
            "r.io/a@sha256:1",
            "r.io/A",
            "https://r.io/a",
            "r.io/a:v1:v2",
            "a b",
            "@" + SHA,
        ],
    )
    def test_what_names_nothing(self, text: str) -> None:
        with pytest.raises(BadReference):
            parse_reference(text)

    def test_repositories(self) -> None:
        assert parse_repository("alpine") == Repository(DOCKER_HUB, "library/alpine")
        assert parse_repository("r.io/a/b") == Repository(Registry("r.io"), "a/b")

    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("alpine", (None, "alpine")),
            ("acme/shop", (None, "acme/shop")),
            ("localhost", ("localhost", "")),
            ("localhost/a", ("localhost", "a")),
            ("r.io", ("r.io", "")),
            ("host:5000/a/b", ("host:5000", "a/b")),
        ],
    )
    def test_hosts_are_told_from_paths_as_docker_does(self, text: str, parts: tuple[str | None, str]) -> None:
        assert split_host(text) == parts
