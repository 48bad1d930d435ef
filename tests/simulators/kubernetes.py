"""A Kubernetes API server, as far as listing goes: pages with `limit` and `continue`, namespaces, tokens, Status answers.

Its objects are made of the types that lightkube generates from the published specification: an unknown field is a TypeError when
a test makes one, a value of another type a ValidationError when the server takes it.

    cluster = Cluster([pod("web", "a", "ghcr.io/acme/app:1"), deployment("web", "shop", "ghcr.io/acme/app:2")])
    with cluster.served() as server:
        ...kubeconfig(server.url)

How pages go on: kubernetes.io, "Retrieving large results sets in chunks", seen 2026-11.
"""

from __future__ import annotations

import base64
import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import yaml
from lightkube.core.resource import api_info
from lightkube.models.apps_v1 import DaemonSetSpec, DeploymentSpec, ReplicaSetSpec, StatefulSetSpec
from lightkube.models.batch_v1 import CronJobSpec, JobCondition, JobSpec, JobStatus, JobTemplateSpec
from lightkube.models.core_v1 import (
    Container,
    ContainerState,
    ContainerStatus,
    PodSpec,
    PodStatus,
    PodTemplateSpec,
    ReplicationControllerSpec,
)  # fmt: skip
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta, OwnerReference
from lightkube.resources.apps_v1 import DaemonSet, Deployment, ReplicaSet, StatefulSet
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.core_v1 import Pod, ReplicationController

from tests.scripted_server import Reply, Request, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.realparts.certificates import Certificate

T = TypeVar("T", bound=Any)

TOKEN: Final = "sham-token-of-a-service-account"
KINDS: Final = (Pod, ReplicationController, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob)


