"""Google's own chain of credentials: what a job, a person or a machine has becomes a login, by the real names of services."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.command import moorage
from tests.contract.scene import Login, Scene, repository_at
from tests.images import image
from tests.simulators.gcr import PERSON, GoogleSimulator
from tests.simulators.google_identity import ACCOUNT, AUDIENCE, HOSTS, IMPERSONATE, REFRESH, SUBJECT, GoogleIdentity
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, RegistryError, Unauthorized, Unsupported
from moorage.registries.gcr import VENDOR, application_default
from moorage.registries.gcr.application_default import VARIABLE
from moorage.registries.gcr.login import GoogleKeychain
from moorage.registries.gcr.registry import GoogleRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.fixtures import NetworkFactory

NOBODY = Login(None, {})
FEDERATED: dict[str, Any] = {
    "type": "external_account",
    "audience": AUDIENCE,
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "https://sts.googleapis.com/v1/token",
    "service_account_impersonation_url": (
        f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
    ),
}
OF_GITHUB = {
    **FEDERATED,
    "credential_source": {
        "url": f"https://tokens.ci.example/oidc?audience={AUDIENCE}",
        "headers": {"Authorization": "Bearer sham-request-token"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    },
}  # as google-github-actions/auth writes it
OF_GCLOUD = {"type": "authorized_user", "client_id": "c", "client_secret": "sham-client-secret", "refresh_token": REFRESH}


@pytest.fixture
def google(registry: RunningRegistry) -> GoogleSimulator:
    return GoogleSimulator(registry.host)


@pytest.fixture
def identity(google: GoogleSimulator) -> GoogleIdentity:
    return GoogleIdentity(google)


@pytest.fixture
def scene(google: GoogleSimulator, identity: GoogleIdentity, vendor_network: NetworkFactory) -> Iterator[Scene]:
    vendor_network({"gcr.io": google, **dict.fromkeys(HOSTS, identity)})
    person = Login(Basic(PERSON.name, Secret(PERSON.password), "the Docker config"))
    scene = Scene(VENDOR, repository_at("gcr.io", f"acme/{google.clock.now().timestamp():.6f}"), google, person, person, person)
    scene.push(image(), "v1")
    yield scene
    scene.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without gcloud, and an environment that names nothing, on a machine that is not Google's."""
    for name in (VARIABLE, "CLOUDSDK_CONFIG", *application_default._METADATA_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(application_default, "_PRODUCT", tmp_path / "product_name")
    return tmp_path


def named(home: Path, monkeypatch: pytest.MonkeyPatch, document: object) -> None:
    (home / "credentials.json").write_text(json.dumps(document))
    monkeypatch.setenv(VARIABLE, str(home / "credentials.json"))


def login_of(scene: Scene) -> Basic | None:
    registry = scene.open(NOBODY)
    assert isinstance(registry, GoogleRegistry)
    return registry.docker_login()


class TestFederation:
    def test_a_job_of_github_actions_lists_and_deletes(
        self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, identity: GoogleIdentity
    ) -> None:
        named(home, monkeypatch, OF_GITHUB)
        registry = scene.open(NOBODY)
        [digest] = registry.inventory(scene.repository).manifests
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {}
        assert (identity.counts["GET", "/oidc"], identity.counts["POST", "/v1/token"]) == (1, 1)
        login = login_of(scene)
        assert login is not None
        assert (login.username, login.password.reveal(), login.source) == ("oauth2accesstoken", PERSON.password, VARIABLE)

    def test_a_token_in_a_file_serves_as_well(self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (home / "token").write_text(SUBJECT)
        named(home, monkeypatch, {**FEDERATED, "credential_source": {"file": str(home / "token")}})
        assert scene.open(NOBODY).tag_names(scene.repository)

    def test_a_token_that_runs_out_is_renewed_in_the_middle(
        self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, identity: GoogleIdentity
    ) -> None:
        named(home, monkeypatch, OF_GITHUB)
        identity.lifetime = timedelta(seconds=1)  # less than what google-auth leaves a token
        registry = scene.open(NOBODY)
        registry.tag_names(scene.repository)
        first = identity.counts["POST", IMPERSONATE]
        assert isinstance(registry, GoogleRegistry)
        registry.docker_login()
        assert identity.counts["POST", IMPERSONATE] > first

    def test_a_token_that_the_registry_takes_no_more_is_asked_for_anew(
        self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, identity: GoogleIdentity
    ) -> None:
        named(home, monkeypatch, OF_GITHUB)
        keychain = GoogleKeychain(LoginKeychain({}), os.environ, scene.sessions[0])
        assert keychain.renew(scene.repository.registry)  # before anybody had one
        assert keychain.credential(scene.repository.registry)
        assert keychain.renew(scene.repository.registry)
        assert identity.counts["POST", IMPERSONATE] == 2

    def test_a_refusal_names_the_file_and_no_token(self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        named(home, monkeypatch, {**OF_GITHUB, "audience": "//iam.googleapis.com/projects/7/other"})
        with pytest.raises(Unauthorized, match=f"{VARIABLE} gives no access token") as refused:
            login_of(scene)
        assert SUBJECT not in refused.value.message
        assert "gcloud auth configure-docker" in refused.value.remedy

    def test_a_missing_right_to_impersonate_is_told(self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        address = FEDERATED["service_account_impersonation_url"].replace("deployer", "nobody")
        named(home, monkeypatch, {**OF_GITHUB, "service_account_impersonation_url": address})
        with pytest.raises(Unauthorized, match=r"getAccessToken|impersonat"):
            login_of(scene)

    @pytest.mark.parametrize("name", ["token_url", "service_account_impersonation_url"])
    @pytest.mark.parametrize("address", ["https://sts.googleapis.com.evil.example/v1/token", "https://evil.example/", "x"])
    def test_proof_goes_to_google_alone(
        self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, name: str, address: str
    ) -> None:
        named(home, monkeypatch, {**OF_GITHUB, name: address})
        with pytest.raises(Unsupported, match="not Google's; nothing was sent"):
            login_of(scene)

    @pytest.mark.parametrize("kind", ["external_account", "authorized_user", "impersonated_service_account"])
    def test_a_file_that_lacks_everything_is_told(
        self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        named(home, monkeypatch, {"type": kind})
        with pytest.raises(Unauthorized, match=VARIABLE):
            login_of(scene)

    def test_what_docker_has_comes_first(self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        named(home, monkeypatch, {"type": "external_account"})
        registry = scene.open()
        assert registry.tag_names(scene.repository)
        assert isinstance(registry, GoogleRegistry)
        assert registry.docker_login() is None

    def test_a_token_service_that_is_down_is_no_refusal(
        self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, identity: GoogleIdentity
    ) -> None:
        named(home, monkeypatch, OF_GITHUB)
        identity.faults.burst(503, times=99, route="/v1/token")
        with pytest.raises(RegistryError):
            login_of(scene)


class TestPeople:
    def test_what_gcloud_keeps_serves(self, scene: Scene, home: Path) -> None:
        folder = home / ".config" / "gcloud"
        folder.mkdir(parents=True)
        (folder / "application_default_credentials.json").write_text(json.dumps(OF_GCLOUD))
        login = login_of(scene)
        assert login is not None
        assert login.source.startswith("gcloud (")
        assert scene.open(NOBODY).tag_names(scene.repository)

    def test_a_refresh_token_that_was_withdrawn_is_told(self, scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        named(home, monkeypatch, {**OF_GCLOUD, "refresh_token": "sham-withdrawn"})
        with pytest.raises(Unauthorized, match="invalid_grant"):
            login_of(scene)


class TestMachines:
    """In processes of their own: google-auth reads where the metadata server is when it is loaded."""

    def doctor(self, scene: Scene, identity: GoogleIdentity, vendor_network: NetworkFactory, home: Path) -> dict[str, Any]:
        network = vendor_network({"gcr.io": scene.simulator})
        with serving(identity) as (_, host):
            done = moorage(
                network, home, "doctor", "--images-repo", f"gcr.io/{scene.path}", "--output", "json", GCE_METADATA_HOST=host,
                NO_PROXY=host.partition(":")[0], no_proxy=host.partition(":")[0],
            )  # fmt: skip
        [place] = json.loads(done.stdout)["repositories"]
        return {right["name"]: right for right in place["rights"]}

    def test_a_machines_own_account_serves(
        self, scene: Scene, identity: GoogleIdentity, vendor_network: NetworkFactory, home: Path
    ) -> None:
        rights = self.doctor(scene, identity, vendor_network, home)
        assert rights["login"]["detail"] == "the metadata server"
        assert rights["list"]["possible"] is True

    def test_a_machine_without_an_account_is_nobody(
        self, scene: Scene, identity: GoogleIdentity, vendor_network: NetworkFactory, home: Path
    ) -> None:
        identity.has_account = False
        assert self.doctor(scene, identity, vendor_network, home)["login"]["detail"] == "none: anonymous"

    def test_elsewhere_nobody_waits_for_a_metadata_server(self, scene: Scene, home: Path) -> None:
        assert login_of(scene) is None
        (home / "product_name").write_text("Standard PC (Q35)\n")
        assert login_of(scene) is None

    def test_a_machine_of_googles_is_known_by_its_name(self, home: Path) -> None:
        (home / "product_name").write_text("Google Compute Engine\n")
        assert application_default._may_be_googles_machine({})


def test_without_google_auth_the_error_says_how_to_have_it(home: Path, monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
    import sys

    named(home, monkeypatch, OF_GITHUB)
    monkeypatch.delitem(sys.modules, "moorage.registries.gcr.google_auth", raising=False)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(ConfigurationError, match="google-auth") as missing:
        login_of(scene)
    assert "moorage[gcr]" in missing.value.remedy
