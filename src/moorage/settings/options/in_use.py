"""What runs right now stays: how to find the clusters."""

from typing import Final

from moorage.option import Command, Option, Shape, boolean, text

_THEME: Final = "In use"
_REASONING = frozenset({Command.CLEANUP, Command.PURGE, Command.EXPLAIN})

WITHOUT_KUBE = Option(
    name="without-kube",
    help="Do not look into Kubernetes for images that are in use.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_REASONING,
    theme=_THEME,
)
KUBE_CONFIG = Option(
    name="kube-config",
    help="The kubeconfig of the clusters to look into.",
    parse=text,
    metavar="FILE",
    default_text="$KUBECONFIG, ~/.kube/config",
    commands=_REASONING,
    theme=_THEME,
)
KUBE_CONTEXT = Option(
    name="kube-context",
    help="Look into the cluster of this context alone.",
    parse=text,
    metavar="NAME",
    default_text="every context",
    commands=_REASONING,
    theme=_THEME,
)
SCAN_CONTEXT_NAMESPACE_ONLY = Option(
    name="scan-context-namespace-only",
    help="In each context look at its own namespace alone, for who may not list the whole cluster.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_REASONING,
    theme=_THEME,
)

OPTIONS = (WITHOUT_KUBE, KUBE_CONFIG, KUBE_CONTEXT, SCAN_CONTEXT_NAMESPACE_ONLY)
