"""What an access token says of its user; what says nothing must not be guessed."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from moorage.auth.secret import Secret
from moorage.registries.jfrog.login import user_of


def token(claims: object) -> Secret:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Secret(f"sham-header.{body}.sham-signature")


@pytest.mark.parametrize(
    ("subject", "user"),
    [
        ("jfac@01gr/users/machine", "machine"),
        ("jfrt@01gr/users/me@example.com", "me@example.com"),
        ("jfrt@01gr", ""),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_the_user_stands_in_the_subject(subject: object, user: str) -> None:
    assert user_of(token({"sub": subject})) == user


@pytest.mark.parametrize("claims", [{}, [], "text", None])
def test_claims_without_a_subject_name_nobody(claims: object) -> None:
    assert user_of(token(claims)) == ""


@given(some.text())
def test_what_is_no_such_token_names_nobody(text: str) -> None:
    assert user_of(Secret(f"sham{text}")) == ""
