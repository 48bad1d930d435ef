"""Clusters, asked over HTTP: every kind, every page, every way to log in; and what is refused."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import pytest
from lightkube.models.core_v1 import (
    Container,
    EphemeralContainer,
    ImageVolumeSource,
    PodStatus,
    Volume,
)  # fmt: skip
from tests.realparts.certificates import Certificate, make_authority, make_certificate
from tests.scripted_server import Reply, ScriptedServer
from tests.simulators import kubernetes as kube
from tests.simulators.kubernetes import TOKEN, Cluster, kubeconfig

from moorage.clusters.kubeconfig import read_contexts
from moorage.clusters.listing import Scope, what_runs
from moorage.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(authority, tmp_path_factory.mktemp("tls"), "api", ("127.0.0.1",))


def asked(config: Path, **scope: Any) -> dict[str, set[str]]:
    pauses = scope.pop("pauses", [])
    uses = what_runs(read_contexts([config]).values(), Scope({"PATH": os.environ["PATH"]}, sleep=pauses.append, **scope))
    found: dict[str, set[str]] = {}
    for use in uses:
        found.setdefault(use.image, set()).add(use.why)
    return found


def runs(tmp_path: Path, *objects: Any, **cluster: Any) -> dict[str, set[str]]:
    with Cluster(objects, **cluster).served() as server:
        return asked(kubeconfig(tmp_path / "config", server.url))


# What counts


def test_every_kind_of_workload_on_every_page(tmp_path: Path) -> None:
    made = [
        kube.deployment, kube.stateful_set, kube.daemon_set, kube.replica_set, kube.replication_controller, kube.job,
        kube.cron_job,
    ]  # fmt: skip
    objects = [make("web", f"n{number}", f"{make.__name__}:{number}") for make in made for number in range(7)]
    found = runs(tmp_path, *objects, page=3)
    assert found.keys() == {f"{make.__name__}:{number}" for make in made for number in range(7)}
    assert found["cron_job:6"] == {"CronJob web/n6 in context prod runs it"}


def test_every_image_of_a_pod(tmp_path: Path) -> None:
    status = PodStatus(
        phase="Running",
        containerStatuses=[kube.pulled("app:1", f"docker-pullable://app@{DIGEST}")],
        initContainerStatuses=[kube.pulled("init:1", "init@sha256:i")],
        ephemeralContainerStatuses=[kube.pulled("debug:1", "")],
    )
    pod = kube.pod(
        "web", "p", "app:1", "side:1", status=status,
        initContainers=[Container(name="i", image="init:1")],
        ephemeralContainers=[EphemeralContainer(name="e", image="debug:1")],
        volumes=[Volume(name="v", image=ImageVolumeSource(reference="models:1")), Volume(name="w")],
    )  # fmt: skip
    images = {"app:1", "side:1", "init:1", "debug:1", "models:1", f"docker-pullable://app@{DIGEST}", "init@sha256:i"}
    assert runs(tmp_path, pod).keys() == images


def test_people_are_told_of_what_they_deployed(tmp_path: Path) -> None:
    shop = kube.deployment("web", "shop", "app:2")
    now = kube.replica_set("web", "shop-2", "app:2", owner=shop)
    old = kube.replica_set("web", "shop-1", "app:1", owner=shop, replicas=0)
    pod = kube.pod("web", "shop-2-x", "app:2", owner=now)
    rollout = kube.owned(kube.replica_set("web", "argo-1", "argo:1"), "Rollout", "argo")
    static = kube.owned(kube.pod("kube-system", "etcd-node", "etcd:3"), "Node", "node")
    assert runs(tmp_path, shop, now, old, pod, rollout, static) == {
        "app:2": {"Deployment web/shop in context prod runs it"},
        "app:1": {"Deployment web/shop in context prod can go back to it (ReplicaSet shop-1)"},
        "argo:1": {"Rollout web/argo in context prod runs it"},
        "etcd:3": {"Pod kube-system/etcd-node in context prod runs it"},
    }


@pytest.mark.parametrize("ended", ["Complete", "Failed"])
def test_jobs_that_ended_use_nothing_and_nor_do_their_pods(tmp_path: Path, ended: str) -> None:
    done = kube.job("web", "done", "done:1", ended=ended)
    pod = kube.pod("web", "done-x", "done:1", owner=done, status=PodStatus(phase="Succeeded"))
    going = kube.job("web", "going", "going:1", ended="Suspended")
    lingering = kube.pod("web", "alone", "alone:1", status=PodStatus(phase="Failed"))
    assert runs(tmp_path, done, pod, going, lingering).keys() == {"going:1", "alone:1"}


def test_a_pod_of_a_finished_job_that_still_runs_counts(tmp_path: Path) -> None:
    done = kube.job("web", "done", "done:1", ended="Failed")
    assert runs(tmp_path, done, kube.pod("web", "x", "done:1", owner=done, status=PodStatus(phase="Running"))).keys() == {
        "done:1"
    }


# Where to look


def test_every_context_is_asked_and_one_cluster_once(tmp_path: Path) -> None:
    one, two = Cluster([kube.pod("a", "p", "one:1")]), Cluster([kube.pod("a", "p", "two:1")])
    with one.served() as first, two.served() as second:
        assert asked(kubeconfig(tmp_path / "config", first.url, second.url)).keys() == {"one:1", "two:1"}
        text = (tmp_path / "config").read_text().replace("cluster: c-staging", "cluster: c-prod")
        (tmp_path / "config").write_text(text)
        first.requests.clear()
        assert asked(tmp_path / "config").keys() == {"one:1"}
        assert len(first.asked("GET", "/pods")) == 1


def test_the_contexts_own_namespace_alone(tmp_path: Path) -> None:
    objects = [kube.pod("web", "p", "mine:1"), kube.pod("other", "p", "theirs:1")]
    with Cluster(objects, forbidden=frozenset({"pods", "deployments"})).served() as server:
        config = kubeconfig(tmp_path / "config", server.url, namespace="web")
        assert asked(config, own_namespace=True).keys() == {"mine:1"}
        with pytest.raises(Refused, match="answered 403: pods is forbidden") as caught:
            asked(config)
    assert "Allow `list` of pods" in caught.value.remedy


# Logging in


def test_tls_with_an_authority_from_a_file_or_as_data(tmp_path: Path, authority: Certificate, tls: Certificate) -> None:
    data = base64.b64encode(authority.file.read_bytes()).decode()
    with Cluster([kube.pod("a", "p", "one:1")]).served(tls) as server:
        for more in ({"certificate-authority": str(authority.file)}, {"certificate-authority-data": data}):
            assert asked(kubeconfig(tmp_path / "config", server.url, cluster=more)).keys() == {"one:1"}
        assert asked(kubeconfig(tmp_path / "config", server.url, cluster={"insecure-skip-tls-verify": True}))
        with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED"):
            asked(kubeconfig(tmp_path / "config", server.url))


def test_a_server_that_is_reached_by_another_name(tmp_path: Path, authority: Certificate) -> None:
    elsewhere = make_certificate(authority, tmp_path, "elsewhere", ("api.internal",))
    trust = {"certificate-authority": str(authority.file)}
    with Cluster([kube.pod("a", "p", "one:1")]).served(elsewhere) as server:
        with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED"):
            asked(kubeconfig(tmp_path / "config", server.url, cluster=trust))
        assert asked(kubeconfig(tmp_path / "config", server.url, cluster={**trust, "tls-server-name": "api.internal"}))


def test_client_certificates(tmp_path: Path, authority: Certificate, tls: Certificate) -> None:
    own = make_certificate(authority, tmp_path, "ci", ("ci",))
    trust = {"certificate-authority": str(authority.file)}
    files = {"client-certificate": str(own.file), "client-key": str(own.key_file)}
    data = {f"{name}-data": base64.b64encode((tmp_path / path).read_bytes()).decode() for name, path in files.items()}
    with Cluster([kube.pod("a", "p", "one:1")], token=None).served(tls, clients=authority) as server:
        for user in (files, data):
            assert asked(kubeconfig(tmp_path / "config", server.url, user=user, cluster=trust)).keys() == {"one:1"}
        with pytest.raises(Refused, match="could not be asked"):
            asked(kubeconfig(tmp_path / "config", server.url, user={}, cluster=trust))


def test_tokens_from_files_and_plugins(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "plugin").write_text(f"""#!/bin/sh\necho '{{"status": {{"token": "{TOKEN}"}}}}'\n""")
    (tmp_path / "plugin").chmod(0o755)
    plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin"}}
    with Cluster([kube.pod("a", "p", "one:1")]).served() as server:
        for user in ({"tokenFile": "token"}, plugin):
            assert asked(kubeconfig(tmp_path / "config", server.url, user=user)).keys() == {"one:1"}


