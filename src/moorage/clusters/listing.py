"""Asking clusters what runs: every kind that brings containers to life, in full, or not at all."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from lightkube import Client
from lightkube.resources.apps_v1 import DaemonSet, Deployment, ReplicaSet, StatefulSet
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.core_v1 import Pod, ReplicationController

from moorage.clusters.connection import connected
from moorage.clusters.kubeconfig import Context
from moorage.clusters.workloads import Thing, Use, uses_of
from moorage.errors import Refused

KINDS: Final[tuple[type[Any], ...]] = (
    Pod, ReplicaSet, ReplicationController, Deployment, StatefulSet, DaemonSet, Job, CronJob,
)  # fmt: skip
_EVERYWHERE: Final = "*"
_PAGE: Final = 500  # objects, as kubectl asks for
_ATTEMPTS: Final = 3
_LONGEST_PAUSE: Final = 10.0  # seconds
_PASSING: Final = frozenset({410, 429, 500, 502, 503, 504})  # 410: the pages took longer than the server remembers a listing
_CONTEXTS_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Scope:
    """`own_namespace`: in each context look at its own namespace alone."""

    environ: Mapping[str, str] = field(repr=False)
    own_namespace: bool = False
    sleep: Callable[[float], None] = time.sleep


def what_runs(contexts: Iterable[Context], scope: Scope) -> frozenset[Use]:
    """What runs in these contexts. Raises Refused, naming each that could not be asked in full."""
    chosen = list(_distinct(contexts, scope))
    with ThreadPoolExecutor(max_workers=_CONTEXTS_AT_ONCE, thread_name_prefix="cluster") as pool:
        answers = list(pool.map(lambda context: _uses_in(context, scope), chosen))
    refusals = [answer for answer in answers if isinstance(answer, Refused)]
    if refusals:
        raise Refused("; ".join(refusal.message for refusal in refusals), remedy=refusals[0].remedy)
    return frozenset().union(*(answer for answer in answers if not isinstance(answer, Refused)))


def _distinct(contexts: Iterable[Context], scope: Scope) -> Iterator[Context]:
    """One context of several that are the same but for the namespace, unless that is what matters."""
    seen = set()
    for context in contexts:
        place = (*context.place, context.namespace if scope.own_namespace else "")
        if place not in seen:
            seen.add(place)
            yield context


def _uses_in(context: Context, scope: Scope) -> frozenset[Use] | Refused:
    namespace = context.namespace if scope.own_namespace else _EVERYWHERE
    try:
        with connected(context, scope.environ) as client:
            return uses_of((thing for kind in KINDS for thing in _listed(client, kind, namespace, scope)), context.name)
    except Refused as refusal:
        return refusal


def _listed(client: Client, kind: type[Any], namespace: str, scope: Scope) -> list[Thing]:
    """Every object of a kind, page by page; from the start again where that breaks off for a reason that passes."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return [Thing.of(kind.__name__, found) for found in client.list(kind, namespace=namespace, chunk_size=_PAGE)]
        except httpx2.HTTPStatusError as error:
            if attempt == _ATTEMPTS or error.response.status_code not in _PASSING:
                raise
            scope.sleep(_pause(error.response, attempt))


def _pause(response: httpx2.Response, attempt: int) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked) if asked.isdecimal() else 2.0**attempt / 2, _LONGEST_PAUSE)