@dataclass
class Cluster:
    """`forbidden` are resources that may be listed in one namespace alone; `expiring` those whose listing is forgotten once.

    `page` is the most that one answer holds, whatever was asked for. `broken` are resources that end in a server error, so often.
    """

    objects: Iterable[Any] = ()
    page: int = 3
    forbidden: frozenset[str] = frozenset()
    expiring: set[str] = field(default_factory=set)
    broken: dict[str, int] = field(default_factory=dict)
    token: str | None = TOKEN

    def __post_init__(self) -> None:
        self._lists: dict[str, list[Any]] = {_path(kind): [] for kind in KINDS}
        for found in self.objects:
            document = json.loads(msgspec.json.encode(found))
            self._lists[_path(type(found))].append(document)
            msgspec.convert(document, type(found))  # what is not of the published types is no answer of a server

    @contextmanager
    def served(self, tls: Certificate | None = None, clients: Certificate | None = None) -> Iterator[ScriptedServer]:
        with ScriptedServer(self.answer, tls=tls, clients=clients) as server:
            yield server

    def answer(self, request: Request) -> Reply:
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return _status(401, "Unauthorized", "Unauthorized")
        *start, resource = request.path.strip("/").split("/")
        namespace = start[-1] if len(start) > 2 and start[-2] == "namespaces" else None
        path = "/".join([*(start[:-2] if namespace else start), resource])
        if path not in self._lists:
            return _status(404, "NotFound", "the server could not find the requested resource")
        if resource in self.forbidden and namespace is None:
            return _status(403, "Forbidden", f'{resource} is forbidden: User "ci" cannot list resource "{resource}"')
        if self.broken.get(resource, 0) > 0:
            self.broken[resource] -= 1
            return _status(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        return self._page(resource, path, namespace, dict(request.query))

    def _page(self, resource: str, path: str, namespace: str | None, query: Mapping[str, str]) -> Reply:
        every = [found for found in self._lists[path] if namespace in (None, found["metadata"]["namespace"])]
        start = int(base64.b64decode(query["continue"])) if "continue" in query else 0
        if start and resource in self.expiring:
            self.expiring.remove(resource)
            return _status(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
        end = start + min(int(query.get("limit", "500")), self.page)
        meta = {"resourceVersion": "4711"}
        if end < len(every):
            meta |= {"continue": base64.b64encode(str(end).encode()).decode()}
        return Reply.of({"kind": "List", "apiVersion": "v1", "metadata": meta, "items": every[start:end]})


def _path(kind: type[Any]) -> str:
    info = api_info(kind)
    group = ["apis", info.resource.group] if info.resource.group else ["api"]
    return "/".join([*group, info.resource.version, info.plural])


def _status(code: int, reason: str, message: str) -> Reply:
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code}
    return Reply.of({**document, "metadata": {}}, code)


# -- objects


_uids = itertools.count(1)


def _meta(namespace: str, name: str, owner: Any = None) -> ObjectMeta:
    owners = [owned_by(type(owner).__name__, owner.metadata.name, owner.metadata.uid)] if owner else None
    return ObjectMeta(name=name, namespace=namespace, uid=f"uid-{next(_uids)}", ownerReferences=owners)


def owned_by(kind: str, name: str, uid: str) -> OwnerReference:
    return OwnerReference(apiVersion="v1", kind=kind, name=name, uid=uid, controller=True)


def owned(found: T, kind: str, name: str) -> T:
    """The same object, controlled by one that is not among the kinds listed here."""
    found.metadata.ownerReferences = [owned_by(kind, name, f"uid-{next(_uids)}")]
    return found


def spec(*images: str, **more: Any) -> PodSpec:
    return PodSpec(containers=[Container(name=f"c{number}", image=image) for number, image in enumerate(images)], **more)


def template(*images: str) -> PodTemplateSpec:
    return PodTemplateSpec(spec=spec(*images))


def pulled(image: str, identity: str) -> ContainerStatus:
    state = ContainerState()
    return ContainerStatus(name="c", image=image, imageID=identity, ready=True, restartCount=0, state=state)


def pod(namespace: str, name: str, *images: str, owner: Any = None, status: PodStatus | None = None, **more: Any) -> Pod:
    return Pod(metadata=_meta(namespace, name, owner), spec=spec(*images, **more), status=status)


def deployment(namespace: str, name: str, *images: str) -> Deployment:
    return Deployment(metadata=_meta(namespace, name), spec=DeploymentSpec(LabelSelector(), template(*images), replicas=0))


def replica_set(namespace: str, name: str, *images: str, owner: Any = None, replicas: int = 1) -> ReplicaSet:
    found = ReplicaSetSpec(LabelSelector(), replicas=replicas, template=template(*images))
    return ReplicaSet(metadata=_meta(namespace, name, owner), spec=found)


def stateful_set(namespace: str, name: str, *images: str) -> StatefulSet:
    return StatefulSet(metadata=_meta(namespace, name), spec=StatefulSetSpec(LabelSelector(), template=template(*images)))


def daemon_set(namespace: str, name: str, *images: str) -> DaemonSet:
    return DaemonSet(metadata=_meta(namespace, name), spec=DaemonSetSpec(LabelSelector(), template(*images)))


def replication_controller(namespace: str, name: str, *images: str) -> ReplicationController:
    found = ReplicationControllerSpec(template=template(*images))
    return ReplicationController(metadata=_meta(namespace, name), spec=found)


def job(namespace: str, name: str, *images: str, owner: Any = None, ended: str = "") -> Job:
    status = JobStatus(conditions=[JobCondition(status="True", type=ended)] if ended else None)
    return Job(metadata=_meta(namespace, name, owner), spec=JobSpec(template(*images)), status=status)


def cron_job(namespace: str, name: str, *images: str) -> CronJob:
    jobs = JobTemplateSpec(spec=JobSpec(template(*images)))
    return CronJob(metadata=_meta(namespace, name), spec=CronJobSpec(jobTemplate=jobs, schedule="0 3 * * *"))


def kubeconfig(
    path: Path,
    *servers: str,
    user: Mapping[str, Any] | None = None,
    namespace: str | None = None,
    cluster: Mapping[str, Any] | None = None,
) -> Path:
    """A kubeconfig with a context per server: prod, staging, third. `cluster` are more fields of each cluster."""
    names = ("prod", "staging", "third")[: len(servers)]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0] if names else "",
        "clusters": [
            {"name": f"c-{name}", "cluster": {"server": server, **(cluster or {})}}
            for name, server in zip(names, servers, strict=True)
        ],
        "users": [{"name": "ci", "user": dict(user) if user is not None else {"token": TOKEN}}],
        "contexts": [
            {"name": name, "context": {"cluster": f"c-{name}", "user": "ci", **({"namespace": namespace} if namespace else {})}}
            for name in names
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
