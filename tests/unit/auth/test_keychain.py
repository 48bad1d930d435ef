from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from tests.unit.auth.conftest import encoded

from moorage.auth.credential import Basic, Bearer, IdentityToken
from moorage.auth.keychain import ChainKeychain, DockerKeychain, LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.oci.reference import DOCKER_HUB, Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REG = Registry("reg.example")
GIVES = 'read server; echo "$server" >> "$HELPER_LOG"; echo \'{"ServerURL":"x","Username":"helped","Secret":"sham-helped"}\''
KNOWS_NOTHING = "cat >/dev/null; echo 'credentials not found in native keychain'; exit 1"


def keychain(config_dir: Path, **environ: str) -> DockerKeychain:
    return DockerKeychain(config_dir, environ=environ)


def user(found: object) -> str:
    assert isinstance(found, Basic)
    return f"{found.username}:{found.password.reveal()}"


def test_without_a_file_everybody_is_anonymous(config_dir: Path, tmp_path: Path) -> None:
    assert keychain(config_dir).credential(REG) is None
    assert keychain(tmp_path / "nowhere").credential(REG) is None


def test_auth_is_decoded_and_the_password_may_hold_colons(config_dir: Path, configure: Callable[..., Path]) -> None:
    file = configure(auths={"reg.example": {"auth": encoded("me", "sham:with:colons")}})
    found = keychain(config_dir).credential(REG)
    assert user(found) == "me:sham:with:colons"
    assert found is not None
    assert found.source == str(file)
    assert "sham" not in repr(found)


def test_user_name_and_password_may_stand_apart(config_dir: Path, configure: Callable[..., Path]) -> None:
    configure(auths={"reg.example": {"username": "me", "password": "sham-apart"}})
    assert user(keychain(config_dir).credential(REG)) == "me:sham-apart"


def test_tokens_beat_passwords(config_dir: Path, configure: Callable[..., Path]) -> None:
    both = {"auth": encoded("me", "sham-both"), "identitytoken": "sham-identity"}
    configure(auths={"a.example": both, "b.example": {**both, "registrytoken": "sham-bearer"}})
    chain = keychain(config_dir)
    identity, bearer = chain.credential(Registry("a.example")), chain.credential(Registry("b.example"))
    assert isinstance(identity, IdentityToken)
    assert (identity.token.reveal(), identity.username) == ("sham-identity", "me")
    assert isinstance(bearer, Bearer)
    assert bearer.token.reveal() == "sham-bearer"


@pytest.mark.parametrize(
    "key", ["reg.example", "https://reg.example", "https://reg.example/v1/", "http://reg.example/v2/", "reg.example/team"]
)
def test_keys_may_have_scheme_and_path(config_dir: Path, configure: Callable[..., Path], key: str) -> None:
    configure(auths={key: {"auth": encoded("me", "sham-key")}, "reg.example:5000": {"auth": encoded("port", "sham-port")}})
    chain = keychain(config_dir)
    assert user(chain.credential(REG)) == "me:sham-key"
    assert user(chain.credential(Registry("reg.example:5000"))) == "port:sham-port"
    assert chain.credential(Registry("other.example")) is None
    assert chain.credential(Registry("example")) is None


def test_the_bare_host_beats_old_paths_and_these_any_other(config_dir: Path, configure: Callable[..., Path]) -> None:
    keys = ["reg.example", "https://reg.example/v1/", "reg.example/a", "reg.example/a/b"]
    for number in range(len(keys)):
        configure(auths={key: {"auth": encoded(key, "sham-order")} for key in reversed(keys[number:])})
        assert user(keychain(config_dir).credential(REG)) == f"{keys[number]}:sham-order"


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io", "https://registry.hub.docker.com"]
)
def test_docker_hubs_aliases_are_one(config_dir: Path, configure: Callable[..., Path], key: str) -> None:
    configure(auths={key: {"username": "me", "password": "sham-hub"}})
    for name in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert user(keychain(config_dir).credential(Registry(name))) == "me:sham-hub"


def test_a_directory_of_layouts_needs_no_credential(config_dir: Path) -> None:
    assert keychain(config_dir, DOCKER_AUTH_CONFIG="broken").credential(Registry("oci:dir")) is None


