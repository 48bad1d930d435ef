"""The twelve hours of a password, and who is asked for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from moorage.auth.credential import Basic, Bearer
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import Denied
from moorage.oci.reference import Registry
from moorage.registries.ecr.api import EcrApi
from moorage.registries.ecr.aws import Aws
from moorage.registries.ecr.login import EcrKeychain
from moorage.registries.ecr.payloads import Token

HOST = Registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
DOCKERS = Basic("AWS", Secret("sham-password-of-docker"), "the Docker config")


class Cloud:
    """AWS as the keychain sees it: gives a new password whenever it is asked, or refuses."""

    def __init__(self, *, source: str = "AWS (env)", refuses: bool = False) -> None:
        self.source = source
        self.registry = HOST
        self.refuses = refuses
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.asked = 0

    def token(self) -> Token:
        if self.refuses:
            raise Denied("no")
        self.asked += 1
        return Token("AWS", Secret(f"sham-password-{self.asked}"), self.now + timedelta(hours=12))


def keychain(cloud: Cloud, docker: Basic | None = None) -> EcrKeychain:
    logins = LoginKeychain({HOST: docker} if docker else {})
    return EcrKeychain(cast(Aws, cloud), cast(EcrApi, cloud), logins, now=lambda: cloud.now)


def test_a_password_is_used_until_shortly_before_its_end() -> None:
    cloud = Cloud()
    chain = keychain(cloud, DOCKERS)
    first = chain.credential(HOST)
    cloud.now += timedelta(hours=11, minutes=49)
    assert chain.credential(HOST) == first == Basic("AWS", Secret("sham-password-1"), "AWS (env)")
    cloud.now += timedelta(minutes=1)
    assert chain.credential(HOST) == Basic("AWS", Secret("sham-password-2"), "AWS (env)")


def test_without_aws_docker_is_asked() -> None:
    assert keychain(Cloud(source=""), DOCKERS).credential(HOST) == DOCKERS
    assert keychain(Cloud(source="")).credential(HOST) is None
    assert keychain(Cloud(source=""), DOCKERS).own() is None


def test_where_aws_refuses_a_password_docker_is_asked() -> None:
    assert keychain(Cloud(refuses=True), DOCKERS).credential(HOST) == DOCKERS
    with pytest.raises(Denied):
        keychain(Cloud(refuses=True)).credential(HOST)


def test_a_refused_password_is_renewed_until_that_is_in_vain() -> None:
    cloud = Cloud()
    chain = keychain(cloud)
    first = chain.credential(HOST)
    assert chain.renew(first)
    assert cloud.asked == 2
    assert chain.renew(first), "another thread renewed it already"
    assert cloud.asked == 2
    chain.stop_renewing()
    assert not chain.renew(chain.credential(HOST))


def test_what_is_not_of_aws_is_not_renewed() -> None:
    assert not keychain(Cloud(source=""), DOCKERS).renew(DOCKERS)
    chain = keychain(Cloud())
    chain.credential(HOST)
    assert not chain.renew(None)
    assert not chain.renew(Bearer(Secret("sham-bearer"), "elsewhere"))


def test_a_password_that_cannot_be_renewed_is_not() -> None:
    cloud = Cloud()
    chain = keychain(cloud, DOCKERS)
    first = chain.credential(HOST)
    cloud.refuses = True
    assert not chain.renew(first)
