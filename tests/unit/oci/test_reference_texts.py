"""Reference texts that werf 1.1 was seen to take or refuse."""

import pytest

from moorage.oci.reference import BadReference, parse_reference

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reg.io/xx:tag", "reg.io/xx:tag"),
        (f"reg.io/xx:tag@{DIGEST}", f"reg.io/xx:tag@{DIGEST}"),
        (f"reg.io/xx@{DIGEST}", f"reg.io/xx@{DIGEST}"),
        ("xx", "index.docker.io/library/xx:latest"),
        (f"reg.io/xx:{'t' * 128}", f"reg.io/xx:{'t' * 128}"),  # werf 1.1 stopped at 127
    ],
)
def test_kept(text: str, expected: str) -> None:
    assert str(parse_reference(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "reg.io/xx:t/g",
        "reg.io/xx:-x",  # werf 1.1 took it, registries do not
        "reg.io/xx:.x",  # likewise
        "localhost:5000",  # was the image `localhost` of Docker Hub; localhost is a host
        f"reg.io/xx:{'t' * 129}",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadReference):
        parse_reference(text)
