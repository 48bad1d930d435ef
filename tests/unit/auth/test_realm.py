from __future__ import annotations

import pytest

from moorage.auth.origin import Origin
from moorage.auth.realm import check_realm
from moorage.errors import Denied

REGISTRY = Origin.of("https://reg.example")
LOOPBACK = Origin.of("http://127.0.0.1:5000")


@pytest.mark.parametrize("realm", ["https://reg.example/token", "https://REG.example:8443/token"])
def test_the_registrys_own_host_gets_the_password(realm: str) -> None:
    check_realm(realm, REGISTRY, with_password=True)


@pytest.mark.parametrize(
    "realm", ["https://auth.example/token", "https://reg.example.evil/token", "https://evil.example/reg.example"]
)
def test_another_host_gets_none_and_the_option_is_named(realm: str) -> None:
    with pytest.raises(Denied, match="another host") as caught:
        check_realm(realm, REGISTRY, with_password=True)
    assert f"--allow-realm {Origin.of(realm).host}" in caught.value.remedy
    check_realm(realm, REGISTRY, with_password=False)  # an anonymous question holds nothing


def test_the_vendor_or_the_user_may_allow_it() -> None:
    check_realm(
        "https://auth.docker.io/token", Origin.of("https://index.docker.io"), with_password=True, listed={"auth.docker.io"}
    )
    check_realm("https://auth.example/token", REGISTRY, with_password=True, allowed={"auth.example"})
    check_realm("https://gitlab.example/jwt/auth", REGISTRY, with_password=True, listed={"*"})


@pytest.mark.parametrize("with_password", [True, False])
@pytest.mark.parametrize("realm", ["http://reg.example/token", "http://127.0.0.1/token", "http://auth.example/token"])
def test_plain_http_gets_nothing(realm: str, with_password: bool) -> None:
    with pytest.raises(Denied, match="plain HTTP"):
        check_realm(realm, REGISTRY, with_password=with_password, listed={"*"}, allowed={"auth.example", "127.0.0.1"})


@pytest.mark.parametrize("realm", ["http://127.0.0.1:5001/token", "http://localhost/token", "https://localhost:1/token"])
def test_a_loopback_registry_may_have_a_loopback_realm(realm: str) -> None:
    check_realm(realm, LOOPBACK, with_password=True)


def test_plain_http_elsewhere_needs_both_hosts_to_be_allowed() -> None:
    insecure = Origin.of("http://reg.corp")
    check_realm("http://reg.corp/token", insecure, with_password=True, plain={"reg.corp"})
    check_realm("http://auth.corp/token", insecure, with_password=True, plain={"reg.corp", "auth.corp"}, allowed={"auth.corp"})
    with pytest.raises(Denied, match="another host"):
        check_realm("http://auth.corp/token", insecure, with_password=True, plain={"reg.corp", "auth.corp"})
    with pytest.raises(Denied, match="plain HTTP"):
        check_realm("http://auth.corp/token", REGISTRY, with_password=True, plain={"auth.corp"}, allowed={"auth.corp"})
    with pytest.raises(Denied, match="plain HTTP"):
        check_realm("http://evil.example/token", LOOPBACK, with_password=True, allowed={"evil.example"})


@pytest.mark.parametrize("realm", ["", "token", "file:///etc/passwd", "https://["])
def test_what_is_no_url_is_not_asked(realm: str) -> None:
    with pytest.raises(Denied, match="no URL"):
        check_realm(realm, REGISTRY, with_password=False)
