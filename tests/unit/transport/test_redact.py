from __future__ import annotations

import pytest

from moorage.auth.secret import Secret
from moorage.transport import redact


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://reg.example/v2/", "https://reg.example/v2/"),
        ("https://user:pw@reg.example:5000/v2/?a=1&b=2", "https://reg.example:5000/v2/?a=…&b=…"),
        ("https://reg.example/?opaque", "https://reg.example/?…"),
        ("https://reg.example/?a=b=c&d", "https://reg.example/?a=…&…"),
        ("https://reg.example/x#fragment", "https://reg.example/x"),
        ("/relative?token=1", "/relative?token=…"),
        ("https://reg.example/\x1b[31mred\r\nX: y", "https://reg.example/ [31mred X: y"),
    ],
)
def test_a_url_shows_neither_userinfo_nor_query_values(address: str, shown: str) -> None:
    assert redact.url(address) == shown


def test_a_text_is_one_line_without_secrets() -> None:
    Secret("sham-redact-secret")
    told = redact.text("line one\n\tsham-redact-secret  at\x1b[0m https://u:p@host/x?sig=abc now")
    assert told == "line one *** at [0m https://host/x?sig=… now"


def test_a_text_is_cut() -> None:
    assert redact.text("x" * 1000, 10) == "x" * 9 + "…"


def test_a_secret_in_the_path_is_blanked() -> None:
    Secret("sham-path-secret")
    assert redact.url("https://host/sham-path-secret/x") == "https://host/***/x"
