from __future__ import annotations

import pytest

from moorage.auth.origin import Origin


@pytest.mark.parametrize(
    ("url", "origin", "shown"),
    [
        ("https://Reg.Example/x", Origin("https", "reg.example", 443), "https://reg.example"),
        ("https://reg.example:443", Origin("https", "reg.example", 443), "https://reg.example"),
        ("http://reg.example:443", Origin("http", "reg.example", 443), "http://reg.example:443"),
        ("https://user:pw@reg.example.:5000/", Origin("https", "reg.example", 5000), "https://reg.example:5000"),
        ("https://[::1]:5000/", Origin("https", "::1", 5000), "https://[::1]:5000"),
    ],
)
def test_an_origin_is_explicit(url: str, origin: Origin, shown: str) -> None:
    assert Origin.of(url) == origin
    assert str(origin) == shown


@pytest.mark.parametrize("url", ["", "reg.example", "/v2/", "ftp://x", "https://", "https://h:x/", "https://h:99999/"])
def test_what_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Origin.of(url)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True), ("localhost:5000", True), ("127.0.0.1", True), ("127.255.0.9:1", True), ("[::1]:5000", True),
        ("localhost.example", False), ("127.0.0.1.example", False), ("126.0.0.1", False), ("10.0.0.1", False), ("[::2]", False),
        ("127.1", False), ("2130706433", False),
    ],
)  # fmt: skip
def test_loopback_is_what_is_written_as_such(host: str, loopback: bool) -> None:
    assert Origin.of(f"https://{host}/").is_loopback is loopback


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ({"reg.example"}, True), ({"REG.example:5000"}, True), ({"reg.example:5001"}, False), ({"example"}, False),
        (set(), False),
    ],
)  # fmt: skip
def test_hosts_are_named_with_or_without_port(names: set[str], named: bool) -> None:
    assert Origin.of("https://reg.example:5000/").is_named_in(names) is named


def test_ipv6_hosts_are_named_with_or_without_brackets() -> None:
    for name in ("fd00::1", "[fd00::1]", "[fd00::1]:5000"):
        assert Origin.of("https://[fd00::1]:5000/").is_named_in({name})
