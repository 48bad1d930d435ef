"""Which clusters to ask: the kubeconfig that was named, else kubectl's own places."""

import os
from pathlib import Path

from moorage.settings.options import in_use
from moorage.settings.request import Request
from moorage.settings.settings import ClusterSettings


def clusters_of(request: Request) -> ClusterSettings | None:
    """None where nothing of Kubernetes is to be touched. Looks whether files are there, and reads none of them."""
    options = request.options
    if options.flag(in_use.WITHOUT_KUBE):
        return None
    content = options.value(in_use.KUBE_CONFIG_BASE64)
    named = options.value(in_use.KUBE_CONFIG)
    context = options.value(in_use.KUBE_CONTEXT)
    own_namespace = options.flag(in_use.SCAN_CONTEXT_NAMESPACE_ONLY)
    if content is not None:
        return ClusterSettings(asked_for=True, context=context, own_namespace=own_namespace, content=content)
    listed = [] if named else [path for path in request.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return ClusterSettings(
        files=tuple(Path(path).expanduser().absolute() for path in ([named] if named else listed)) or _of_home(request),
        asked_for=bool(named or listed or context),
        context=context,
        own_namespace=own_namespace,
    )


def _of_home(request: Request) -> tuple[Path, ...]:
    home = request.environ.get("HOME")
    path = Path(home or ".", ".kube", "config")
    return (path,) if home and os.path.lexists(path) else ()