def test_a_registrys_own_helper_beats_the_store_and_that_the_file(
    config_dir: Path, configure: Callable[..., Path], helpers: Callable[[str, str], dict[str, str]]
) -> None:
    helpers("general", GIVES.replace("helped", "general"))
    environ = helpers("own", GIVES)
    entry = {"auth": encoded("file", "sham-file")}
    configure(auths={"reg.example": entry, "b.example": entry}, credHelpers={"reg.example": "own"}, credsStore="general")
    chain = keychain(config_dir, **environ)
    assert user(chain.credential(REG)) == "helped:sham-helped"
    assert user(chain.credential(Registry("b.example"))) == "general:sham-general"


def test_what_the_store_does_not_know_may_stand_in_the_file(
    config_dir: Path, configure: Callable[..., Path], helpers: Callable[[str, str], dict[str, str]]
) -> None:
    configure(auths={"reg.example": {"auth": encoded("file", "sham-file")}, "empty.example": {}}, credsStore="none")
    chain = keychain(config_dir, **helpers("none", KNOWS_NOTHING))
    assert user(chain.credential(REG)) == "file:sham-file"
    assert chain.credential(Registry("empty.example")) is None


def test_helpers_are_asked_once_and_docker_hub_by_its_old_key(
    config_dir: Path, configure: Callable[..., Path], helpers: Callable[[str, str], dict[str, str]]
) -> None:
    configure(credsStore="own")
    environ = helpers("own", GIVES)
    chain = keychain(config_dir, **environ)
    registries = [REG, DOCKER_HUB, Registry("docker.io")] * 4
    threads = [threading.Thread(target=chain.credential, args=(registry,)) for registry in registries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with open(environ["HELPER_LOG"]) as log:  # noqa: PTH123
        assert sorted(log.read().split()) == ["https://index.docker.io/v1/", "reg.example"]


def test_the_variable_comes_before_the_file(config_dir: Path, configure: Callable[..., Path]) -> None:
    configure(auths={"reg.example": {"auth": encoded("file", "sham-file")}, "b.example": {"auth": encoded("b", "sham-file")}})
    variable = json.dumps({"auths": {"reg.example": {"auth": encoded("variable", "sham-variable")}}})
    chain = keychain(config_dir, DOCKER_AUTH_CONFIG=variable)
    found = chain.credential(REG)
    assert user(found) == "variable:sham-variable"
    assert found is not None
    assert found.source == "$DOCKER_AUTH_CONFIG"
    assert user(chain.credential(Registry("b.example"))) == "b:sham-file"


def test_an_empty_variable_is_none(config_dir: Path) -> None:
    assert keychain(config_dir, DOCKER_AUTH_CONFIG=" ").credential(REG) is None


def test_all_mistakes_in_the_variable_are_named_at_once(config_dir: Path) -> None:
    document = {
        "auths": {"a.example": {"auth": encoded("u", "sham-v"), "password": "sham-v"}, "b.example": {}},
        "credsStore": "x",
    }
    with pytest.raises(ConfigurationError) as caught:
        keychain(config_dir, DOCKER_AUTH_CONFIG=json.dumps(document)).credential(REG)
    assert caught.value.problems == (
        "$DOCKER_AUTH_CONFIG: unknown field credsStore, only auths is allowed",
        "$DOCKER_AUTH_CONFIG: auths.a.example has the unknown field password, only auth is allowed",
        "$DOCKER_AUTH_CONFIG: auths.b.example has no auth",
    )
    assert "sham" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"auths": {\n  "reg.example": {\n}', "line 3: no valid JSON"),
        ("[]", "is not an object"),
        ('{"auths": []}', "auths is not an object"),
        ('{"auths": {"reg.example": "sham-odd"}}', r"auths.reg.example is not an object"),
        ('{"auths": {"reg.example": {"auth": 5}}}', r"auths.reg.example.auth is not a text"),
        ('{"auths": {"reg.example": {"auth": "sham-not-base64"}}}', "not the base64"),
        ('{"auths": {"reg.example": {"auth": "c2hhbS1ub3VzZXI="}}}', "not the base64"),
        ('{"credHelpers": {"reg.example": 5}}', r"credHelpers.reg.example is not a text"),
        ('{"credsStore": ["x"]}', "credsStore is not a text"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_file_is_a_mistake_with_its_place(config_dir: Path, content: str, told: str) -> None:
    file = config_dir / "config.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=told) as caught:
        keychain(config_dir).credential(REG)
    assert str(file) in str(caught.value)
    assert "sham" not in str(caught.value)


def test_a_file_that_is_no_text_or_too_large_or_a_directory_is_a_mistake(config_dir: Path) -> None:
    file = config_dir / "config.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        keychain(config_dir).credential(REG)
    file.write_bytes(b" " * (5 << 20))
    with pytest.raises(ConfigurationError, match="larger"):
        keychain(config_dir).credential(REG)
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        keychain(config_dir).credential(REG)


def test_an_empty_file_is_an_empty_config(config_dir: Path) -> None:
    (config_dir / "config.json").write_text("")
    assert keychain(config_dir).credential(REG) is None


def test_logins_by_hand_beat_the_docker_config(config_dir: Path, configure: Callable[..., Path]) -> None:
    configure(auths={"reg.example": {"auth": encoded("file", "sham-file")}, "b.example": {"auth": encoded("b", "sham-file")}})
    by_hand = LoginKeychain(
        {REG: Basic("hand", Secret("sham-hand"), "--username"), Registry("docker.io"): Basic("hub", Secret("sham-h"), "x")}
    )
    chain = ChainKeychain(by_hand, keychain(config_dir))
    assert user(chain.credential(REG)) == "hand:sham-hand"
    assert user(chain.credential(Registry("b.example"))) == "b:sham-file"
    assert user(chain.credential(DOCKER_HUB)) == "hub:sham-h"
    assert chain.credential(Registry("c.example")) is None


class TestRenewal:
    """Helpers of clouds give tokens that live for an hour, and a run may be longer."""

    COUNTS = 'read server; echo x >> "$HELPER_LOG"; printf \'{"Username":"u","Secret":"sham-token-%s"}\' $(wc -l < "$HELPER_LOG")'
    SAME = 'cat >/dev/null; echo \'{"Username":"u","Secret":"sham-token"}\''

    def test_a_helper_is_asked_again(
        self, config_dir: Path, configure: Callable[..., Path], helpers: Callable[[str, str], dict[str, str]]
    ) -> None:
        configure(credsStore="cloud")
        chain = ChainKeychain(LoginKeychain({}), keychain(config_dir, **helpers("cloud", self.COUNTS)))
        assert user(chain.credential(REG)) == "u:sham-token-1"
        assert chain.renew(REG)
        assert user(chain.credential(REG)) == "u:sham-token-2"

    def test_what_it_says_again_is_nothing_new(
        self, config_dir: Path, configure: Callable[..., Path], helpers: Callable[[str, str], dict[str, str]]
    ) -> None:
        configure(credsStore="cloud")
        found = keychain(config_dir, **helpers("cloud", self.SAME))
        assert found.credential(REG) is not None
        assert not found.renew(REG)

    def test_what_stands_in_a_file_or_nowhere_is_not_renewed(self, config_dir: Path, configure: Callable[..., Path]) -> None:
        configure(auths={"reg.example": {"auth": encoded("me", "sham-file")}})
        found = keychain(config_dir)
        assert not found.renew(REG)
        assert user(found.credential(REG)) == "me:sham-file"
        assert not found.renew(REG)
        assert not ChainKeychain(found).renew(Registry("nobody.example"))

    def test_a_login_given_by_hand_is_not_replaced_by_a_helpers(
        self, config_dir: Path, configure: Callable[..., Path], helpers: Callable[[str, str], dict[str, str]]
    ) -> None:
        configure(credsStore="cloud")
        given = LoginKeychain({REG: Basic("me", Secret("sham-given"), "--password")})
        docker = keychain(config_dir, **helpers("cloud", self.COUNTS))
        chain = ChainKeychain(given, docker)
        assert not chain.renew(REG)
        assert user(chain.credential(REG)) == "me:sham-given"