def test_an_expired_token(tmp_path: Path) -> None:
    with Cluster().served() as server, pytest.raises(Refused, match="context prod answered 401: Unauthorized") as caught:
        asked(kubeconfig(tmp_path / "config", server.url, user={"token": "sham-expired-token"}))
    assert "Log in to the cluster again" in caught.value.remedy


def test_who_has_no_name_for_himself_is_told_so_by_the_server(tmp_path: Path) -> None:
    with Cluster().served() as server, pytest.raises(Refused, match="401"):
        asked(kubeconfig(tmp_path / "config", server.url, user={}))


# Trouble


def test_a_listing_that_expired_starts_again(tmp_path: Path) -> None:
    objects = [kube.pod("a", f"p{number}", f"app:{number}") for number in range(7)]
    assert len(runs(tmp_path, *objects, expiring={"pods"})) == 7


def test_a_server_that_stumbles_is_asked_again_and_one_that_lies_down_is_not(tmp_path: Path) -> None:
    pauses: list[float] = []
    with Cluster([kube.pod("a", "p", "app:1")], broken={"pods": 2}).served() as server:
        assert asked(kubeconfig(tmp_path / "config", server.url), pauses=pauses)
    assert pauses == [1.0, 2.0]
    with Cluster(broken={"jobs": 99}).served() as server, pytest.raises(Refused, match="context prod answered 503"):
        asked(kubeconfig(tmp_path / "config", server.url))


