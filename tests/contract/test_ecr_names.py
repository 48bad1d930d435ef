"""AWS ECR under its real names and by other people's clients."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer
from tests.contract.cleaning import MONTH
from tests.contract.command import moorage
from tests.contract.ecr_scenes import AwsLogin, EcrScene, aws_chain, aws_env, private_scene, public_names, public_scene, scene_at
from tests.images import artifact, image, index, layer, push
from tests.simulators.ecr import ACCOUNT, FOREIGNER, REGION, WRITER, EcrSimulator
from tests.simulators.ecr_public import ALIAS, PublicEcrSimulator

from moorage.auth.keychain import LoginKeychain
from moorage.errors import Denied, ItemRefused, NotFound
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.ecr import VENDOR
from moorage.registries.ecr.registry import EcrRegistry
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.vendor import Connection, VendorOptions
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.contract.scene import Scene
    from tests.realparts.registry import RunningRegistry
    from tests.simulators.fixtures import NetworkFactory
    from tests.simulators.network import Network

__all__ = ["aws_chain", "public_names"]

HOST, API = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", f"api.ecr.{REGION}.amazonaws.com"
KEYS = {"AWS_ACCESS_KEY_ID": WRITER.name, "AWS_SECRET_ACCESS_KEY": WRITER.password}


@pytest.mark.usefixtures("aws_chain")
class TestByItsNames:
    def test_a_cleanup(self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path) -> None:
        simulator = EcrSimulator(registry.host)
        found = vendor_network({HOST: simulator, API: simulator})
        scene = scene_at(simulator, HOST, f"acme/{uuid.uuid4().hex}")
        for number in range(3):
            scene.push(index(image(layer(f"{number}"))), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        done = moorage(
            found, tmp_path, "cleanup", "--images-repo", f"{HOST}/{scene.path}", "--delete-tags", "old-*", "--older-than", "1w",
            "--git-history-based-cleanup=false", "--output", "json", "--log-level", "debug", **KEYS, **aws_env(str(tmp_path)),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        totals = json.loads(done.stdout)["totals"]
        assert (totals["deleted_tags"], totals["deleted_manifests"]) == (3, 6)
        assert scene.tags().keys() == {"keep"}
        assert not [secret for secret in simulator.secrets() if secret in done.stdout + done.stderr]
        scene.close()

    def test_a_publish_that_makes_its_repositories(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = EcrSimulator(registry.host)
        simulator.creates_on_push = False
        found = vendor_network({HOST: simulator, API: simulator})
        project = uuid.uuid4().hex
        push(LayoutRegistry(Registry(f"oci:{tmp_path}")), Repository(Registry(f"oci:{tmp_path}"), "app"), image(), "v1")
        command = (
            "publish", "--images-repo", f"{HOST}/{project}", "--image", f"app=oci:{tmp_path / 'app'}:v1", "--image",
            f"web=oci:{tmp_path / 'app'}:v1", "--tag-custom", "v1", "--tag-custom", "v2", "--output", "json",
        )  # fmt: skip
        refused = moorage(found, tmp_path, *command, **KEYS, **aws_env(str(tmp_path)))
        assert refused.returncode != 0
        assert simulator.shelves == {}
        done = moorage(found, tmp_path, *command, "--ecr-create-repositories", **KEYS, **aws_env(str(tmp_path)))
        assert done.returncode == 0, done.stderr
        assert {one["status"] for one in json.loads(done.stdout)["images"]} == {"published"}
        assert simulator.truth(f"{project}/app").keys() >= {"v1", "v2"}
        made = {project, f"{project}/app", f"{project}/web"}  # the first for the names of images
        assert simulator.shelves.keys() == made
        again = moorage(found, tmp_path, *command, "--ecr-create-repositories", **KEYS, **aws_env(str(tmp_path)))
        assert again.returncode == 0, again.stderr
        assert simulator.counts["POST", "CreateRepository"] == len(made), "what is there is not made"

    @pytest.mark.parametrize(
        ("host", "api", "region"),
        [
            (f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com", "api.ecr-fips.us-east-1.amazonaws.com", "us-east-1"),
            (f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com", "api.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            (f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            (f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu", "api.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            (f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws", "ecr.eu-west-1.api.aws", "eu-west-1"),
            (f"{ACCOUNT}.dkr-ecr-fips.us-east-1.on.aws", "ecr-fips.us-east-1.api.aws", "us-east-1"),
            (
                f"{ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "ecr.cn-north-1.api.amazonwebservices.com.cn",
                "cn-north-1",
            ),
        ],
    )  # fmt: skip
    def test_each_kind_of_host_has_its_own_api(
        self, host: str, api: str, region: str, registry: RunningRegistry, vendor_network: NetworkFactory
    ) -> None:
        simulator = EcrSimulator(registry.host)
        simulator.region = region
        vendor_network({host: simulator, api: simulator})
        scene = scene_at(simulator, host, f"acme/{uuid.uuid4().hex}")
        digest = scene.push(image(), "v1")
        opened = scene.open()
        assert opened.inventory(scene.repository).tags == {Tag("v1"): digest}
        opened.delete_manifest(scene.repository, digest)
        assert scene.tags() == {}
        scene.close()


class TestPublic:
    @pytest.fixture
    def scene(self, registry: RunningRegistry, public_names: Network) -> Iterator[EcrScene]:
        with public_scene(registry.host, public_names) as scene:
            yield scene

    def test_the_alias_of_somebody_else_is_not_looked_up_in_our_own_registry(self, scene: Scene) -> None:
        """A repository of the same name in the caller's registry would be listed, and deleted from, instead."""
        digest = scene.push(image(), "v1")
        opened = scene.open(AwsLogin.of(FOREIGNER))
        for attempt in (lambda: opened.inventory(scene.repository), lambda: opened.delete_manifest(scene.repository, digest)):
            with pytest.raises(Denied, match="their aliases: elsewhere"):
                attempt()
        assert scene.tags() == {"v1": digest}

    def test_subjects_are_read_since_the_listing_has_none(self, scene: Scene) -> None:
        subject = image(layer("subject"))
        scene.push(subject, "v1")
        referrer = scene.push(artifact(subject))
        scene.simulator.counts.clear()
        assert scene.open().inventory(scene.repository).manifests[referrer].subject == subject.digest
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1

    def test_repositories_are_made_listed_and_deleted(self, scene: Scene) -> None:
        assert isinstance(scene.simulator, PublicEcrSimulator)
        scene.simulator.creates_on_push = False
        opened = scene.open()
        assert isinstance(opened, EcrRegistry)
        with pytest.raises(NotFound):
            scene.push(image(), "v1")
        assert opened.create_repository(scene.repository)
        digest = scene.push(image(), "v1")
        assert opened.repositories() == [scene.repository]
        with pytest.raises(ItemRefused):
            opened.delete_repository(scene.repository)
        opened.delete_manifest(scene.repository, digest)
        opened.delete_repository(scene.repository)
        assert opened.repositories() == []

    def test_the_doctor_names_the_alias_by_its_rights(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        opened = scene.open()
        assert isinstance(opened, EcrRegistry)
        found = {ability.name: ability for ability in opened.examine(scene.repository)}
        assert "ecr-public:BatchDeleteImage" in found["delete"].detail
        assert found["list"].possible is True

    @pytest.mark.usefixtures("aws_chain")
    def test_the_dual_stack_name_has_its_own_api(self, registry: RunningRegistry, vendor_network: NetworkFactory) -> None:
        simulator = PublicEcrSimulator(registry.host)
        names = ("ecr-public.aws.com", "ecr-public.us-east-1.api.aws")
        vendor_network(dict.fromkeys(names, simulator))
        other = scene_at(simulator, names[0], f"{ALIAS}/team/{uuid.uuid4().hex}")
        digest = other.push(image(), "v1")
        assert other.open().inventory(other.repository).tags == {Tag("v1"): digest}
        other.close()


class TestOtherClients:
    """Their own HTTP, their own retries, their own reading of the same answers."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[EcrScene]:
        with private_scene(registry.host) as scene:
            yield scene

    def test_boto3_tells_the_same_story(self, scene: EcrScene) -> None:
        part = image(layer("part"))
        scene.push(index(part), "v1", "v2")
        other = scene.push(image(layer("other")), "v3")
        scene.simulator.faults.page_size = 2
        client = _client(f"http://{scene.repository.registry}", KEYS)
        here = {"registryId": ACCOUNT, "repositoryName": scene.path}

        def tags() -> set[str]:
            pages = client.get_paginator("describe_images").paginate(**here, filter={"imageStatus": "ANY"})
            return {tag for page in pages for detail in page["imageDetails"] for tag in detail.get("imageTags", ())}

        assert tags() == {"v1", "v2", "v3"}
        deleted = client.batch_delete_image(**here, imageIds=[{"imageTag": "v2"}, {"imageDigest": str(part.digest)}])
        assert [failure["failureCode"] for failure in deleted["failures"]] == ["ImageReferencedByManifestList"]
        assert tags() == {"v1", "v3"}
        client.batch_delete_image(**here, imageIds=[{"imageTag": "v1"}])
        assert scene.tags() == {"v3": other}
        with pytest.raises(client.exceptions.RepositoryNotFoundException):
            client.describe_images(repositoryName="nowhere")

    @pytest.mark.usefixtures("aws_chain")
    def test_moto_is_understood_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another reading of ECR, by people who do not know of us: listing, order within a batch, single tags, repositories."""
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            _, port = server.get_host_and_port()
            for name, value in {**KEYS, "AWS_ENDPOINT_URL_ECR": f"http://127.0.0.1:{port}"}.items():
                monkeypatch.setenv(name, value)
            with Session() as session:
                _tell(session, _client(f"http://127.0.0.1:{port}", KEYS))
        finally:
            server.stop()


def _tell(session: Session, client: Any) -> None:
    options = VendorOptions({"ecr-registry-id": ACCOUNT, "ecr-region": REGION})
    host = Registry("registry.example.com")
    opened = VENDOR.open(Connection(host, session, LoginKeychain({}), options))
    assert isinstance(opened, EcrRegistry)
    repository = Repository(host, "acme/app")
    assert opened.create_repository(repository) is True
    assert opened.create_repository(repository) is False
    assert opened.repositories("acme") == [repository]
    images = [image(layer(f"{number}")) for number in range(5)]
    for number, one in enumerate(images):
        for tag in (f"v{number}", f"again-{number}"):
            client.put_image(
                registryId=ACCOUNT, repositoryName="acme/app", imageManifest=one.content.decode(), imageTag=tag,
                imageManifestMediaType=one.media_type,
            )  # fmt: skip
    inventory = opened.inventory(repository)
    digests = {tag.text: digest for tag, digest in inventory.tags.items()}
    assert len(digests) == 10
    assert all(stored.date for stored in inventory.manifests.values())
    assert opened.delete_manifests(repository, [digests["v0"], digests["v1"]]) == dict.fromkeys((digests["v0"], digests["v1"]))
    gone = Digest.of(b"never pushed")
    assert isinstance(opened.delete_manifests(repository, [gone])[gone], NotFound)
    assert len(opened.tag_names(repository)) == 6
    login = opened.docker_login()
    assert login is not None
    assert login.username == "AWS"


def _client(endpoint: str, keys: Mapping[str, str]) -> Any:
    return boto3.client(
        "ecr", region_name=REGION, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
