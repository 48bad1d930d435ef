"""What runs stays: cleanup, purge, explain and reviewed plans over a directory of layouts, with clusters to ask."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lightkube.models.core_v1 import PodStatus
from tests import layout_reading
from tests.calling import Called, call
from tests.images import Image, image, index, layer, push
from tests.simulators import kubernetes as kube
from tests.simulators.kubernetes import Cluster, kubeconfig

from moorage.commands.in_use import Running, running
from moorage.commands.world import World
from moorage.oci import labels
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import parse_manifest
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry
from moorage.settings.settings import ClusterSettings

if TYPE_CHECKING:
    from pathlib import Path

RULE = ("--delete-tags", "old-*")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(place: Path, content: Image, *tags: str) -> Image:
    registry = LayoutRegistry(Registry("oci:registry"), clock=lambda: datetime.now(UTC) - timedelta(weeks=4))
    push(registry, Repository(Registry("oci:registry"), "app"), content, *tags)
    return content


def moorage(place: Path, command: str, *argv: str, **environ: str) -> Called:
    return call(
        command, "--images-repo", "oci:registry", *argv, "--output", "json", environ={"HOME": str(place), **environ}
    )  # fmt: skip


def cleanup(place: Path, *argv: str, **environ: str) -> Called:
    return moorage(place, "cleanup", "--repository", "app", *RULE, *argv, **environ)


def tags(place: Path) -> set[str]:
    return set(layout_reading.tags(place / "registry/app"))


def pulled(identity: str) -> Any:
    return kube.pod("web", "shop-1", "app:1", status=PodStatus(containerStatuses=[kube.pulled("app:1", identity)]))


# Over the command line


def test_what_a_node_has_pulled_stays_and_so_does_the_index_around_it(place: Path) -> None:
    part = image(layer("arm"), platform="linux/arm64")
    put(place, index(image(layer("amd")), part), "old-1", "old-2")
    put(place, image(layer("idle")), "old-3")
    put(place, image(layer("other")), "new")
    with Cluster([pulled(f"elsewhere.example/app@{part.digest}")]).served() as server:
        kubeconfig(place / ".kube/config", server.url)
        called = cleanup(place)
    assert called.code == 0, called.err
    assert tags(place) == {"old-1", "old-2", "new"}
    reasons = {item["tag"]: item["reasons"] for item in called.document["items"] if item["tag"]}
    why = f"Pod web/shop-1 in context prod runs it, as its part {part.digest.short}"
    assert reasons["old-1"] == [{"code": "in-use", "detail": why}]


def test_without_a_kubeconfig_there_is_a_notice_and_the_cleanup_goes_on(place: Path) -> None:
    put(place, image(), "old-1")
    put(place, image(layer("b")), "new")
    called = cleanup(place)
    assert called.code == 0
    assert "there is no kubeconfig, so nobody asks Kubernetes which images run" in called.err
    assert tags(place) == {"new"}


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        ((), {}),
        (("--kube-config", "gone"), {}),
        ((), {"KUBECONFIG": "gone:gone-too"}),
        (("--kube-context", "produ"), {}),
    ],
    ids=["unreachable", "no-file", "no-files", "no-context"],
)
def test_what_cannot_be_asked_is_a_refusal_and_in_a_dry_run_an_objection(
    place: Path, argv: tuple[str, ...], environ: dict[str, str]
) -> None:
    put(place, image(), "old-1")
    put(place, image(layer("b")), "new")
    kubeconfig(place / ".kube/config", "http://127.0.0.1:1")
    called = cleanup(place, *argv, **environ)
    assert called.code == 6, called.out
    assert called.document["error"]["code"] == "refused"
    assert "--without-kube" in called.document["error"]["remedy"]
    assert tags(place) == {"old-1", "new"}

    dry = call("cleanup", "--images-repo", "oci:registry", "--repository", "app", *RULE, *argv, "--dry-run",
               environ={"HOME": str(place), **environ})  # fmt: skip
    assert dry.code == 0
    assert "what runs in Kubernetes is not known" in dry.out

    blind = cleanup(place, *argv, "--without-kube", **environ)
    assert blind.code == 0
    assert "ubernetes" not in blind.err
    assert tags(place) == {"new"}


def test_of_several_kubeconfigs_those_that_are_not_there_are_passed_over(place: Path) -> None:
    running_one = put(place, image(), "old-1")
    put(place, image(layer("b")), "new")
    with Cluster([pulled(f"app@{running_one.digest}")]).served() as server:
        config = kubeconfig(place / "config", server.url)
        called = cleanup(place, KUBECONFIG=f"gone:{config}")
    assert called.code == 0, called.out
    assert tags(place) == {"old-1", "new"}


def test_an_empty_kubeconfig_at_home_asks_for_nothing_and_one_by_name_does(place: Path) -> None:
    put(place, image(), "old-1")
    put(place, image(layer("b")), "new")
    kubeconfig(place / ".kube/config")
    assert cleanup(place, "--kube-config", ".kube/config").code == 6
    called = cleanup(place)
    assert called.code == 0
    assert "names no context" in called.err


def test_a_reviewed_plan_spares_what_has_started_since(place: Path) -> None:
    started, listed = put(place, image(layer("a")), "old-1"), put(place, image(layer("b")), "old-2")
    put(place, image(layer("c")), "old-3")
    put(place, image(layer("d")), "new")
    assert cleanup(place, "--dry-run", "--plan-out", "plan.json").code == 0
    (place / "keep").write_text(f"{listed.digest}\n")
    with Cluster([pulled(f"app@{started.digest}")]).served() as server:
        kubeconfig(place / ".kube/config", server.url)
        called = moorage(place, "cleanup", "--plan", "plan.json", "--keep-list", "keep")
    assert called.code == 0, called.out
    assert tags(place) == {"old-1", "old-2", "new"}
    outcomes = {item["tag"]: (item["outcome"], item["error"]) for item in called.document["items"] if item["tag"]}
    assert outcomes["old-1"] == ("changed-since-plan", "Pod web/shop-1 in context prod runs it")
    assert outcomes["old-3"] == ("deleted", None)


def test_an_explanation_names_the_workload_or_says_that_nobody_knows(place: Path) -> None:
    found = put(place, image(), "old-1")
    with Cluster([pulled(f"app@{found.digest}")]).served() as server:
        kubeconfig(place / ".kube/config", server.url)
        called = moorage(place, "explain", "app:old-1", "--image", "app", "--git-history-based-cleanup=false").document
    assert called["items"][0]["reasons"][0]["detail"] == "Pod web/shop-1 in context prod runs it"
    assert any(
        "not known" in note
        for note in moorage(place, "explain", "app:old-1", "--image", "app", "--git-history-based-cleanup=false").document[
            "notes"
        ]
    )


def own(name: str) -> Image:
    return image(layer(name), labels={labels.IMAGE: "app", labels.PROJECT: "shop", labels.CONTENT: f"sha256:{name * 64}"})


def test_a_purge_leaves_what_runs(place: Path) -> None:
    """By name, by digest as a part of an index, and through a template; what is listed or locked stays as in any cleanup."""
    part, listed = own("a"), own("d")
    whole = index(part, own("b"))
    put(place, index(part, own("b")), "v1")
    put(place, own("c"), "v2")
    put(place, listed, "v3")
    put(place, own("e"), "v4")
    (place / "keep").write_text(f"{listed.digest}\n")
    argv = ("--image", "app", "--project", "shop", "--keep-list", "keep")
    with Cluster([pulled(f"app@{part.digest}"), kube.deployment("web", "shop", "registry/app:v2")]).served() as server:
        kubeconfig(place / ".kube/config", server.url)
        shown = moorage(place, "purge", "--dry-run", *argv).document
        called = moorage(place, "purge", "--yes", *argv)
    assert called.code == 0, called.err
    assert whole.digest.text in {item["digest"] for item in shown["items"]}
    kept = {item["tag"]: item["reasons"][0]["code"] for item in called.document["items"] if item["tag"]}
    assert kept == {"v1": "in-use", "v2": "purge", "v3": "keep-list", "v4": "purge"}
    assert tags(place) == {"v1", "v3"}
    layout_reading.whole(place / "registry/app")


def test_a_purge_asks_the_cluster_or_refuses(place: Path) -> None:
    put(place, own("a"), "v1")
    kubeconfig(place / ".kube/config", "http://127.0.0.1:1")
    assert moorage(place, "purge", "--yes", "--image", "app", "--project", "shop").code == 6
    assert tags(place) == {"v1"}


def test_a_purge_is_stopped_by_its_guards(place: Path) -> None:
    for number in range(10):
        put(place, own(f"{number}"), f"v{number}")
    argv = ("purge", "--yes", "--image", "app", "--project", "shop", "--without-kube")
    called = moorage(place, *argv)
    assert called.code == 6
    assert "--max-delete-percent allows 80 %" in called.document["error"]["message"]
    assert len(tags(place)) == 10
    assert moorage(place, *argv, "--max-delete-percent", "100").code == 0
    assert tags(place) == set()


def test_a_kubeconfig_out_of_a_secret(place: Path) -> None:
    found = put(place, image(), "old-1")
    put(place, image(layer("b")), "new")
    with Cluster([pulled(f"app@{found.digest}")]).served() as server:
        content = kubeconfig(place / "config", server.url).read_bytes()
        for called in (
            cleanup(place, "--kube-config-base64", base64.b64encode(content).decode()),
            cleanup(place, MOORAGE_KUBE_CONFIG_BASE64=base64.encodebytes(content).decode()),
        ):
            assert called.code == 0, called.out
            assert tags(place) == {"old-1", "new"}
            assert base64.b64encode(content).decode() not in called.err + called.out


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"no: [kubeconfig", 6, "the kubeconfig of --kube-config-base64 is no YAML"),
        (b"{}", 6, "the kubeconfig of --kube-config-base64 names no context"),
        (b"\xff\xfe", 2, "bad --kube-config-base64 ***: the base64 of a kubeconfig is needed"),
    ],
)
def test_a_secret_that_holds_none(place: Path, content: bytes, code: int, said: str) -> None:
    put(place, image(), "old-1")
    called = cleanup(place, "--kube-config-base64", base64.b64encode(content).decode())
    assert called.code == code
    assert said in called.document["error"]["message"]
    assert tags(place) == {"old-1"}


def test_one_kubeconfig_at_a_time(place: Path) -> None:
    called = cleanup(place, "--kube-config", "config", "--kube-config-base64", base64.b64encode(b"{}").decode())
    assert called.code == 2
    assert "exclude each other" in called.document["error"]["message"]


# Names and digests

GHCR = Repository(Registry("ghcr.io"), "acme/app")
HUB = Repository(Registry("index.docker.io"), "library/alpine")


def asked(tmp_path: Path, *objects: object) -> Running:
    with Cluster(objects).served() as server:
        files = (kubeconfig(tmp_path / "config", server.url),)
        return running(ClusterSettings(files), World(environ={}), dry_run=False)


def inventory(repository: Repository, *images: Image, **tagged: Image) -> Inventory:
    every = {one.digest: Stored.of(parse_manifest(one.content, one.media_type)) for top in images for one in top.manifests()}
    return Inventory(repository, {Tag(tag): one.digest for tag, one in tagged.items()}, every)


@pytest.mark.parametrize("text", ["alpine", "alpine:latest", "docker.io/alpine", "index.docker.io/library/alpine:latest"])
def test_names_are_what_docker_takes_them_for(tmp_path: Path, text: str) -> None:
    found = asked(tmp_path, kube.pod("a", "p", text))
    assert found.claims(inventory(HUB)).keep_tags.keys() == {Tag("latest")}
    assert not found.claims(inventory(GHCR)).keep_tags


def test_a_pinned_tag_means_its_digest(tmp_path: Path) -> None:
    one = image()
    claims = asked(tmp_path, kube.deployment("a", "d", f"ghcr.io/acme/app:1@{one.digest}")).claims(inventory(GHCR, one))
    assert not claims.keep_tags
    assert claims.keep_digests.keys() == {one.digest}


def test_a_digest_is_in_use_where_it_is_listed_and_where_it_was_named(tmp_path: Path) -> None:
    digest = Digest("sha256:" + "c" * 64)
    found = asked(tmp_path, kube.pod("a", "p", f"ghcr.io/acme/app@{digest}"))
    assert found.claims(inventory(GHCR)).keep_digests.keys() == {digest}  # a child, say, that no listing shows
    assert not found.claims(inventory(HUB)).keep_digests


def test_the_identity_that_docker_gives_an_image_is_that_of_its_config(tmp_path: Path) -> None:
    one = image()
    config = parse_manifest(one.content, one.media_type).config
    assert config is not None
    found = asked(tmp_path, pulled(f"docker://{config.digest}"))
    assert found.claims(inventory(GHCR, one)).keep_digests.keys() == {one.digest}


def test_indexes_at_any_depth_around_what_runs(tmp_path: Path) -> None:
    part = image()
    inner = index(part)
    outer, other = index(inner, image(layer("b"))), index(image(layer("c")))
    found = asked(tmp_path, pulled(f"x@{part.digest}")).claims(inventory(GHCR, outer, other))
    assert found.keep_digests.keys() == {part.digest, inner.digest, outer.digest}


def test_many_workloads_are_counted_and_what_is_no_reference_is_told(tmp_path: Path) -> None:
    objects = [kube.deployment("a", f"d{number}", "ghcr.io/acme/app:1") for number in range(9)]
    found = asked(tmp_path, *objects, kube.deployment("a", "odd", "$(IMAGE):1"))
    reasons = found.claims(inventory(GHCR)).keep_tags[Tag("1")]
    assert [reason.detail for reason in reasons][-2:] == ["Deployment a/d2 in context prod runs it", "6 more workloads run it"]
    assert found.notes[0].startswith("Deployment a/odd in context prod runs it, '$(IMAGE):1', which is no reference")