def test_all_that_could_not_be_asked_are_named(tmp_path: Path) -> None:
    with Cluster(token="another").served() as server:
        config = kubeconfig(tmp_path / "config", server.url, "http://127.0.0.1:1", "http://")
    with pytest.raises(Refused) as caught:
        asked(config)
    assert all(f"context {name}" in caught.value.message for name in ("prod", "staging", "third"))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>a proxy's page</html>", {"content-type": "text/html"}),
        Reply(200, b'{"items": [{"spec": {"containers": "none"}}], "metadata": {}}'),
        Reply(200, b'{"kind": "PodList"}'),
        Reply(500, b"{}", {}),
        Reply(403, b"not json", {"content-type": "application/json"}),
        Reply(302, b"", {"location": "http://elsewhere.invalid/"}),
        Reply(drop=True),
    ],
    ids=["html", "types", "no-items", "no-type", "no-json", "redirect", "drop"],
)
def test_an_answer_that_is_none_is_refused(tmp_path: Path, reply: Reply) -> None:
    with ScriptedServer(lambda _: reply) as server, pytest.raises(Refused, match="the cluster of context prod "):
        asked(kubeconfig(tmp_path / "config", server.url))


def test_no_secret_in_what_is_told(tmp_path: Path) -> None:
    answer = Reply.of({"kind": "Status", "message": f"the token {TOKEN} is too old"}, 401)
    with ScriptedServer(lambda _: answer) as server, pytest.raises(Refused) as caught:
        asked(kubeconfig(tmp_path / "config", server.url))
    assert TOKEN not in repr(caught.value)
    assert "too old" in repr(caught.value)
